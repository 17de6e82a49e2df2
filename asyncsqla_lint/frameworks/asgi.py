"""ASGI: a middleware is an object that holds the application, and calls it with what it was called with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Value
from asyncsqla_lint.frameworks.middlewares import Layer
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import calls, walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_CALLED_WITH = 3  # scope, receive, send


def is_asgi(info: FunctionInfo) -> bool:
    """`async def __call__(self, scope, receive, send)` that calls `self.app(scope, …)`."""
    parameters = info.header.parameters
    if info.owner is None or info.name != "__call__" or not info.is_async:
        return False
    if len(parameters) != _CALLED_WITH + 1:
        return False
    return any(_passes_on(call, parameters[0].name, parameters[1].name) for call in calls(info.body))


def _passes_on(call: p.Call, me: str, scope: str) -> bool:
    called, given = call.function, call.arguments
    return (
        isinstance(called, p.Attribute)
        and isinstance(called.value, p.Name)
        and called.value.id == me
        and len(given) == _CALLED_WITH
        and isinstance(given[0], p.Name)
        and given[0].id == scope
    )


def around_the_application(flow: Flow, state: State, info: FunctionInfo, onward: Value) -> Value | None:
    """The middleware, made as a server does: `SessionMiddleware(app)`."""
    if info.owner is None or not is_asgi(info):
        return None
    given = Arguments((onward,), more_keywords=UNKNOWN)
    return flow.instantiate(state, ClassValue(info.owner), given, info.header.name_span)


def scope_of(flow: Flow, state: State, kept: Value) -> Value:
    """What a server calls with; `kept` is the state of its request."""
    return flow.allocate(state, DictRecord({"type": Constant("http"), "state": Items(kept)}, UNKNOWN))


class Items(Value, frozen=True):
    """`scope["state"]`: the mapping below `request.state`."""

    state: Value

    def truth(self, state: State) -> bool | None:
        return True

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        name = key.value if isinstance(key, Constant) else None
        return self.state.attribute(flow, state, name, at) if isinstance(name, str) else UNKNOWN

    def set_item(self, flow: Flow, state: State, key: Value, value: Value, at: Span) -> None:
        name = key.value if isinstance(key, Constant) else None
        if isinstance(name, str):
            self.state.set_attribute(flow, state, name, value, at)
        else:
            super().set_item(flow, state, key, value, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.state,)


def keeps_in_scope(info: FunctionInfo) -> Layer | None:
    """`scope["state"]["db"] = session`."""
    if not is_asgi(info):
        return None
    leaves = {
        target.index.value
        for one in walk(info.body)
        if isinstance(one, p.Assign)
        for target in one.targets
        if isinstance(target, p.Subscript) and isinstance(target.value, (p.Subscript, p.Call))
        if isinstance(target.index, p.Constant) and isinstance(target.index.value, str)
    }
    if not leaves:
        return None
    info.index.foundation.add(info)
    return Layer(info, frozenset(leaves), frozenset())


# --- context variables ---------------------------------------------------------------------------


def has_context_variables(index: Index) -> bool:
    return any(module.says("ContextVar") for module in index.modules.values())


def in_a_context(info: FunctionInfo) -> Layer | None:
    """A middleware that leaves nothing on the request, but perhaps in a context variable."""
    if "set" in info.header.mentions or any(isinstance(one, p.With) for one in walk(info.body)):
        info.index.foundation.add(info)
        return Layer(info, frozenset(), frozenset())
    return None
