"""`obj.awaitable_attrs`: attributes that are loaded when awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import flushing, meeting, paths, refreshing
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    LOADED,
    RAISES,
    UNLOADED,
    UNSURE,
    WRONG,
    AttributeState,
)
from asyncsqla_lint.semantics.instances import InstanceRecord, current, with_loaded
from asyncsqla_lint.semantics.many_to_one import known_target, may_be_known
from asyncsqla_lint.semantics.materialising import accompanied
from asyncsqla_lint.semantics.missing import standing
from asyncsqla_lint.semantics.reading import read

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

MISSING = UNLOADED | EXPIRED | UNSURE


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

    def only_adds(self, state: State) -> bool:
        return True

    def await_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        record = state.record(self.instance.oid)
        if not isinstance(record, InstanceRecord):
            return UNKNOWN
        found = record.state_of(self.name)
        if found is not None and not found.bits & WRONG & ~UNLOADED and record.expired is None:
            one = record.model.relationships.get(self.name)
            target = None if one is None else known_target(flow, state, self.instance, record, one)
            if target is not None and one is not None and record.knows(one):  # no SQL, no autoflush
                loaded = AttributeState(LOADED, target)
                state.put(self.instance, record.with_attribute(self.name, loaded))
                return target
        if found is not None and _emits_sql(record, self.name, found) and not record.is_detached:
            from asyncsqla_lint.semantics.loops import asked

            asked(flow, state, "awaitable_attrs", (self.instance,), at)
            with flow.hedged(not found.bits & MISSING or bool(found.bits & LOADED)):
                _session_used(flow, state, record.session, at)
            one = record.model.relationships.get(self.name)
            without = None
            if one is not None and may_be_known(flow, state, self.instance, record, one) is not False:
                without = state.copy()  # then no SQL is emitted, and nothing flushed
            flushing.autoflush(flow, state, record.session, at)
            if without is not None:
                state.become(state.joined(without))
            if record.session is not None:
                flushing.touch(state, record.session)
            is_raising = bool(found.bits & RAISES)
            before = current(state, self.instance, record)
            column = before.model.columns.get(self.name)  # a deferred one comes alone, expired or not
            brings_columns = column is None or (found.bits & EXPIRED and not column.deferred)
            record = before
            if brings_columns:
                record = accompanied(state, _with_expired(before, self.name), self.instance)
            state.put(self.instance, record)
            found = record.state_of(self.name)
            if found is not None and found.bits & (WRONG | UNSURE) and not is_raising:
                there = paths.on_each(record, self._loaded)
                state.put(self.instance, there)
            meeting.came(state, self.instance, before)
            if brings_columns and any(one.expired is not None for one in paths.of(before) or (before,)):
                meeting.brought(flow, state, self.instance, before, (), at)  # all that its query loads
            if found is not None:
                meeting.brought(flow, state, self.instance, before, (self.name,), at)
            record = current(state, self.instance, record)
        return read(flow, state, self.instance, record, self.name, at, "read")

    def _loaded(self, record: InstanceRecord) -> InstanceRecord:
        """Where its session has let it go, nothing is loaded."""
        return record if record.is_detached else with_loaded(record, self.name)


def _session_used(flow: Flow, state: State, session: Reference | None, at: Span) -> None:
    """The load is the session's work: beside another task's, or after a failed flush, it goes wrong too."""
    from asyncsqla_lint.semantics import tasks, transactions
    from asyncsqla_lint.semantics.sessions import SessionRecord

    record = None if session is None else state.record(session.oid)
    if session is not None and isinstance(record, SessionRecord):
        tasks.used(flow, state, session, record, "awaitable_attrs", at)
        transactions.used(flow, state, session, record, "awaitable_attrs", at)


def _emits_sql(record: InstanceRecord, name: str, found: AttributeState) -> bool:
    if found.bits & MISSING:
        return True
    one = record.model.relationships.get(name)  # whose key is asked for, before its `lazy="raise_on_sql"` is
    is_to_one = one is not None and one.direction == "many-to-one" and record.raises_on_sql_only(one)
    return is_to_one and record.expired is not None


def _with_expired(record: InstanceRecord, name: str) -> InstanceRecord:
    """Whatever is loaded of an expired instance, all its columns come with it.

    Of one that has lost some by name, what a relationship needs is mostly there.
    """
    if paths.of(record):
        return paths.on_each(record, lambda one: one if one.session is None else _with_expired(one, name))
    if record.expired is not None:
        return refreshing.reloaded(record)
    if name in record.model.relationships and not refreshing.keys_of(record, (name,)):
        return record
    columns = {
        name: AttributeState(LOADED)
        for name, column in record.model.columns.items()
        if not column.deferred and (found := record.state_of(name)) is not None and found.bits & EXPIRED
    }
    return replace(record, attributes={**record.attributes, **columns}) if columns else record
