"""`types.SimpleNamespace`: an object that is nothing but its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, Value, join
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class NamespaceRecord(Record, frozen=True):
    attributes: dict[str, Value] = {}

    def joined(self, other: Record) -> Record:
        if not isinstance(other, NamespaceRecord):
            return FORGOTTEN
        attributes = dict(self.attributes)
        for name, value in other.attributes.items():
            attributes[name] = join(attributes[name], value) if name in attributes else value
        return NamespaceRecord(attributes)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return self.attributes.get(name, UNKNOWN)

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        state.put(me, NamespaceRecord({**self.attributes, name: value}))

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(self.attributes.values())


def register(meanings: Meanings) -> None:
    meanings.calls["types.SimpleNamespace"] = _made
    meanings.instances["types.SimpleNamespace"] = lambda flow, state, *_: flow.allocate(
        state, NamespaceRecord()
    )


def _made(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return flow.allocate(state, NamespaceRecord(dict(arguments.keywords)))
