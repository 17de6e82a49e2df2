"""`contextlib`: stacks of managers and callbacks, which end last in, first out; `closing`, `nullcontext`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.coroutines import ContextManagerRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Method,
    Reference,
    Value,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class Deferred(Value, frozen=True):
    """`stack.push_async_callback(function, …)`, `stack.callback(function, …)`."""

    function: Value
    arguments: Arguments
    is_async: bool

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        called = self.function.call(flow, state, self.arguments, at)
        if self.is_async:
            called.awaited(flow, state, at)
        return False

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())


class ExitStackRecord(Record, frozen=True):
    entered: tuple[Value, ...] = ()

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ExitStackRecord):
            return FORGOTTEN
        more = (one for one in other.entered if one not in self.entered)
        return ExitStackRecord((*self.entered, *more))

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        first = arguments.positional[0] if arguments.positional else UNKNOWN
        if name in ("push_async_callback", "callback"):
            given = replace(arguments, positional=arguments.positional[1:])
            self._push(state, me, Deferred(first, given, is_async=name != "callback"))
            return first
        if name in ("push_async_exit", "push"):
            self._push(state, me, first)
            return first
        if name == "enter_async_context":
            return Entering(me, first)
        if name == "enter_context":
            return entered_by(flow, state, me, first, at, is_async=False)
        if name == "pop_all":
            state.put(me, ExitStackRecord())
            return flow.allocate(state, self)
        if name in ("aclose", "close"):
            return Closing(me)
        return UNKNOWN

    def _push(self, state: State, me: Reference, value: Value) -> None:
        state.put(me, ExitStackRecord((*self.entered, value)))

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        return me

    def leave(
        self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool
    ) -> bool | None:
        current = state.record(me.oid)
        state.put(me, ExitStackRecord())
        with flow.cleaning_up():
            for one in reversed(current.entered) if isinstance(current, ExitStackRecord) else ():
                one.leave(flow, state, at, is_async, raised)
        return False

    def refers_to(self) -> tuple[Value, ...]:
        return self.entered


class Entering(Value, frozen=True):
    """`stack.enter_async_context(manager)`, not awaited yet."""

    stack: Reference
    manager: Value

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return entered_by(flow, state, self.stack, self.manager, at, is_async=True)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.stack, self.manager)


class Closing(Value, frozen=True):
    """`stack.aclose()`."""

    stack: Reference

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        self.stack.leave(flow, state, at, True, False)
        return NONE

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.stack,)


class ClosingManager(Value, frozen=True):
    """`aclosing(thing)`, `closing(thing)`."""

    thing: Value
    method: str

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self.thing

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        with flow.cleaning_up():
            closed = self.thing.attribute(flow, state, self.method, at).call(flow, state, Arguments(), at)
            if self.method == "aclose":
                closed.awaited(flow, state, at)
        return False

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.thing,)


class NoManager(Value, frozen=True):
    """`nullcontext(session)`: who has it already goes on having it."""

    given: Value

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self.given

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        return False

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.given,)


def entered_by(
    flow: Flow, state: State, stack: Reference, manager: Value, at: Span, *, is_async: bool
) -> Value:
    record = state.record(manager.oid) if isinstance(manager, Reference) else None
    if isinstance(record, ContextManagerRecord):  # of a generator only the way to its yield is seen
        return flow.call_unknown(state, UNKNOWN, Arguments((manager,)), at)
    flow.meanings.entered(flow, state, manager, at, is_async)
    value = manager.enter(flow, state, at, is_async)
    current = state.record(stack.oid)
    if isinstance(current, ExitStackRecord):
        state.put(stack, ExitStackRecord((*current.entered, manager)))
    return value


def register(meanings: Meanings) -> None:
    for name in ("AsyncExitStack", "ExitStack"):
        meanings.calls[f"contextlib.{name}"] = lambda flow, state, arguments, at: flow.allocate(
            state, ExitStackRecord()
        )
        meanings.instances[f"contextlib.{name}"] = lambda flow, state, arguments, at: flow.allocate(
            state, ExitStackRecord()
        )
    meanings.calls["contextlib.aclosing"] = partial(_closing, "aclose")
    meanings.calls["contextlib.closing"] = partial(_closing, "close")
    meanings.calls["contextlib.nullcontext"] = _no_manager


def _closing(method: str, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return ClosingManager(arguments.get(0, "thing") or UNKNOWN, method)


def _no_manager(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return NoManager(arguments.get(0, "enter_result") or NONE)
