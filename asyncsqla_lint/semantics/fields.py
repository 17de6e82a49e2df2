"""Fields of settings classes: what `Field(default=…)` holds, and what validators make of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External
from asyncsqla_lint.project.walking import statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_VALIDATORS = frozenset(
    {"pydantic.field_validator", "pydantic.validator", "pydantic.class_validators.validator"}
)
_SETS = frozenset({"setattr", "__setattr__", "__dict__", "model_copy", "model_construct", "replace", "vars"})
_WHOLE = frozenset({"pydantic.model_validator", "pydantic.root_validator"})


def register(meanings: Meanings) -> None:
    for name in ("pydantic.Field", "pydantic.fields.Field", "sqlmodel.Field"):
        meanings.calls.setdefault(name, _positional_default)
        meanings.harmless.add(name)
    for name in ("dataclasses.field", "attrs.field", "attr.ib", "attr.field", "msgspec.field"):
        meanings.calls.setdefault(name, _keyword_default)
        meanings.harmless.add(name)
    meanings.when_field_read.append(validated)


def _positional_default(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    default = arguments.get(0, "default")
    if default is not None:
        return default
    return _made(flow, state, arguments, at)


def _keyword_default(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    default = arguments.keywords.get("default")
    return _made(flow, state, arguments, at) if default is None else default


def _made(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    factory = arguments.keywords.get("default_factory", arguments.keywords.get("factory"))
    return UNKNOWN if factory is None else factory.call(flow, state, Arguments(), at)


def validated(flow: Flow, state: State, cls: ClassValue, name: str, value: Value, at: Span) -> Value | None:
    """The default of a pydantic field after the validators that name it; None when none does."""
    if cls.info.kind != "pydantic":
        return None
    result: Value | None = None
    for member in _functions(cls.info):
        assert member.function is not None
        for expression, symbol in zip(
            member.function.header.decorators, member.function.decorators, strict=True
        ):
            if not isinstance(symbol, External):
                continue
            member.function.consult()
            if symbol.name in _WHOLE and _may_change(member.function, expression, name):
                return UNKNOWN
            if symbol.name in _VALIDATORS and _names(expression, name):
                validator = FunctionValue(member.function, (), cls)
                given = value if result is None else result
                result = validator.call(flow, state, Arguments((given,), {}, UNKNOWN, UNKNOWN), at)
    return result


def _may_change(validator: FunctionInfo, decorator: p.Expression, name: str) -> bool:
    """One that runs afterwards, and only reads the field, leaves it as it is."""
    if name not in validator.header.mentions:
        return False
    words = decorator.keywords if isinstance(decorator, p.Call) else ()
    modes = [one.value.value for one in words if one.name == "mode" and isinstance(one.value, p.Constant)]
    if modes != ["after"] or not _SETS.isdisjoint(validator.header.mentions):
        return True
    return any(isinstance(one, p.Attribute) and one.name == name for one in _targets(validator.body))


def _targets(body: p.Statements) -> Iterator[p.Expression]:
    for one in statements(body):
        if isinstance(one, p.Assign):
            for target in one.targets:
                yield from target.elements if isinstance(target, p.TupleDisplay) else (target,)
        elif isinstance(one, (p.AnnotatedAssign, p.AugmentedAssign)):
            yield one.target


def _functions(cls: ClassInfo) -> list[Member]:
    found: dict[str, Member] = {}
    for ancestor in cls.ancestors:
        for member in ancestor.members.values():
            if member.function is not None:
                found.setdefault(member.name, member)
    return list(found.values())


def _names(decorator: p.Expression, name: str) -> bool:
    if not isinstance(decorator, p.Call):
        return False
    given = [one.value for one in decorator.arguments if isinstance(one, p.Constant)]
    return name in given or "*" in given
