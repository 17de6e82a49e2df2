"""What the methods read that a dataclass generates: `__repr__`, `__eq__`; and `dataclasses.asdict`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Reference,
    TupleValue,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.instances import InstanceRecord

DEEPEST = 3
_REPRESENTED = "represented"


def register(meanings: Meanings) -> None:
    meanings.calls["dataclasses.asdict"] = _taken_apart
    meanings.calls["dataclasses.astuple"] = _row_of_fields


def read_fields(flow: Flow, state: State, me: Reference, names: tuple[str, ...], at: Span) -> list[Value]:
    return [me.attribute(flow, state, name, at) for name in names]


def represent(flow: Flow, state: State, me: Reference, names: tuple[str, ...], at: Span) -> None:
    """The generated `__repr__` represents what it reads: other rows too, each once (`recursive_repr`)."""
    before = flow.notes.get(_REPRESENTED)
    around = before if isinstance(before, tuple) else ()
    if me in around or len(around) > DEEPEST:
        return
    flow.notes[_REPRESENTED] = (*around, me)
    try:
        for value in read_fields(flow, state, me, names, at):
            value.represented(flow, state, at)
    finally:
        flow.notes[_REPRESENTED] = around


def compare(flow: Flow, state: State, mine: InstanceRecord, me: Reference, other: Value, at: Span) -> None:
    """The generated `__eq__` looks at the class of the other before it reads a field."""
    theirs = state.record(other.oid).class_info() if isinstance(other, Reference) else None
    if theirs is mine.model.cls and isinstance(other, Reference):
        names = mine.model.fields("compare")
        read_fields(flow, state, me, names, at)
        read_fields(flow, state, other, names, at)


def _taken_apart(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """Every field is read, and of dataclasses in it theirs."""
    made = _take_apart(flow, state, arguments.positional[0], at, 0) if arguments.positional else UNKNOWN
    return UNKNOWN if "dict_factory" in arguments.keywords else made


def _row_of_fields(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    made = _taken_apart(flow, state, arguments, at)
    record = state.record(made.oid) if isinstance(made, Reference) else None
    return TupleValue(tuple(record.entries.values())) if isinstance(record, DictRecord) else UNKNOWN


def _take_apart(flow: Flow, state: State, value: Value, at: Span, depth: int) -> Value:
    if depth > DEEPEST:
        return UNKNOWN
    return union(tuple(_one_apart(flow, state, one, at, depth) for one in alternatives(value)))


def _one_apart(flow: Flow, state: State, one: Value, at: Span, depth: int) -> Value:
    from asyncsqla_lint.semantics.instances import InstanceRecord

    record = state.record(one.oid) if isinstance(one, Reference) else None
    if record is None or not isinstance(one, Reference):
        return one
    names: tuple[str, ...] = ()
    if isinstance(record, InstanceRecord):
        names = record.model.fields() if record.model.is_dataclass else ()
    elif isinstance(record, ObjectRecord) and record.cls.info.kind == "dataclass":
        names = tuple(record.cls.info.fields)
    elif isinstance(record, (ListRecord, DictRecord)):
        for part in record.refers_to():
            _take_apart(flow, state, part, at, depth + 1)
        return UNKNOWN
    fields = read_fields(flow, state, one, names, at)
    taken = [_take_apart(flow, state, field, at, depth + 1) for field in fields]
    return flow.allocate(state, DictRecord(dict(zip(names, taken, strict=True)))) if names else UNKNOWN
