"""`obj.awaitable_attrs`: attributes that are loaded when awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.instances import (
    EXPIRED,
    UNLOADED,
    UNSURE,
    InstanceRecord,
    current,
    load_attribute,
)
from asyncsqla_lint.semantics.missing import standing
from asyncsqla_lint.semantics.reading import read

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class AwaitableAttributes(Value, frozen=True):
    """`obj.awaitable_attrs`."""

    instance: Reference

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        from asyncsqla_lint.semantics.events import AttributeAwaited

        record = state.record(self.instance.oid)
        if isinstance(record, InstanceRecord) and flow.listens(AttributeAwaited):
            site, frame, _ = standing(flow, at)
            flow.emit(AttributeAwaited(site, frame, flow.is_certain, record, record.model, name))
        reading = Method(AwaitableAttribute(self.instance, name), name)
        return flow.allocate_watched(state, CoroutineRecord(reading, Arguments(), flow.site(at)))


class AwaitableAttribute(Value, frozen=True):
    instance: Reference
    name: str

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.instance,)

    def await_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        record = state.record(self.instance.oid)
        if not isinstance(record, InstanceRecord):
            return UNKNOWN
        found = record.state_of(self.name)
        if found is not None and found.bits & (UNLOADED | EXPIRED | UNSURE):
            from asyncsqla_lint.semantics.loops import asked

            asked(flow, state, "awaitable_attrs", (self.instance,), at)
            load_attribute(state, self.instance, record, self.name)
            record = current(state, self.instance, record)
        return read(flow, state, self.instance, record, self.name, at, "read")
