"""What a function says of its parameters: `inspect.signature(view).parameters`, `get_type_hints(view)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Iteration,
    Method,
    TupleValue,
    Value,
)
from asyncsqla_lint.program import Name, Parameter, Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.meanings import Meanings
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.calls["inspect.signature"] = _signature


class Described(Value, frozen=True):
    """A mapping of the parameters' names: to what they say, or only to their types."""

    names: tuple[str, ...]
    values: tuple[Value, ...]

    def truth(self, state: State) -> bool | None:
        return bool(self.names)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return Iteration(items=tuple(map(Constant, self.names)), may_be_empty=not self.names)

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "keys":
            return TupleValue(tuple(map(Constant, self.names)))
        if name == "values":
            return TupleValue(self.values)
        if name == "items":
            pairs = zip(map(Constant, self.names), self.values, strict=True)
            return TupleValue(tuple(TupleValue(pair) for pair in pairs))
        if name == "get" and isinstance(arguments.first, Constant):
            default = arguments.get(1, "default") or NONE
            return self._found(arguments.first, default)
        return UNKNOWN

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return self._found(key, UNKNOWN)

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        return item.value in self.names if isinstance(item, Constant) else None

    def _found(self, key: Value, default: Value) -> Value:
        if not isinstance(key, Constant):
            return UNKNOWN
        return self.values[self.names.index(key.value)] if key.value in self.names else default


class Signature(Value, frozen=True):
    parameters: Described

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return self.parameters if name == "parameters" else UNKNOWN


class ParameterValue(Value, frozen=True):
    name: str
    type: Value

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return {"name": Constant(self.name), "annotation": self.type}.get(name, UNKNOWN)


def _signature(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    function = arguments.get(0, "obj")
    taken = _parameters(function)
    if taken is None or not isinstance(function, FunctionValue):
        return UNKNOWN
    info = function.info
    # Under `from __future__ import annotations` they are text there, which is not looked into.
    postponed = info.index.resolve(info.module, Name(-1, "annotations"))
    is_text = postponed == External("__future__.annotations")
    described = tuple(
        ParameterValue(one.name, UNKNOWN if is_text else _type(flow, state, info, one)) for one in taken
    )
    return Signature(Described(tuple(one.name for one in taken), described))


def hints(flow: Flow, state: State, function: Value | None) -> Value:
    """`get_type_hints(view)`: of those parameters that are annotated."""
    taken = _parameters(function)
    if taken is None or not isinstance(function, FunctionValue):
        return UNKNOWN
    written = [one for one in taken if one.annotation is not None]
    types = tuple(_type(flow, state, function.info, one) for one in written)
    names = tuple(one.name for one in written)
    if function.info.header.returns is not None:
        names, types = (*names, "return"), (*types, UNKNOWN)
    return Described(names, types)


def _parameters(function: Value | None) -> tuple[Parameter, ...] | None:
    """None: it is another function's, which it wraps, or not known."""
    if not isinstance(function, FunctionValue) or function.info.decorated_by("functools.wraps"):
        return None
    parameters = function.info.header.parameters
    return parameters[1:] if function.receiver is not None else parameters


def _type(flow: Flow, state: State, info: FunctionInfo, parameter: Parameter) -> Value:
    if parameter.annotation is None:
        return UNKNOWN
    type_ = info.index.type(Scoped(parameter.annotation, info.module, info))
    return UNKNOWN if type_.optional or type_.union else flow.types.class_of(type_, state, None)
