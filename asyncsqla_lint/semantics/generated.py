"""What the methods read that a dataclass generates: `__repr__`, `__eq__`; and `dataclasses.asdict`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, Value, alternatives
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.instances import InstanceRecord

DEEPEST = 3


def register(meanings: Meanings) -> None:
    for name in ("dataclasses.asdict", "dataclasses.astuple"):
        meanings.calls[name] = _taken_apart


def read_fields(flow: Flow, state: State, me: Reference, names: tuple[str, ...], at: Span) -> list[Value]:
    return [me.attribute(flow, state, name, at) for name in names]


def compare(flow: Flow, state: State, mine: InstanceRecord, me: Reference, other: Value, at: Span) -> None:
    """The generated `__eq__` looks at the class of the other before it reads a field."""
    theirs = state.record(other.oid).class_info() if isinstance(other, Reference) else None
    if theirs is mine.model.cls and isinstance(other, Reference):
        names = mine.model.fields("compare")
        read_fields(flow, state, me, names, at)
        read_fields(flow, state, other, names, at)


def _taken_apart(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """Every field is read, and of dataclasses in it theirs."""
    if arguments.positional:
        _take_apart(flow, state, arguments.positional[0], at, 0)
    return UNKNOWN


def _take_apart(flow: Flow, state: State, value: Value, at: Span, depth: int) -> None:
    from asyncsqla_lint.semantics.instances import InstanceRecord

    if depth > DEEPEST:
        return
    for one in alternatives(value):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        inner: list[Value] = []
        if isinstance(one, Reference) and isinstance(record, InstanceRecord):
            if record.model.is_dataclass:
                inner = read_fields(flow, state, one, record.model.fields(), at)
        elif isinstance(record, (ListRecord, DictRecord)):
            inner = list(record.refers_to())
        elif record is not None:
            inner = [part for _, part in record.parts()]
        for part in inner:
            _take_apart(flow, state, part, at, depth + 1)
