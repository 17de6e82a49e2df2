"""What is put off until somebody goes over it: `map(f, rows)` calls nothing where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, Decorated, FunctionValue, Partial
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Iteration, Method, Reference, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

    Meaning = Callable[[Flow, State, Arguments, Span], Value]

_OF_THE_PROJECT = (FunctionValue, ClassValue, Decorated, Partial)


class LazyRecord(Record, frozen=True):
    """A call that is made by whoever goes over its result first."""

    meaning: Callable[..., Value]
    arguments: Arguments

    def joined(self, other: Record) -> Record:
        if isinstance(other, ListRecord):  # the other path has gone over it
            return self
        same = isinstance(other, LazyRecord) and other.meaning is self.meaning
        return self if same and other == self else FORGOTTEN

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        made = self.meaning(flow, state, self.arguments, at)
        if isinstance(made, Reference):
            state.put(me, state.record(made.oid))
        return made.iterate(flow, state, at, is_async)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "__iter__":
            return me
        return self.iterate(flow, state, me, at, False).one() or UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(self.arguments.all())


def lazily(meaning: Meaning) -> Meaning:
    """The meaning of a function that gives an iterator, and calls what it is given as that is gone over."""

    def put_off(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.allocate(state, LazyRecord(meaning, arguments))

    return put_off


def passing_on(meaning: Meaning) -> Meaning:
    """The same where what it is given is put off itself: `islice(map(f, rows), 3)`."""

    def put_off(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if any(is_put_off(state, one) for one in arguments.all()):
            return flow.allocate(state, LazyRecord(meaning, arguments))
        return meaning(flow, state, arguments, at)

    return put_off


def is_put_off(state: State, value: Value) -> bool:
    return isinstance(value, Reference) and isinstance(state.record(value.oid), LazyRecord)


def used_up(flow: Flow, state: State, function: Value, arguments: Arguments, result: Value, at: Span) -> None:
    """A function that is not the project's goes over what it is handed, or passes it on, or keeps it."""
    for value in arguments.all():
        if not is_put_off(state, value) or isinstance(function, _OF_THE_PROJECT):
            continue
        held: list[Value] = [result]
        if isinstance(function, Method) and isinstance(function.receiver, Reference):
            held.append(function.receiver)
        if isinstance(value, Reference) and value.oid not in state.reachable(held):
            value.iterate(flow, state, at, False)
