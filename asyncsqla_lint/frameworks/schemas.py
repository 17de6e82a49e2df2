"""Schemas: what a class of pydantic or msgspec in the project reads of an object that it is built from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.generics import type_variable
from asyncsqla_lint.project.names import External, Module, Scope, Scoped, Variable

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

_DEPTH = 6
# Bases of schemas, and whether they read attributes unless told otherwise.
BASES = {
    "pydantic.BaseModel": False,
    "pydantic.v1.BaseModel": False,
    "pydantic.RootModel": False,
    "pydantic.generics.GenericModel": False,
    "pydantic.v1.generics.GenericModel": False,
    "sqlmodel.SQLModel": True,
    "msgspec.Struct": False,
    "fastapi_users.schemas.BaseUser": True,
    "fastapi_users.schemas.CreateUpdateDictModel": False,
}
_FIELDLESS = {"pydantic.BaseModel", "pydantic.main.BaseModel", "sqlmodel.SQLModel"}
_FIELDS = ("pydantic.Field", "pydantic.v1.Field", "sqlmodel.Field")
_BEFORE = ("pydantic.field_validator", "pydantic.validator", "pydantic.v1.validator")
_MODEL = ("pydantic.model_validator", "pydantic.root_validator", "pydantic.v1.root_validator")

Path = tuple["str | int", ...]


@dataclass(frozen=True)
class Field:
    name: str
    type: Type
    paths: tuple[Path, ...]  # where its value is looked for, in this order
    is_required: bool
    discriminator: str | None = None
    literals: tuple[object, ...] = ()
    before: tuple[FunctionInfo, ...] = ()
    after: tuple[FunctionInfo, ...] = ()


@dataclass(frozen=True)
class Schema:
    cls: ClassInfo
    from_attributes: bool
    fields: tuple[Field, ...] = ()
    before: tuple[FunctionInfo, ...] = ()
    after: tuple[FunctionInfo, ...] = ()
    computed: tuple[str, ...] = ()
    swallows: bool = False  # what a read raises stays unknown: the field takes its default, or is missing
    is_closed: bool = False  # its fields and computed fields are all that an object of it is dumped as


@dataclass
class _Config:
    from_attributes: bool = False
    by_name: bool = False
    generates_aliases: bool = False
    allows_extra: bool = False
    settings: dict[str, bool] = field(default_factory=dict)


def schema_of(index: Index, cls: ClassInfo) -> Schema | None:
    """The schema that a class is; None when it is none."""
    found = cls.__dict__.get("schema", False)
    if found is False:
        cls.__dict__["schema"] = None  # what a class that refers to itself sees
        found = cls.__dict__["schema"] = _read(index, cls)
    return found if isinstance(found, Schema) else None


def is_schema(cls: ClassInfo) -> bool:
    return any(name in BASES for name in cls.external_bases)


def _read(index: Index, cls: ClassInfo) -> Schema | None:
    if not is_schema(cls):
        return None
    config = _config(index, cls)
    before, after = _model_validators(cls)
    computed = tuple(
        name
        for one in reversed(cls.ancestors)
        for name, member in one.members.items()
        if member.function is not None and member.function.decorated_by("pydantic.computed_field")
    )
    fields = tuple(
        _field(index, cls, member, config)
        for name, member in cls.fields.items()
        if not name.startswith("_") and name != "model_config"
    )
    swallows = "msgspec.Struct" in cls.external_bases
    is_closed = bool(fields) and not config.allows_extra and not config.generates_aliases and _is_plain(cls)
    return Schema(cls, config.from_attributes, fields, before, after, computed, swallows, is_closed)


def _is_plain(cls: ClassInfo) -> bool:
    """Nothing from outside of the project adds fields to it, and nothing else serializes it."""
    bases = {one.name for one in cls.mro if isinstance(one, External)} & BASES.keys()
    members = (member.function for one in cls.ancestors for member in one.members.values())
    return bases <= _FIELDLESS and not any(
        function is not None and function.decorated_by("pydantic.model_serializer") for function in members
    )


# --- configuration -------------------------------------------------------------------------------


def _config(index: Index, cls: ClassInfo) -> _Config:
    settings: dict[str, bool] = {}
    for one in reversed(cls.mro):
        if isinstance(one, External):
            if BASES.get(one.name):
                settings["from_attributes"] = True
        elif isinstance(one, ClassInfo):
            for keyword in one.definition.keywords:
                _set(settings, keyword.name, keyword.value)
            member = one.members.get("model_config")
            if member is not None and member.value is not None:
                _settings(index, member.value, one.module, one, settings, 0)
            nested = one.members.get("Config")
            if nested is not None and nested.cls is not None:
                for ancestor in reversed(nested.cls.ancestors):
                    for name, inner in ancestor.members.items():
                        _set(settings, name, inner.value)
    return _Config(
        settings.get("from_attributes", False) or settings.get("orm_mode", False),
        settings.get("populate_by_name", False)
        or settings.get("validate_by_name", False)
        or settings.get("allow_population_by_field_name", False),
        settings.get("alias_generator", False),
        settings.get("extra", False),
    )


def _set(settings: dict[str, bool], name: str | None, value: p.Expression | None) -> None:
    if name is None or value is None:
        return
    if name == "extra":  # `"allow"`, `Extra.allow`
        settings[name] = "allow" in (getattr(value, "value", None), getattr(value, "name", None))
    elif isinstance(value, p.Constant):
        settings[name] = bool(value.value)
    elif name == "alias_generator":
        settings[name] = True


def _settings(
    index: Index, node: p.Expression, module: Module, scope: Scope, settings: dict[str, bool], depth: int
) -> None:
    """`ConfigDict(…)`, `{…}`, a variable that holds one, `Base.model_config`."""
    if depth > _DEPTH:
        return
    if isinstance(node, p.Call):
        for argument in node.arguments:
            _settings(index, argument, module, scope, settings, depth + 1)
        for keyword in node.keywords:
            if keyword.name is None:
                _settings(index, keyword.value, module, scope, settings, depth + 1)
            else:
                _set(settings, keyword.name, keyword.value)
    elif isinstance(node, p.DictDisplay):
        for item in node.items:
            if item.key is None:
                _settings(index, item.value, module, scope, settings, depth + 1)
            elif isinstance(item.key, p.Constant) and isinstance(item.key.value, str):
                _set(settings, item.key.value, item.value)
    elif isinstance(node, p.BinaryOperation):
        _settings(index, node.left, module, scope, settings, depth + 1)
        _settings(index, node.right, module, scope, settings, depth + 1)
    elif isinstance(node, (p.Name, p.Attribute)):
        symbol = index.resolve(module, node, scope)
        if isinstance(symbol, Variable) and symbol.value is not None:
            _settings(index, symbol.value, symbol.module, symbol.owner or symbol.scope, settings, depth + 1)


# --- fields --------------------------------------------------------------------------------------


def _field(index: Index, cls: ClassInfo, member: Member, config: _Config) -> Field:
    where = member.annotated
    assert where is not None
    type_ = index.type(where)
    calls = [scoped for scoped in type_.metadata if _is_field(index, scoped)]
    if member.value is not None and _is_field(index, Scoped(member.value, member.owner.module, member.owner)):
        calls.append(Scoped(member.value, member.owner.module, member.owner))
    aliases: tuple[Path, ...] = ()
    discriminator: str | None = None
    required = member.value is None
    for call in calls:
        node = call.expression
        assert isinstance(node, p.Call)
        words = {word.name: word.value for word in node.keywords if word.name is not None}
        if call.expression is member.value:
            first = node.arguments[0] if node.arguments else words.get("default")
            required = "default_factory" not in words and (first is None or isinstance(first, p.Opaque))
        elif "default" in words or "default_factory" in words:
            required = False
        alias = words.get("validation_alias") or words.get("alias")
        if alias is not None:
            aliases = _paths(index, alias, call)
        if isinstance(words.get("discriminator"), p.Constant):
            discriminator = str(words["discriminator"].value)  # type: ignore[union-attr]  # a Constant, as just seen
    paths = aliases
    if not aliases or config.by_name or config.generates_aliases:
        paths = (*aliases, (member.name,))
    before, after = _field_validators(cls, member.name)
    return Field(member.name, type_, paths, required, discriminator, tuple(type_.literals), before, after)


def _is_field(index: Index, scoped: Scoped) -> bool:
    node = scoped.expression
    if not isinstance(node, p.Call):
        return False
    symbol = index.resolve(scoped.module, node.function, scoped.scope)
    return isinstance(symbol, External) and symbol.name in _FIELDS


def _paths(index: Index, node: p.Expression, where: Scoped) -> tuple[Path, ...]:
    """`"name"`, `AliasPath("a", 0, "b")`, `AliasChoices("a", AliasPath(…))`."""
    if isinstance(node, p.Constant) and isinstance(node.value, str):
        return ((node.value,),)
    if isinstance(node, p.Call):
        symbol = index.resolve(where.module, node.function, where.scope)
        name = symbol.name.rpartition(".")[2] if isinstance(symbol, External) else ""
        if name == "AliasPath":
            items = [one.value for one in node.arguments if isinstance(one, p.Constant)]
            path = tuple(
                item for item in items if isinstance(item, (str, int)) and not isinstance(item, bool)
            )
            return (path,) if path and len(path) == len(node.arguments) else ()
        if name == "AliasChoices":
            return tuple(path for one in node.arguments for path in _paths(index, one, where))
    return ()


# --- validators ----------------------------------------------------------------------------------


def _decorator(function: FunctionInfo, names: tuple[str, ...]) -> p.Expression | None:
    for expression, symbol in zip(function.header.decorators, function.decorators, strict=True):
        if isinstance(symbol, External) and symbol.name in names:
            return expression
    return None


def _mode(node: p.Expression, default: str) -> str:
    if not isinstance(node, p.Call):
        return default
    for word in node.keywords:
        if word.name == "mode" and isinstance(word.value, p.Constant):
            return str(word.value.value)
        if word.name == "pre" and isinstance(word.value, p.Constant):
            return "before" if word.value.value else "after"
    return default


def _methods(cls: ClassInfo) -> list[FunctionInfo]:
    """The functions of the class, base classes first, those that a subclass replaces left out."""
    found: dict[str, FunctionInfo] = {}
    for ancestor in reversed(cls.ancestors):
        for name, member in ancestor.members.items():
            if member.function is not None:
                found[name] = member.function
    return list(found.values())


def _model_validators(cls: ClassInfo) -> tuple[tuple[FunctionInfo, ...], tuple[FunctionInfo, ...]]:
    before: list[FunctionInfo] = []
    after: list[FunctionInfo] = []
    for function in _methods(cls):
        decorator = _decorator(function, _MODEL)
        if decorator is not None:
            mode = _mode(decorator, "after")
            if mode == "before":
                before.append(function)
            elif mode == "after" and not function.decorated_by("builtins.classmethod"):
                after.append(function)
    return tuple(before), tuple(after)


def _field_validators(cls: ClassInfo, name: str) -> tuple[tuple[FunctionInfo, ...], tuple[FunctionInfo, ...]]:
    before: list[FunctionInfo] = []
    after: list[FunctionInfo] = []
    for function in _methods(cls):
        decorator = _decorator(function, _BEFORE)
        if not isinstance(decorator, p.Call):
            continue
        fields = [one.value for one in decorator.arguments if isinstance(one, p.Constant)]
        if name not in fields and "*" not in fields:
            continue
        mode = _mode(decorator, "after")
        if mode in ("before", "plain"):
            before.append(function)
        elif mode == "after":
            after.append(function)
    return tuple(before), tuple(after)


# --- types ---------------------------------------------------------------------------------------


def bound(index: Index, type_: Type, cls: ClassInfo, arguments: tuple[Type, ...], depth: int = 0) -> Type:
    """A field's type with the type parameters of its class replaced by what stands for them."""
    if depth > _DEPTH:
        return type_
    name = type_variable(index, type_.symbol)
    if name is not None:
        own = cls.type_parameters
        actual: Type | None = None
        if name in own and own.index(name) < len(arguments):
            actual = arguments[own.index(name)]
        else:
            given = cls.type_argument(name)
            if given is not None:
                actual = bound(index, index.type(given), cls, arguments, depth + 1)
        if actual is None:
            return type_
        return replace(actual, optional=actual.optional or type_.optional)
    if not type_.arguments and not type_.union:
        return type_
    return replace(
        type_,
        arguments=tuple(bound(index, one, cls, arguments, depth + 1) for one in type_.arguments),
        union=tuple(bound(index, one, cls, arguments, depth + 1) for one in type_.union),
    )
