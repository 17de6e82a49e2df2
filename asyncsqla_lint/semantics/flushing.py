"""Flush: what waits is written, and the server computes some of it; it may fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Constant, Reference
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import Column, ColumnProperty, MappedAttribute, Model
from asyncsqla_lint.semantics import ledger, paths
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    FAILED,
    LINKED,
    LOADED,
    LOOKED_AT,
    RAISES,
    SERVER_SIDE,
    SURE,
    UNSURE,
    WRITTEN,
    AttributeState,
    Cause,
)
from asyncsqla_lint.semantics.expiry import deleted, held, instances_in, rolled_back, rolled_back_to_savepoint
from asyncsqla_lint.semantics.failures import DATABASE_ERROR, FLUSH_ERROR, Failure
from asyncsqla_lint.semantics.identity import identity_of, same_row
from asyncsqla_lint.semantics.instances import DELETED, MARKED, PENDING, PERSISTENT, InstanceRecord
from asyncsqla_lint.semantics.references import is_outside
from asyncsqla_lint.semantics.refreshing import come_back, reloaded

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def flush(
    flow: Flow,
    state: State,
    session: Reference,
    at: Span,
    *,
    is_explicit: bool = False,
    releases: bool = False,
    ends_block: bool = False,
    may_fail: bool = True,
) -> None:
    """`is_explicit`: the program asks for it, so what was added without our knowing it is flushed too.

    `releases`: it is the end of a savepoint's block, which takes back what fails. So does the end of a
    transaction's (`ends_block`; `ASQ207/good_rolled_back`).
    """
    waiting = [
        (reference, record)
        for reference, record in held(state, session)
        if record.lifecycle == PENDING or (record.is_modified is not False and record.lifecycle != MARKED)
    ]
    certain = any(record.lifecycle != "mixed" for _, record in waiting)
    if not releases and not ends_block and any(_collides(state, *one) for one in waiting):
        raise PathEnds(Outcome("raise", failed(flow, state, session, at), FLUSH_ERROR))
    if (
        may_fail
        and flow.is_caught_somewhere
        and (certain or (is_explicit and ledger.ledger(state, session).writes))
    ):
        error = DATABASE_ERROR if releases or ends_block else FLUSH_ERROR
        flow.may_raise(failed(flow, state, session, at, releases, ends_block), error)
    from asyncsqla_lint.semantics.meeting import brought
    from asyncsqla_lint.semantics.unread import revealed
    from asyncsqla_lint.semantics.whole_lists import set_apart

    cause = Cause("flush", flow.site(at))
    for reference, record in list(held(state, session)):
        if record.lifecycle in (MARKED, DELETED):
            gone = replace(deleted(record), lifecycle=DELETED)
            state.put(reference, gone)
            if record.lifecycle == MARKED:
                revealed(flow, state, reference, gone)  # those to whom it leads stay with the session
    if waiting:
        touch(state, session)
    for reference, record in waiting:
        if record.lifecycle == PENDING and (names := _led_outside(state, record)):
            record = replace(record, blank=record.blank | names)
        state.put(reference, paths.on_each(record, lambda one: _written(one, cause)))
        if record.lifecycle != PENDING:
            set_apart(state, reference)
            if any(one.expired is not None for one in paths.of(record) or (record,)):
                brought(flow, state, reference, record, (), at)  # asked for its key, it loads what it would
        for target, known in list(_newly_referred_to(state, record)):
            if known.session == session and known.expired is not None:
                state.put(target, replace(reloaded(known), is_modified=known.is_modified))
            elif known.session == session:
                state.put(target, asked_for_key(known, bool(known.is_modified)))


def has_waiting(state: State, session: Reference) -> bool:
    """Is there something that a flush would write, on every path?"""
    return any(
        record.lifecycle == PENDING or (record.lifecycle == PERSISTENT and record.is_modified)
        for _, record in held(state, session)
    )


def _written(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    if record.lifecycle == PENDING:
        return inserted(record, cause)
    if record.lifecycle in (PERSISTENT, "mixed") and record.is_modified is not False:
        return updated(asked_for_key(record, bool(record.is_modified)), cause)
    return record


def autoflush(flow: Flow, state: State, session: Reference | None, at: Span) -> None:
    """SQL is about to be emitted for what is read or asked for: what waits goes out first."""
    record = None if session is None else state.record(session.oid)
    if session is not None and getattr(record, "autoflush", False):
        flush(flow, state, session, at)


def asked_for_key(record: InstanceRecord, certain: bool) -> InstanceRecord:
    """An UPDATE needs the primary key: where that is expired, everything expired is loaded with it.

    `ASQ302/good_commit_expires`; what was expired by name, without the key, stays away. `certain`: it is
    asked for on every path.
    """
    if paths.of(record):
        return paths.on_each(record, lambda one: one if one.session is None else asked_for_key(one, certain))
    keys = [record.state_of(name) for name in record.model.primary_key]
    if not any(one is not None and one.bits & EXPIRED for one in keys):
        return record
    if record.expired is not None and certain:
        return replace(reloaded(record), is_modified=record.is_modified, lifecycle=record.lifecycle)
    fresh = come_back(record)
    doubtful = {
        name: _come_back(found, back, certain)
        for name in record.model.attributes
        if (found := record.state_of(name)) is not None
        and _gone(found)
        and (back := fresh.state_of(name)) is not None
    }
    return replace(record, attributes={**record.attributes, **doubtful})


def _gone(found: AttributeState) -> int:
    """What an expiry has made of it: where the class says `lazy="raise"`, it has made it raise."""
    return found.bits & (EXPIRED if found.cause is None else EXPIRED | RAISES)


def _come_back(found: AttributeState, back: AttributeState, certain: bool) -> AttributeState:
    """What was expired on some path is what a refresh makes of it."""
    if found.cause is not None and found.cause.stays:
        return found
    if certain:
        gone = _gone(found)
        return AttributeState(
            found.bits & ~(gone | gone << SURE) | back.bits, found.value, found.cause, found.plan
        )
    return found.doubted() if back.bits & (LOADED | UNSURE) else found


def _newly_referred_to(state: State, record: InstanceRecord) -> Iterator[tuple[Reference, InstanceRecord]]:
    """Whose primary key a flush asks for, to write it into the foreign key of `record`."""
    for name, relationship in record.model.relationships.items():
        found = record.attributes.get(name)
        if relationship.direction == "many-to-one" and found is not None and found.cause is WRITTEN:
            if found.value is not None and found.bits == LOADED:
                yield from instances_in(state, found.value)


def _led_outside(state: State, record: InstanceRecord) -> set[str]:
    """The many-to-ones of a new row that lead to an object which no session has."""
    return {
        name
        for name, found in record.attributes.items()
        if isinstance(found.value, Reference)
        and name in record.model.relationships
        and record.model.relationships[name].direction == "many-to-one"
        and isinstance(target := state.record(found.value.oid), InstanceRecord)
        and is_outside(target)
    }


def inserted(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    attributes = {name: found for name, found in record.attributes.items() if not _only_looked_at(found)}
    if record.model.eager_defaults is False:
        for name, attribute in record.model.attributes.items():
            if (
                isinstance(attribute, Column)
                and attribute.is_set_by_server_on_insert
                and not attribute.primary_key
                and name not in record.model.written_by_listeners("before_insert")
            ):
                given = attributes.get(name)
                if given is None or not given.bits & LOADED or given.value is None:
                    attributes[name] = AttributeState(EXPIRED, None, cause)
    for name, attribute in record.model.attributes.items():
        if isinstance(attribute, Column) and attribute.computed and record.model.eager_defaults is False:
            attributes[name] = AttributeState(EXPIRED, None, cause)
        elif _is_asked_for_again(attribute, attributes.get(name)):
            attributes[name] = AttributeState(EXPIRED, None, cause)
    attributes = _computed(attributes, cause)
    return replace(
        record,
        lifecycle=PERSISTENT,
        attributes=attributes,
        is_modified=False,
        is_uncommitted=True,
        is_recent=True,
    )


def _computed(attributes: dict[str, AttributeState], cause: Cause) -> dict[str, AttributeState]:
    """Assigned SQL expressions have gone to the server: their values are not here."""
    return {
        name: AttributeState(EXPIRED, None, cause)
        if found.cause is SERVER_SIDE
        else replace(found, cause=None)
        if found.cause is WRITTEN or found.cause is LINKED
        else found
        for name, found in attributes.items()
    }


def _only_looked_at(found: AttributeState) -> bool:
    return found.cause is LOOKED_AT


def updated(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    """An UPDATE expires what the server computes (`flush_onupdate_access`).

    Of a collection other rows speak: its owner's is not updated (`ASQ302/good_collection_changed`).
    """
    attributes = _computed(record.attributes, cause)
    if record.model.eager_defaults is not True and not record.only_collections:
        tables = _tables_written(record)
        for name, attribute in record.model.attributes.items():
            if isinstance(attribute, Column) and attribute.is_set_by_server_on_update:
                if tables and _table_of(record.model, name) not in tables:
                    continue  # (of a joined inheritance, another table's row has changed)
                before = record.state_of(name)
                bits = EXPIRED if record.is_modified or before is None else EXPIRED | before.bits
                if attribute.name in attributes and record.is_modified and _given(record, name):
                    continue
                if name in record.model.written_by_listeners("before_update"):
                    continue
                attributes[name] = AttributeState(bits, None, cause)
    for name, attribute in record.model.attributes.items():
        before = record.state_of(name)
        if _is_asked_for_again(attribute, before):
            bits = EXPIRED if record.is_modified or before is None else EXPIRED | before.bits
            attributes[name] = AttributeState(bits, None, cause)
    return replace(record, attributes=attributes, is_modified=False)


def _tables_written(record: InstanceRecord) -> set[str | None]:
    """Of a joined inheritance, where what has changed; nothing: that is not known, or there is one table."""
    model = record.model
    if model.parent is None or not model.has_own_table:
        return set()
    names: set[str] = set()
    for name, found in record.attributes.items():
        if found.cause is WRITTEN or found.cause is SERVER_SIDE or found.cause is LINKED:
            one = model.relationships.get(name)
            names |= {name} if one is None else one.local_keys if one.direction == "many-to-one" else set()
    tables = {_table_of(model, name) for name in names if name in model.columns}
    return set() if None in tables else tables


def _table_of(model: Model, name: str) -> str | None:
    return next((one.table_name for one in reversed(model.lineage) if name in one.own_attributes), None)


def _is_asked_for_again(attribute: MappedAttribute, found: AttributeState | None) -> bool:
    """A flush expires what SQL computes from other columns (`ASQ302/bad_computed_by_sql`)."""
    if not isinstance(attribute, ColumnProperty) or not attribute.expires_on_flush:
        return False
    return not attribute.deferred or (found is not None and found.bits & LOADED != 0)


def _given(record: InstanceRecord, name: str) -> bool:
    """The program itself has just assigned the column: then the server does not."""
    found = record.attributes.get(name)
    return found is not None and found.cause is WRITTEN


def _collides(state: State, me: Reference, record: InstanceRecord) -> bool:
    """The session holds the row whose key the program has given to a new object: the INSERT must fail."""
    key = identity_of(me, record) if record.lifecycle == PENDING and record.session is not None else None
    if key is None or record.session is None or not all(isinstance(value, Constant) for _, value in key):
        return False
    alive = state.alive()
    return any(
        reference.oid in alive
        and other.lifecycle == PERSISTENT
        and not other.absent
        and other.model.lineage[-1] is record.model.lineage[-1]
        and same_row(reference, other, key) is True
        for reference, other in held(state, record.session)
    )


def failed(
    flow: Flow,
    state: State,
    session: Reference,
    at: Span,
    releases: bool = False,
    ends_block: bool = False,
) -> State:
    """Where the flush fails the transaction is rolled back, and everything is expired."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    after = state.copy()
    record = after.record(session.oid)
    if isinstance(record, SessionRecord):
        failure = None if releases or ends_block else Failure(flow.site(at))
        still = record.in_transaction and not ends_block
        after.put(session, replace(record, failure=failure, in_transaction=still))
    cause = Cause(FAILED, flow.site(at))
    with flow.silently():
        if isinstance(record, SessionRecord) and (record.in_nested or releases):
            rolled_back_to_savepoint(flow, after, session, cause)
        else:
            rolled_back(flow, after, session, cause)
    return after


def touch(state: State, session: Reference) -> None:
    """Work has begun: there is a transaction now. In a block whose transaction is over none begins."""
    from asyncsqla_lint.semantics.sessions import SessionRecord
    from asyncsqla_lint.semantics.transactions import ENDED

    owner = state.record(session.oid)
    if not isinstance(owner, SessionRecord) or owner.begun == ENDED:
        return
    if not owner.in_transaction or owner.let_go:
        state.put(session, replace(owner, in_transaction=True, let_go=()))
