"""Signals: what one task says and another waits for: `done.set()`, `queue.task_done()`, a future's result."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.values import NONE, TRUE, UNKNOWN, Arguments, Method, Reference, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

EVENTS = ("asyncio.Event", "anyio.Event", "trio.Event")


class Signalled(Event):
    """The running code says so to whoever waits for `what`: for the last time, if it is one of many."""

    what: Reference
    is_one_of_many: bool


class Waiting(Value, frozen=True):
    """Awaited, it goes on when somebody has said so."""

    what: Reference
    result: Value

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        flow.meanings.waited(flow, state, self.what)
        return self.result

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.what, self.result)


class EventRecord(Record, frozen=True):
    """`asyncio.Event()`"""

    is_leaf: ClassVar[bool] = True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "set":
            signal(flow, me, at)
            return NONE
        return Waiting(me, TRUE) if name == "wait" else UNKNOWN


def signal(flow: Flow, what: Reference, at: Span, *, is_one_of_many: bool = False) -> None:
    if flow.listens(Signalled):
        flow.emit(Signalled(flow.site(at), flow.frame, flow.is_certain, what, is_one_of_many))


def register(meanings: Meanings) -> None:
    for name in EVENTS:
        meanings.calls[name] = lambda flow, state, *_: flow.allocate(state, EventRecord())
        meanings.instances[name] = lambda flow, state, *_: flow.allocate(state, EventRecord())
