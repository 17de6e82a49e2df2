"""Classes and functions: their members, bases, method resolution order and type arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from asyncsqla_lint import program as p
from asyncsqla_lint.project.annotations import parse_annotation
from asyncsqla_lint.project.functions import FunctionInfo, callee
from asyncsqla_lint.project.generics import parameter_name, type_variables_in
from asyncsqla_lint.project.linearization import linearize
from asyncsqla_lint.project.names import (
    Binding,
    ClassBinding,
    External,
    FunctionBinding,
    Module,
    Names,
    Scope,
    Scoped,
    Symbol,
    ValueBinding,
    Variable,
)

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

MemberKind = Literal["method", "classmethod", "staticmethod", "property", "cached_property", "class", "value"]
ClassKind = Literal["class", "dataclass", "attrs", "pydantic", "namedtuple", "typeddict", "enum", "protocol"]


@dataclass(frozen=True)
class Base:
    """One base in a class statement: `Repository[User]` is Repository with one argument."""

    symbol: Symbol | None
    arguments: tuple[Scoped, ...]
    where: Scoped


@dataclass(frozen=True)
class Member:
    name: str
    kind: MemberKind
    owner: ClassInfo
    span: p.Span
    function: FunctionInfo | None = None
    setter: FunctionInfo | None = None
    cls: ClassInfo | None = None
    annotation: p.Expression | None = None
    value: p.Expression | None = None
    alternatives: tuple[p.Expression, ...] = ()
    is_abstract: bool = False

    @property
    def is_of_class(self) -> bool:
        """Is the first parameter the class?"""
        return self.kind == "classmethod" or self.name == "__new__"

    @property
    def where(self) -> Scoped | None:
        """The assigned value, in its place."""
        return None if self.value is None else Scoped(self.value, self.owner.module, self.owner)

    @property
    def annotated(self) -> Scoped | None:
        return None if self.annotation is None else Scoped(self.annotation, self.owner.module, self.owner)


_MEMBER_KINDS: dict[str, MemberKind] = {
    "builtins.property": "property",
    "abc.abstractproperty": "property",
    "functools.cached_property": "cached_property",
    "sqlalchemy.util.memoized_property": "cached_property",
    "builtins.classmethod": "classmethod",
    "abc.abstractclassmethod": "classmethod",
    "builtins.staticmethod": "staticmethod",
    "abc.abstractstaticmethod": "staticmethod",
    "sqlalchemy.ext.hybrid.hybrid_property": "property",
    "sqlalchemy.orm.declared_attr": "classmethod",
    "sqlalchemy.orm.declared_attr.directive": "classmethod",
    "sqlalchemy.orm.declared_attr.cascading": "classmethod",
    "pydantic.computed_field": "property",
}
_ABSTRACT = (
    "abc.abstractmethod",
    "abc.abstractproperty",
    "abc.abstractclassmethod",
    "abc.abstractstaticmethod",
)
_KINDS: dict[str, ClassKind] = {
    "pydantic.BaseModel": "pydantic",
    "pydantic.RootModel": "pydantic",
    "pydantic_settings.BaseSettings": "pydantic",
    "pydantic.BaseSettings": "pydantic",
    "pydantic.v1.BaseSettings": "pydantic",
    "pydantic.generics.GenericModel": "pydantic",
    "sqlmodel.SQLModel": "pydantic",
    "typing.NamedTuple": "namedtuple",
    "typing.TypedDict": "typeddict",
    "enum.Enum": "enum",
    "enum.IntEnum": "enum",
    "enum.StrEnum": "enum",
    "enum.Flag": "enum",
    "enum.IntFlag": "enum",
    "msgspec.Struct": "dataclass",
    "sqlalchemy.orm.MappedAsDataclass": "dataclass",
}
_DATACLASS = {
    "dataclasses.dataclass": "dataclass",
    "pydantic.dataclasses.dataclass": "dataclass",
    "sqlalchemy.orm.mapped_as_dataclass": "dataclass",
    "strawberry.type": "dataclass",
    "strawberry.input": "dataclass",
    "attr.s": "attrs",
    "attr.attrs": "attrs",
    "attr.dataclass": "attrs",
    "attr.define": "attrs",
    "attr.frozen": "attrs",
    "attr.mutable": "attrs",
    "attrs.define": "attrs",
    "attrs.frozen": "attrs",
    "attrs.mutable": "attrs",
}


@dataclass(eq=False)
class ClassInfo:
    """A class statement. Made by the index only, so that identity is equality."""

    index: Index
    module: Module
    definition: p.ClassDefinition
    owner: ClassInfo | None = None
    parent: FunctionInfo | None = None

    def __repr__(self) -> str:
        return f"ClassInfo({self.module.name}.{self.qualname})"

    @property
    def name(self) -> str:
        return self.definition.name

    @cached_property
    def qualname(self) -> str:
        if self.owner is not None:
            return f"{self.owner.qualname}.{self.name}"
        if self.parent is not None:
            return f"{self.parent.qualname}.<locals>.{self.name}"
        return self.name

    @property
    def span(self) -> p.Span:
        return self.definition.span

    @property
    def definition_scope(self) -> Scope:
        return self.owner or self.parent

    @cached_property
    def names(self) -> Names:
        return Names(self.module.program, self.definition.body)

    @cached_property
    def decorators(self) -> tuple[Symbol | None, ...]:
        return tuple(
            self.index.resolve(self.module, callee(expression), self.definition_scope)
            for expression in self.definition.decorators
        )

    def keyword(self, name: str) -> p.Expression | None:
        """A keyword of the class statement: `class User(SQLModel, table=True)`."""
        for keyword in self.definition.keywords:
            if keyword.name == name:
                return keyword.value
        return None

    @cached_property
    def metaclass(self) -> ClassInfo | None:
        """The project's class of which this one, or one that it derives from, is made."""
        for cls in self.ancestors:
            named = cls.keyword("metaclass")
            if named is not None:
                found = cls.index.resolve(cls.module, named, cls.definition_scope)
                return found if isinstance(found, ClassInfo) else None
        return None

    # --- bases -----------------------------------------------------------------------------------

    @cached_property
    def bases(self) -> tuple[Base, ...]:
        return tuple(self._base(expression) for expression in self.definition.bases)

    def _base(self, expression: p.Expression) -> Base:
        scope: Scope = self.definition_scope
        where = Scoped(expression, self.module, scope)
        arguments: tuple[Scoped, ...] = ()
        # The arguments may name the class's own type parameters (PEP 695), so they are seen from inside.
        inside: Scope = self if self.definition.type_parameters else scope
        while isinstance(expression, p.Subscript):
            index = expression.index
            elements = index.elements if isinstance(index, p.TupleDisplay) else (index,)
            arguments = tuple(Scoped(element, self.module, inside) for element in elements)
            expression = expression.value
        symbol = self.index.resolve(self.module, expression, scope)
        if isinstance(expression, p.Call):
            symbol = self._called_base(expression, scope)
        return Base(symbol, arguments, where)

    def _called_base(self, call: p.Call, scope: Scope) -> Symbol | None:
        """`class User(declarative_base())`, `class Point(namedtuple(…))`, `with_metaclass(Meta, Base)`."""
        function = self.index.resolve(self.module, call.function, scope)
        if isinstance(function, External):
            if function.name.endswith(".with_metaclass") and len(call.arguments) > 1:
                return self.index.resolve(self.module, call.arguments[1], scope)
            if function.name in ("collections.namedtuple", "typing.NamedTuple"):
                return External("typing.NamedTuple")
        return Variable(self.module, self.name, call, None, call.span, self.owner, (call,))

    @cached_property
    def mro(self) -> tuple[ClassInfo | External | Variable, ...]:
        return linearize(self)

    @cached_property
    def ancestors(self) -> tuple[ClassInfo, ...]:
        """The classes of the project in the method resolution order, this one first."""
        return tuple(one for one in self.mro if isinstance(one, ClassInfo))

    @cached_property
    def external_bases(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.mro if isinstance(one, External))

    @cached_property
    def has_unknown_base(self) -> bool:
        """Some ancestor's base could not be resolved, so members may exist that are not seen."""
        return any(
            base.symbol is None or isinstance(base.symbol, Variable)
            for ancestor in self.ancestors
            for base in ancestor.bases
        )

    @cached_property
    def _lineage(self) -> frozenset[object]:
        return frozenset(one.name if isinstance(one, External) else one for one in self.mro)

    def is_subclass_of(self, other: ClassInfo | str) -> bool:
        """Of a class of the project, or of something external by its public dotted name."""
        return other in self._lineage

    @property
    def subclasses(self) -> tuple[ClassInfo, ...]:
        """All direct and indirect subclasses in the project, in a fixed order."""
        return self.index.subclasses(self)

    # --- members ---------------------------------------------------------------------------------

    @cached_property
    def members(self) -> dict[str, Member]:
        """What the class body itself defines."""
        found: dict[str, Member] = {}
        for name, bindings in self.names.bindings.items():
            member = self._member(name, bindings)
            if member is not None:
                found[name] = member
        return found

    def own_functions(self) -> Iterator[FunctionInfo]:
        """The functions of the class body, and of the classes in it."""
        for member in self.members.values():
            for function in (member.function, member.setter):
                if function is not None and function.owner is self:
                    yield function
            if member.cls is not None and member.cls.owner is self:
                yield from member.cls.own_functions()

    def _member(self, name: str, bindings: list[Binding]) -> Member | None:
        member: Member | None = None
        for binding in bindings:
            if isinstance(binding, FunctionBinding):
                member = self._function_member(name, binding.number, member)
            elif isinstance(binding, ClassBinding):
                nested = self.index.class_at(self.module, binding.definition, self, self.parent)
                member = Member(name, "class", self, binding.definition.name_span, cls=nested)
            elif isinstance(binding, ValueBinding):
                member = self._value_member(name, binding, member)
            else:
                value = p.Name(binding.span, name)
                member = Member(name, "value", self, binding.span, value=value)
        return member

    def _function_member(self, name: str, number: int, before: Member | None) -> Member:
        function = self.index.function_at(self.module, number, self, self.parent)
        for expression in function.header.decorators:
            if isinstance(expression, p.Attribute) and before is not None:
                if expression.name == "setter":
                    return replace(before, setter=function)
                if expression.name in ("deleter", "update_expression", "expression", "comparator", "inplace"):
                    return before
        if before is not None and before.name == name and before.kind == "property":
            for expression in function.header.decorators:
                # `@total.inplace.setter` of a hybrid, whatever the second function is called.
                if isinstance(expression, p.Attribute) and isinstance(expression.value, p.Attribute):
                    return before
        kind: MemberKind = "method"
        for decorator in function.decorators:
            if isinstance(decorator, External):
                kind = _MEMBER_KINDS.get(decorator.name, kind)
            elif isinstance(decorator, ClassInfo) and set(decorator.external_bases) & {
                "builtins.property",
                "functools.cached_property",
            }:
                kind = "property"
        abstract = function.decorated_by(*_ABSTRACT)
        return Member(name, kind, self, function.header.name_span, function=function, is_abstract=abstract)

    def _value_member(self, name: str, binding: ValueBinding, before: Member | None) -> Member:
        annotation, value = binding.annotation, binding.value
        alternatives: tuple[p.Expression, ...] = () if value is None else (value,)
        if before is not None and before.kind == "value":
            annotation = annotation or before.annotation
            alternatives = before.alternatives + alternatives
            if value is None or (binding.conditional and _is_none(value)):
                value = before.value
        elif before is not None and value is not None and _mentions(value, name):
            kind = _wrapper_kind(self.index, self, value)  # `make = classmethod(make)`
            return before if kind is None else replace(before, kind=kind)
        if isinstance(value, p.Call) and value.arguments and isinstance(value.arguments[0], p.Name):
            wrapped = self.names.bindings.get(value.arguments[0].id, [])  # `area = property(_area)`
            kind = _wrapper_kind(self.index, self, value) if wrapped else None
            if kind is not None and isinstance(wrapped[-1], FunctionBinding):
                function = self.index.function_at(self.module, wrapped[-1].number, self, self.parent)
                return Member(name, kind, self, binding.span, function=function, value=value)
        return Member(
            name, "value", self, binding.span, annotation=annotation, value=value, alternatives=alternatives
        )

    def find(self, name: str) -> tuple[ClassInfo, Member] | None:
        """The member that attribute access on an instance finds, and the class that defines it."""
        for ancestor in self.ancestors:
            member = ancestor.members.get(name)
            if member is not None:
                return ancestor, member
        return None

    def find_after(self, owner: ClassInfo, name: str) -> tuple[ClassInfo, Member] | None:
        """What `super().name` finds in `owner`'s method on an instance of this class."""
        ancestors = self.ancestors
        start = ancestors.index(owner) + 1 if owner in ancestors else 0
        for ancestor in ancestors[start:]:
            member = ancestor.members.get(name)
            if member is not None:
                return ancestor, member
        return None

    # --- kinds -----------------------------------------------------------------------------------

    @cached_property
    def kind(self) -> ClassKind:
        for decorator in self.decorators:
            if isinstance(decorator, External) and decorator.name in _DATACLASS:
                return "attrs" if _DATACLASS[decorator.name] == "attrs" else "dataclass"
        if any(base.symbol == External("typing.Protocol") for base in self.bases):
            return "protocol"
        for ancestor in self.mro[1:]:
            if isinstance(ancestor, External) and ancestor.name in _KINDS:
                return _KINDS[ancestor.name]
            circular = isinstance(ancestor, ClassInfo) and self in ancestor.ancestors
            if isinstance(ancestor, ClassInfo) and not circular and ancestor.kind in ("dataclass", "attrs"):
                return ancestor.kind
        return "class"

    @cached_property
    def fields(self) -> dict[str, Member]:
        """The annotated members, base classes first: the fields of a dataclass, schema, tuple or dict."""
        found: dict[str, Member] = {}
        for ancestor in reversed(self.ancestors):
            for name, member in ancestor.members.items():
                if member.kind != "value":
                    continue
                if member.annotation is not None:
                    if not _is_class_variable(self.index, member):
                        found[name] = member
                elif name in found:
                    found[name] = replace(member, annotation=found[name].annotation)
        return found

    # --- generics --------------------------------------------------------------------------------

    @cached_property
    def type_parameters(self) -> tuple[str, ...]:
        if self.definition.type_parameters:
            return self.definition.type_parameters
        declared: list[str] = []
        seen: list[str] = []
        for base in self.bases:
            generic = isinstance(base.symbol, External) and base.symbol.name in (
                "typing.Generic",
                "typing.Protocol",
            )
            for argument in base.arguments:
                for name in type_variables_in(self.index, argument, 0):
                    target = declared if generic else seen
                    if name not in target:
                        target.append(name)
        return tuple(declared or seen)

    @cached_property
    def _arguments(self) -> dict[tuple[object, str], Scoped]:
        """What each type parameter of each ancestor is bound to, seen from this class."""
        found: dict[tuple[object, str], Scoped] = {}
        for base in self.bases:
            if not isinstance(base.symbol, ClassInfo) or self in base.symbol.ancestors:
                continue
            own = dict(zip(base.symbol.type_parameters, base.arguments, strict=False))
            for name, argument in own.items():
                found.setdefault((base.symbol, name), argument)
            for key, argument in base.symbol._arguments.items():
                inner = parameter_name(self.index, argument)
                if inner is not None and inner in base.symbol.type_parameters:
                    if inner in own:
                        found.setdefault(key, own[inner])
                else:
                    found.setdefault(key, argument)
        return found

    def type_argument(self, parameter: str | int, owner: ClassInfo | None = None) -> Scoped | None:
        """What a type parameter of `owner` (an ancestor; any, if None) stands for, seen from this class."""
        owners = self.ancestors[1:] if owner is None else (owner,)
        for one in owners:
            names = one.type_parameters
            if isinstance(parameter, str):
                name = parameter
            elif -len(names) <= parameter < len(names):
                name = names[parameter]
            else:
                continue
            if (one, name) in self._arguments:
                return self._arguments[one, name]
        return None


def _is_none(expression: p.Expression) -> bool:
    return isinstance(expression, p.Constant) and expression.value is None


def _mentions(value: p.Expression, name: str) -> bool:
    return isinstance(value, p.Call) and any(
        isinstance(argument, p.Name) and argument.id == name for argument in value.arguments
    )


def _wrapper_kind(index: Index, owner: ClassInfo, value: p.Expression) -> MemberKind | None:
    symbol = index.resolve(owner.module, callee(value), owner.definition_scope)
    return _MEMBER_KINDS.get(symbol.name) if isinstance(symbol, External) else None


def _is_class_variable(index: Index, member: Member) -> bool:
    annotation = member.annotation
    if isinstance(annotation, p.Constant) and isinstance(annotation.value, str):
        annotation = parse_annotation(annotation.value)
    if isinstance(annotation, p.Subscript):
        annotation = annotation.value
    if not isinstance(annotation, (p.Name, p.Attribute)):
        return False
    return index.resolve(member.owner.module, annotation, member.owner) == External("typing.ClassVar")
