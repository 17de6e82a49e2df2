"""Data loaders: `load(key)` waits for a function that answers many keys at once, and gives one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Iteration, Method, Reference, Value, join
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_CALLED = (
    "strawberry.dataloader.DataLoader",
    "aiodataloader.DataLoader",
    "graphql_sync_dataloaders.SyncDataLoader",
)
_BATCHES = ("batch_load_fn", "load_fn")
_LOADS = ("load", "load_many", "clear", "clear_all", "prime")


def register(meanings: Meanings) -> None:
    for name in _CALLED:
        meanings.calls[name] = _loader
    meanings.when_inherited.append(_inherited)


class LoaderRecord(Record, frozen=True):
    """A loader asks once for what it is asked for meanwhile, and remembers the answers."""

    batch: Value
    answer: Value | None = None

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name in ("load", "load_many"):
            return Load(me, name == "load_many")
        if name in ("clear", "clear_all"):
            state.put(me, LoaderRecord(self.batch))
        elif name == "prime":
            value = arguments.get(1, "value") or UNKNOWN
            state.put(
                me, LoaderRecord(self.batch, value if self.answer is None else join(self.answer, value))
            )
        return me

    def joined(self, other: Record) -> Record:
        if not isinstance(other, LoaderRecord) or other.batch != self.batch:
            return FORGOTTEN
        # What one path has not asked for it will ask for.
        return self if self.answer == other.answer else LoaderRecord(self.batch)

    def refers_to(self) -> tuple[Value, ...]:
        return (self.batch,) if self.answer is None else (self.batch, self.answer)


class Load(Value, frozen=True):
    loader: Reference
    is_many: bool

    def truth(self, state: State) -> bool | None:
        return True

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        record = state.record(self.loader.oid)
        if not isinstance(record, LoaderRecord):
            return UNKNOWN
        answer = record.answer
        if answer is None:
            keys = flow.allocate(state, ListRecord.of(Iteration(element=UNKNOWN, may_be_empty=False)))
            answers = record.batch.call(flow, state, Arguments((keys,)), at).awaited(flow, state, at)
            answer = answers.item(flow, state, Constant(0), at)
            state.put(self.loader, LoaderRecord(record.batch, answer))
        if not self.is_many:
            return answer
        return flow.allocate(state, ListRecord.of(Iteration(element=answer)))

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.loader,)


def _loader(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    batch = arguments.get(0, "load_fn") or arguments.keywords.get("batch_load_fn") or UNKNOWN
    return flow.allocate(state, LoaderRecord(batch))


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    """A subclass of the project has the loader within."""
    if name not in _LOADS or not isinstance(me, Reference):
        return None
    if not any(base in _CALLED for base in cls.info.external_bases):
        return None
    record = state.record(me.oid)
    if not isinstance(record, ObjectRecord):
        return None
    inner = record.attributes.get(_INNER)
    if inner is None:
        function = next((one for one in _BATCHES if cls.info.find(one) is not None), None)
        if function is None:
            return None
        inner = flow.allocate(state, LoaderRecord(me.attribute(flow, state, function, at)))
        attributes = {**record.attributes, _INNER: inner}
        state.put(me, replace(record, attributes=attributes))
    return Method(inner, name)


_INNER = "<loader>"
