"""Which classes are mapped, and what each one maps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project import declarations, libraries, relationships, tables
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.constants import Construct, Value, constant, read_construct, read_dict
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.listeners import Listeners
from asyncsqla_lint.project.models import (
    Attribute,
    Column,
    Direction,
    Model,
    Relationship,
    Style,
)
from asyncsqla_lint.project.names import (
    ClassBinding,
    External,
    FunctionBinding,
    Module,
    Scoped,
    ValueBinding,
    Variable,
)
from asyncsqla_lint.project.outline import MAPPING_CALLS

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

_BASES = ("sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta")
_BASE_MAKERS = (
    "sqlalchemy.orm.declarative_base",
    "sqlalchemy.orm.registry.generate_base",
    "sqlalchemy.ext.automap.automap_base",
    "sqlalchemy.orm.automap_base",
)
_BASE_DECORATORS = ("sqlalchemy.orm.as_declarative", "sqlalchemy.orm.registry.as_declarative_base")
_MAPPING_DECORATORS = ("mapped", "mapped_as_dataclass")
_FLASK_MODEL = "flask_sqlalchemy.SQLAlchemy.Model"
_SQLMODEL = "sqlmodel.SQLModel"
# External ancestors that add no mapped attribute.
_PLAIN = frozenset(
    {
        *_BASES,
        _SQLMODEL,
        _FLASK_MODEL,
        "sqlalchemy.ext.asyncio.AsyncAttrs",
        "sqlalchemy.orm.MappedAsDataclass",
        "sqlalchemy.orm.DeclarativeMeta",
        "builtins.object",
        "builtins.dict",
        "builtins.str",
        "typing.Generic",
        "typing.Protocol",
        "abc.ABC",
        "pydantic.BaseModel",
        "enum.Enum",
    }
)


class Mapping:
    """The mapped classes of an index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._models: dict[ClassInfo, Model | None] = {}

    def constant(self, where: Scoped | None, subject: ClassInfo | None = None) -> Value:
        return constant(self.index, where, subject)

    # --- which classes ---------------------------------------------------------------------------

    def model(self, cls: ClassInfo) -> Model | None:
        if cls not in self._models:
            style = self._style(cls)
            self._models[cls] = None if style is None else Model(self, cls, style)
        return self._models[cls]

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """Every mapped class outside of functions, in the order of the modules."""
        index, near = self.index, self._near_models()
        modules = (module for module in index.modules.values() if module in near)
        found = (self.model(cls) for module in modules for cls in index.classes_of(module))
        return tuple(model for model in found if model is not None)

    def _near_models(self) -> set[Module]:
        """The modules in which mapped classes may stand, so far as signs tell."""
        lineages = self.index.lineages
        makers = [name.rpartition(".")[2] for name in _BASE_MAKERS]
        names = [name.rpartition(".")[2] for name in (*_BASES, *_BASE_DECORATORS, _FLASK_MODEL, _SQLMODEL)]
        names += [*makers, *_MAPPING_DECORATORS, "DeclarativeMeta", *lineages.said_of(libraries.BASE)]
        for module in self.index.modules.values():
            if module.says(*makers):  # a helper may make the base
                names += [function.name for function in self.index.functions_of(module)]
        near = {*lineages.below(*names), *(cls.module for cls in self.imperative)}
        for own in ("__tablename__", "__table__"):
            near.update(lineages.binding({own}))
        return near

    @cached_property
    def known_tables(self) -> frozenset[str]:
        return frozenset(model.table_name for model in self.models if model.table_name is not None)

    def named(self, name: str) -> tuple[Model, ...]:
        """The mapped classes that are called so."""
        found = (self.model(cls) for cls in self.index.classes_named(name))
        return tuple(model for model in found if model is not None)

    def base_of(self, cls: ClassInfo) -> object | None:
        """The declarative base of a class: whatever owns the registry that it is mapped in."""
        found: object | None = None
        for ancestor in cls.mro:
            if self.is_base(ancestor):
                found = ancestor
        return found

    def is_base(self, ancestor: ClassInfo | External | Variable) -> bool:
        """Whether mapped classes derive from this, itself unmapped."""
        if isinstance(ancestor, ClassInfo):
            if any(base.symbol == External(name) for base in ancestor.bases for name in _BASES):
                return True
            if any(isinstance(one, External) and one.name in _BASE_DECORATORS for one in ancestor.decorators):
                return True
            metaclass = ancestor.keyword("metaclass")
            return metaclass is not None and self.index.resolve(
                ancestor.module, metaclass, ancestor.definition_scope
            ) == External("sqlalchemy.orm.DeclarativeMeta")
        if isinstance(ancestor, External):
            name = ancestor.name
            if name in (_FLASK_MODEL, _SQLMODEL):
                return True
            return libraries.is_base(name)
        value = ancestor.value
        if not isinstance(value, p.Call):
            return False
        made = read_construct(self.index, Scoped(value, ancestor.module, ancestor.owner or ancestor.scope))
        return made is not None and made.name in _BASE_MAKERS

    def _style(self, cls: ClassInfo) -> Style | None:
        if cls in self.imperative:
            return "imperative"
        if any(isinstance(one, External) and _is_mapping_decorator(one.name) for one in cls.decorators):
            return "declarative"
        if self.is_base(cls):
            return None
        if cls.is_subclass_of(_SQLMODEL):
            table = cls.keyword("table")
            if table is None:
                return None
            return "sqlmodel" if self.constant(Scoped(table, cls.module, cls.definition_scope)) else None
        abstract = cls.members.get("__abstract__")
        if abstract is not None and self.constant(abstract.where) is True:
            return None
        for ancestor in cls.mro[1:]:
            if self.is_base(ancestor):
                return "flask" if ancestor == External(_FLASK_MODEL) else "declarative"
        if cls.has_unknown_base or _unseen(cls):
            return "declarative" if self._looks_mapped(cls) else None
        return None

    def _looks_mapped(self, cls: ClassInfo) -> bool:
        """Below a base that cannot be seen: a table of its own, and something mapped in the body."""
        if not {"__tablename__", "__table__"} & cls.members.keys():
            return False
        return any(
            (made := read_construct(self.index, member.where)) is not None
            and made.name.startswith("sqlalchemy.")
            for member in cls.members.values()
            if member.kind == "value" and isinstance(member.value, p.Call)
        )

    @cached_property
    def listeners(self) -> Listeners:
        return Listeners(self.index)

    # --- imperative mapping ------------------------------------------------------------------------

    @cached_property
    def imperative(self) -> dict[ClassInfo, tuple[Scoped | None, dict[str, Scoped]]]:
        """Classes mapped by `registry.map_imperatively(cls, table, properties={…})`, wherever called."""
        found: dict[ClassInfo, tuple[Scoped | None, dict[str, Scoped]]] = {}
        for module in self.index.modules.values():
            for call, scope in _mapping_calls(module, self.index) if module.says(*MAPPING_CALLS) else ():
                made = self._mapping_call(Scoped(call, module, scope))
                cls = None if made is None else self._mapped_class(made)
                if made is not None and cls is not None:
                    properties = read_dict(self.index, made.argument(2, "properties")) or {}
                    found[cls] = (made.argument(1, "local_table"), properties)
        return found

    def mapped_by(self, mapper: Scoped) -> ClassInfo | None:
        """The class whose mapper an expression makes: `relationship(lines_mapper)` leads to it."""
        made = self._mapping_call(mapper)
        return None if made is None else self._mapped_class(made)

    def _mapping_call(self, where: Scoped) -> Construct | None:
        made = read_construct(self.index, where)
        if made is None or not made.name.startswith("sqlalchemy.orm."):
            return None
        return made if made.name.rpartition(".")[2] in MAPPING_CALLS else None

    def _mapped_class(self, made: Construct) -> ClassInfo | None:
        target = made.argument(0, "class_")
        if target is None:
            return None
        cls = self.index.resolve(target.module, target.expression, target.scope)
        return cls if isinstance(cls, ClassInfo) else None

    # --- what a model maps -------------------------------------------------------------------------

    def attributes_of(self, model: Model) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        if model.parent is None:
            found.update(libraries.read_columns(model.cls))
        inherited = set() if model.parent is None else set(model.parent.cls.ancestors)
        for ancestor in reversed(model.cls.ancestors):
            if ancestor is model.cls or (ancestor not in inherited and self.model(ancestor) is None):
                self._collect(model, ancestor, found)
        table = tables.table_of(self, model)
        if table is not None:
            mapped = {one.column_name for one in found.values() if isinstance(one, Column)}
            for column in tables.read_columns(self, model, table):
                if column.column_name not in mapped:
                    found.setdefault(column.name, column)
        later = dict(self._assigned_later.get(model.cls, {}))
        if model.cls in self.imperative:
            later.update(self.imperative[model.cls][1])
        later.update(read_dict(self.index, model.mapper_arguments.get("properties")) or {})
        for name, where in later.items():
            for attribute in declarations.read_value(self, model, model.cls, name, where, None, where.span):
                found[attribute.name] = attribute
        own = {name: one for name, one in found.items() if isinstance(one, Column)}
        tables.apply_constraints(model, own)
        return found

    def _collect(self, model: Model, cls: ClassInfo, found: dict[str, Attribute]) -> None:
        for name, member in cls.members.items():
            if name.startswith("__"):
                continue
            attributes = declarations.read_member(self, model, cls, member)
            if not attributes and (member.kind != "value" or member.value is not None):
                found.pop(name, None)  # a method, or `name = None`, hides what a mixin maps
            for attribute in attributes:
                found[attribute.name] = attribute

    @cached_property
    def _assigned_later(self) -> dict[ClassInfo, dict[str, Scoped]]:
        """`User.posts = relationship(…)` after the class statement."""
        found: dict[ClassInfo, dict[str, Scoped]] = {}
        for module in self.index.modules.values():
            if module.signs is not None and not module.signs.assigns:
                continue
            for assignment in module.names.attribute_assignments:
                if not isinstance(assignment.value, p.Call):
                    continue
                cls = self.index.resolve(module, assignment.target)
                if isinstance(cls, ClassInfo) and self.model(cls) is not None:
                    found.setdefault(cls, {})[assignment.name] = Scoped(assignment.value, module)
        return found

    @cached_property
    def _backrefs(self) -> dict[ClassInfo, dict[str, Relationship]]:
        found: dict[ClassInfo, dict[str, Relationship]] = {}
        if not any(module.says("backref") for module in self.index.modules.values()):
            return found
        for model in self.models:
            self._gather_backrefs(model, found)
        return found

    def _gather_backrefs(self, model: Model, found: dict[ClassInfo, dict[str, Relationship]]) -> None:
        for attribute in model.own_attributes.values():
            if isinstance(attribute, Relationship) and attribute.backref is not None:
                target = attribute.target
                if target is not None:
                    made = relationships.read_backref(attribute)
                    found.setdefault(target.cls, {}).setdefault(made.name, made)

    def backrefs_of(self, model: Model) -> dict[str, Relationship]:
        """The relationships that other classes' `backref` puts on this one."""
        if model.cls.parent is None:
            return self._backrefs.get(model.cls, {})
        found: dict[ClassInfo, dict[str, Relationship]] = {}
        for cls in self.neighbours(model.cls):  # classes in a function refer to each other
            neighbour = self.model(cls)
            if neighbour is not None:
                self._gather_backrefs(neighbour, found)
        return found.get(model.cls, {})

    def neighbours(self, cls: ClassInfo) -> Iterator[ClassInfo]:
        if cls.parent is None:
            return
        for bindings in cls.parent.names.bindings.values():
            for binding in bindings:
                if isinstance(binding, ClassBinding):
                    yield self.index.class_at(cls.module, binding.definition, None, cls.parent)

    def directive(self, cls: ClassInfo, name: str) -> Iterator[Scoped]:
        """`__tablename__` and its like: the values that the class and its ancestors give, nearest first."""
        for ancestor in cls.ancestors:
            member = ancestor.members.get(name)
            if member is None:
                continue
            if member.function is not None:
                yield from declarations.returned(member.function)
            elif member.where is not None:
                yield member.where

    def mapper_arguments_of(self, model: Model) -> dict[str, Scoped]:
        for where in self.directive(model.cls, "__mapper_args__"):
            return read_dict(self.index, where) or {}
        return {}

    def target_of(self, relationship: Relationship) -> Model | None:
        return relationships.target_of(relationship)

    def direction_of(self, relationship: Relationship) -> Direction | None:
        return relationships.direction_of(relationship)

    def local_keys_of(self, relationship: Relationship) -> frozenset[str]:
        return relationships.local_keys_of(relationship)

    def table_name_of(self, model: Model) -> str | None:
        return tables.table_name_of(model)

    def schema_of(self, model: Model) -> str | None:
        return tables.schema_of(model)

    def has_own_table(self, model: Model) -> bool:
        return tables.has_own_table(model)

    def is_open(self, model: Model) -> bool:
        return _has_unknown_base(self, model.cls) or _unseen(model.cls)

    def has_async_attrs(self, model: Model) -> bool | None:
        for name in model.cls.external_bases:
            if name == "sqlalchemy.ext.asyncio.AsyncAttrs" or libraries.has_async_attrs(name):
                return True
        return None if model.is_open else False

    def is_dataclass(self, model: Model) -> bool:
        return model.cls.is_subclass_of("sqlalchemy.orm.MappedAsDataclass") or any(
            isinstance(one, External) and one.name.endswith(("mapped_as_dataclass", "dataclasses.dataclass"))
            for ancestor in model.cls.ancestors
            for one in ancestor.decorators
        )


