"""`asyncio.Future`: a place where somebody puts what somebody else waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.stdlib.signals import signal
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Method, Reference, Value, join
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class FutureRecord(Record, frozen=True):
    result: Value | None = None

    def joined(self, other: Record) -> Record:
        if not isinstance(other, FutureRecord):
            return FORGOTTEN
        if self.result is None or other.result is None:
            return FutureRecord(self.result or other.result)
        return FutureRecord(join(self.result, other.result))

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name in ("set_result", "set_exception"):
            signal(flow, me, at)
        if name == "set_result":
            state.put(me, FutureRecord(arguments.get(0, "result") or UNKNOWN))
            return NONE
        return (self.result or UNKNOWN) if name == "result" else UNKNOWN

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        flow.meanings.waited(flow, state, me)
        return self.result or UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return () if self.result is None else (self.result,)


def register(meanings: Meanings) -> None:
    meanings.calls["asyncio.Future"] = lambda flow, state, *_: new_future(flow, state)


def new_future(flow: Flow, state: State) -> Reference:
    return flow.allocate(state, FutureRecord())
