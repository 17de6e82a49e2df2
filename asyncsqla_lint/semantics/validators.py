"""`@validates("state")`: before a value is set, a method of the model is asked, which may read others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.models import Model

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

VALIDATES = "sqlalchemy.orm.validates"


def validated(
    flow: Flow, state: State, me: Reference, model: Model, name: str, value: Value, at: Span
) -> Value:
    """What is set in the end: what the validator gives (`ASQ301/bad_validators`)."""
    found = _validators(model).get(name)
    if found is None:
        return value
    given = Arguments((Constant(name), value))
    result = run_function(flow, state, FunctionValue(found, (), me), given, at)
    return value if result is UNKNOWN else result


def _validators(model: Model) -> dict[str, FunctionInfo]:
    """By the attribute for which they speak; the most derived class has the last word."""

    def find() -> dict[str, FunctionInfo]:
        found: dict[str, FunctionInfo] = {}
        for cls in reversed(model.cls.ancestors):
            for member in cls.members.values():
                if member.function is not None and member.function.decorated_by(VALIDATES):
                    found.update(dict.fromkeys(_spoken_for(member.function), member.function))
        return found

    return kept(model, "validators", find)


def _spoken_for(function: FunctionInfo) -> list[str]:
    return [
        argument.value
        for decorator in function.header.decorators
        if isinstance(decorator, p.Call)
        for argument in decorator.arguments
        if isinstance(argument, p.Constant) and isinstance(argument.value, str)
    ]