def _unseen(cls: ClassInfo) -> bool:
    """Whether an external ancestor may map what is not known here."""
    return any(name not in _PLAIN and libraries.columns_of(name) is None for name in cls.external_bases)


def _has_unknown_base(mapping: Mapping, cls: ClassInfo) -> bool:
    """A base that could not be resolved; `declarative_base()` and its like are known."""
    for ancestor in cls.ancestors:
        for base in ancestor.bases:
            if base.symbol is None:
                return True
            if isinstance(base.symbol, Variable) and not mapping.is_base(base.symbol):
                return True
    return False


def _is_mapping_decorator(name: str) -> bool:
    return name.startswith("sqlalchemy.orm.") and name.rpartition(".")[2] in _MAPPING_DECORATORS


def _mapping_calls(module: Module, index: Index) -> Iterator[tuple[p.Call, FunctionInfo | None]]:
    """Calls that may map a class imperatively, at the top of a module or of its functions."""
    for call in module.names.calls:
        yield call, None
    for bindings in module.names.bindings.values():
        for binding in bindings:
            if isinstance(binding, ValueBinding) and isinstance(binding.value, p.Call):
                yield binding.value, None
            elif isinstance(binding, FunctionBinding):
                mentions = module.program.functions[binding.number].mentions
                if MAPPING_CALLS.intersection(mentions):
                    index.foundation.add(module)
                    function = index.function_at(module, binding.number)
                    for call in function.names.calls:
                        yield call, function
                    for local in function.names.bindings.values():
                        for one in local:
                            if isinstance(one, ValueBinding) and isinstance(one.value, p.Call):
                                yield one.value, function
