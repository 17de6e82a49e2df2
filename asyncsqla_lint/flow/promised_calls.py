"""What annotations promise of what is called, awaited and entered: `Callable[[], Awaitable[User]]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, UnknownCall, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_CALLABLES = frozenset({"typing.Callable", "collections.abc.Callable"})
_AWAITABLES = frozenset(
    f"{module}.{name}" for module in ("typing", "collections.abc") for name in ("Awaitable", "Coroutine")
)
_MANAGERS = frozenset(
    f"{module}.{name}"
    for module in ("typing", "contextlib")
    for name in (
        "AbstractAsyncContextManager",
        "AbstractContextManager",
        "AsyncContextManager",
        "ContextManager",
    )
)


def promised(flow: Flow, state: State, name: str, type_: Type, receiver: Value | None) -> Value | None:
    """The value of such an annotation; None: it is of another kind."""
    if not type_.arguments:
        return None
    if name in _CALLABLES:
        return PromisedFunction(type_.arguments[-1], receiver)
    if name in _AWAITABLES:
        return PromisedAwaitable(type_.arguments[-1], receiver)
    if name in _MANAGERS:
        return flow.allocate(state, PromisedManager(type_.arguments[0], receiver))
    return None


class PromisedClass(ExternalValue, frozen=True):
    """`type[AsyncSession]`: some subclass of it, or what stands in for one: its settings are not known."""

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        meaning = flow.meanings.instance(self.name)
        return super().call(flow, state, arguments, at) if meaning is None else meaning(flow, state, (), at)


class PromisedFunction(Value, frozen=True):
    """Nobody knows what it does; what it gives is of that type."""

    type: Type
    receiver: Value | None = None

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        unknown = flow.call_unknown(state, self, arguments, at)
        value = flow.types.of_type(state, self.type, at, self.receiver)
        if isinstance(value, PromisedAwaitable) and isinstance(unknown, UnknownCall):
            return PromisedAwaitable(value.type, value.receiver, unknown)
        return unknown if value is UNKNOWN else value


class PromisedAwaitable(Value, frozen=True):
    type: Type
    receiver: Value | None = None
    call_made: Value = UNKNOWN

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        self.call_made.awaited(flow, state, at)
        return flow.types.of_type(state, self.type, at, self.receiver)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return self.call_made.touched if isinstance(self.call_made, UnknownCall) else ()


class PromisedManager(Record, frozen=True):
    """What is entered is left with it: a session that a context manager gives is closed at its end."""

    type: Type
    receiver: Value | None = None
    entered: Value = UNKNOWN

    def joined(self, other: Record) -> Record:
        return self if self == other else FORGOTTEN

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        value = flow.types.of_type(state, self.type, at, self.receiver)
        state.put(me, replace(self, entered=value))
        return value

    def leave(
        self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool
    ) -> bool | None:
        self.entered.leave(flow, state, at, is_async, raised)
        return False

    def refers_to(self) -> tuple[Value, ...]:
        return (self.entered,)
