"""What the instances of a session lose: by expiry, by a rollback, and when it lets them go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference, Value, alternatives
from asyncsqla_lint.semantics import paths
from asyncsqla_lint.semantics.assumptions import may_be_one
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    FAILED,
    LOADED,
    RAISES,
    SURE,
    UNLOADED,
    UNSURE,
    WRONG,
    AttributeState,
    Cause,
)
from asyncsqla_lint.semantics.default_states import expired_state
from asyncsqla_lint.semantics.failures import over
from asyncsqla_lint.semantics.instances import (
    DELETED,
    DETACHED,
    GONE,
    MARKED,
    PENDING,
    PERSISTENT,
    TRANSIENT,
    InstanceRecord,
    forgotten,
)
from asyncsqla_lint.semantics.references import noted

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def held(state: State, session: Reference) -> Iterator[tuple[Reference, InstanceRecord]]:
    """The instances of a session."""
    for reference, record in state.records(InstanceRecord):
        if record.session == session:
            yield reference, record


def instances_in(state: State, value: Value) -> Iterator[tuple[Reference, InstanceRecord]]:
    for one in alternatives(value):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(record, InstanceRecord) and isinstance(one, Reference):
            yield one, record


def expired(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    """Everything that the mapper manages is gone."""
    if paths.of(record):
        return paths.on_each(
            record, lambda one: expired(one, cause) if one.lifecycle in (PERSISTENT, MARKED) else one
        )
    if cause.certain:
        # A deferred column that was not there stays what it was: its load brings nothing else.
        deferred = {
            name: found
            for name, column in record.model.columns.items()
            if column.deferred and (found := record.state_of(name)) and found.bits in (UNLOADED, RAISES)
        }
        return replace(record, attributes=deferred, expired=cause, is_modified=False)
    attributes = {
        name: AttributeState(found.bits | EXPIRED, found.value, cause)
        for name, found in record.attributes.items()
    }
    for name in record.model.attributes:
        if name not in attributes:
            found = record.state_of(name)
            if found is not None:
                attributes[name] = AttributeState(found.bits | EXPIRED, None, found.cause or cause)
    return replace(record, attributes=attributes)


def expired_by_name(record: InstanceRecord, name: str, cause: Cause) -> AttributeState:
    """Only the value goes: an option that put its own way of loading in the place of the class's stays."""
    relationship = record.model.relationships.get(name)
    if relationship is None:
        return AttributeState(EXPIRED, None, cause)
    if record.plan is not None and record.expired is None:
        strategy = record.plan.strategy(relationship)
        if strategy in (None, "lazyload"):
            return AttributeState(EXPIRED, None, cause)
        if strategy == "raiseload":
            return AttributeState(RAISES, None, cause)
        if relationship.lazy == "raise_on_sql" and record.knows(relationship):
            return AttributeState(RAISES, None, cause)  # its key is there: nothing else is asked for
    return expired_state(record, relationship, cause)


def expire_all(flow: Flow, state: State, session: Reference, cause: Cause) -> None:
    from asyncsqla_lint.semantics.results import ResultRecord

    for reference, result in state.records(ResultRecord):
        if result.session == session and not result.is_consumed:
            state.put(reference, replace(result, expired=cause))
    for reference, record in list(held(state, session)):
        if record.lifecycle in (PERSISTENT, MARKED, "mixed"):
            state.put(reference, expired(record if record.is_directed else noted(state, record), cause))


def doubted(record: InstanceRecord) -> InstanceRecord:
    """Nobody knows whether this commit expired it: nothing more is said of its columns."""
    attributes = dict(record.attributes)
    for name in record.model.attributes:
        found = record.state_of(name)
        if found is not None and found.bits & LOADED:
            attributes[name] = found.doubted()
    return replace(record, attributes=attributes)


def rolled_back(flow: Flow, state: State, session: Reference, cause: Cause) -> None:
    from asyncsqla_lint.semantics.sessions import SessionRecord

    for reference, record in list(held(state, session)):
        known = record if record.is_directed else noted(state, record)
        state.put(reference, paths.on_each(known, lambda one: _taken_back(one, session, cause)))
    for reference, record in list(state.records(InstanceRecord)):
        if record.left == session:
            state.put(reference, replace(record, lifecycle=TRANSIENT, is_uncommitted=False, left=None))
    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord) and cause.what == "rollback":
        state.put(session, replace(owner, failure=over(owner.failure), in_transaction=False))
        for other, another in list(state.records(SessionRecord)):
            if another.failure is not None and may_be_one(flow, state, session, other):
                state.put(other, replace(another, failure=over(another.failure)))


def _taken_back(record: InstanceRecord, session: Reference, cause: Cause) -> InstanceRecord:
    """What a rollback makes of it."""
    if record.session != session:
        return record
    if record.lifecycle == PENDING or (record.is_uncommitted and record.lifecycle in (PERSISTENT, "mixed")):
        return _mere_object(record, cause)
    if record.lifecycle in (MARKED, DELETED):  # it is there again (`ASQ302/bad_rollback`)
        taken_back = replace(record, lifecycle=PERSISTENT)
        return _mere_object(record, cause) if record.is_uncommitted else expired(taken_back, cause)
    if record.lifecycle in (PERSISTENT, "mixed"):
        return replace(expired(record, cause), is_written=False)
    return record


def _mere_object(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    """Inserted and taken back: columns that had expired before ask for a session, and it has none."""
    columns = record.model.columns
    there = {  # (a deferred column that nobody gave is no question to the database any more)
        name: found
        for name, found in record.attributes.items()
        if name not in columns or found.bits not in (UNLOADED, RAISES)
    }
    mere = replace(
        record, lifecycle=TRANSIENT, session=None, is_uncommitted=False, is_modified=True, attributes=there
    )
    gone = {
        name: found
        for name in columns
        if (found := record.state_of(name)) is not None and found.bits & EXPIRED
    }
    if not gone:
        return mere
    kept = {name: found for name, found in there.items() if name in columns}
    return replace(mere, attributes={**kept, **gone}, expired=None, detached_by=cause)


def rolled_back_to_savepoint(
    flow: Flow, state: State, session: Reference, cause: Cause, *, is_asked_for: bool = False
) -> None:
    """Only what was changed since the savepoint is expired (`savepoint_rollback_unmodified`).

    `is_asked_for`: by a call. Where a block fails, many places of it have met, some before the change.
    """
    for reference, record in list(held(state, session)):
        state.put(
            reference, paths.on_each(record, lambda one: _taken_back_to(one, session, cause, is_asked_for))
        )


def _taken_back_to(
    record: InstanceRecord, session: Reference, cause: Cause, is_asked_for: bool
) -> InstanceRecord:
    if record.session != session:
        return record
    if record.lifecycle == PENDING or record.is_recent:
        return replace(record, lifecycle=TRANSIENT, session=None, is_uncommitted=False)
    if record.lifecycle == MARKED and record.is_written:  # it had not been changed, nor has it been deleted
        return replace(record, lifecycle=PERSISTENT, is_written=False)
    if record.lifecycle in (MARKED, DELETED):  # since it began, or before
        if record.is_written is False:
            return record
        there = replace(record, lifecycle=PERSISTENT, is_written=False)
        return deleted(there) if record.is_written else forgotten(doubted(there))
    if record.is_written and record.lifecycle != "mixed":
        return expired(record, cause)
    if record.is_written is not False:  # "mixed": on some path it has been made since, and is a mere object
        maybe = expired(record, replace(cause, certain=False))
        if record.lifecycle == "mixed":
            return doubted(maybe)
        maybe = replace(maybe, is_modified=False)  # what waited went out before it began
        return replace(maybe, is_written=False) if is_asked_for else doubted(maybe)
    return record


def deleted(record: InstanceRecord) -> InstanceRecord:
    """A flush that deletes a row loads those who refer to it, unless the database is to deal with them.

    If it has expired as a whole, the flush asks for its key. (`ASQ303/bad_deleted`)
    """
    children = {
        name: _asked_for(record, name, found)
        for name, one in record.model.relationships.items()
        if one.direction != "many-to-one" and (found := record.state_of(name)) is not None
    }
    if record.expired is not None:
        return doubted(replace(record, attributes={**record.attributes, **children}, expired=None))
    return replace(record, attributes={**record.attributes, **children})


def _asked_for(record: InstanceRecord, name: str, found: AttributeState) -> AttributeState:
    one = record.model.relationships[name]
    if found.bits == LOADED:
        return found
    if found.bits != UNLOADED or one.passive_deletes or one.viewonly or record.plan is None:
        return found.doubted()
    return AttributeState(LOADED, plan=record.plan.by_itself(one))


def since(record: InstanceRecord) -> InstanceRecord:
    """A savepoint begins: nothing has been changed since."""
    return replace(record, is_written=False, is_recent=False)


def survived(state: State, session: Reference, at: Site) -> None:
    """The session is used again. On the paths that go on behind that, its flush has not failed there."""
    for reference, record in list(held(state, session)):
        some = paths.of(record)
        left = tuple(_survivor(one, at) for one in some if not _took_all(one.expired, at))
        now = paths.together(record, left) if left else _survivor(record, at)
        if now != record:
            state.put(reference, now)


def _survivor(record: InstanceRecord, at: Site) -> InstanceRecord:
    if _took_all(record.expired, at):
        unsure = dict.fromkeys(record.model.attributes, AttributeState(UNSURE))
        return replace(record, attributes=unsure, expired=None)
    kept = {
        name: replace(one, bits=one.bits & ~(EXPIRED | EXPIRED << SURE) or UNSURE, cause=None)
        for name, one in record.attributes.items()
        if one.bits & EXPIRED and _took_all(one.cause, at)
    }
    return replace(record, attributes={**record.attributes, **kept}) if kept else record


def spared(state: State, record: InstanceRecord, found: AttributeState) -> None:
    """A read has raised, which says that this was expired. On the paths that go on, nothing was, by that.

    `ASQ302/bad_first_to_raise`. A flush that has failed has expired whatever the session holds.
    """
    cause = found.cause or record.expired
    if cause is None or record.session is None:
        return
    if cause.what in (FAILED, "rollback") and cause.site is not None:
        if found.bits & LOADED and any(
            _took_all(one.expired, cause.site) for _, one in held(state, record.session)
        ):
            return  # that was there on every path; this one was not always the session's
        survived(state, record.session, cause.site)
    elif found.bits & LOADED:
        for reference, other in list(held(state, record.session)):
            state.put(reference, where_it_was_there(other, cause))


def got_past(state: State, record: InstanceRecord) -> None:
    """A row is read of a session whose flush may have failed: where it has, the read has raised."""
    session = None if record.session is None else state.record(record.session.oid)
    failure = getattr(session, "failure", None)
    if record.session is not None and session is not None and failure is not None and failure.is_waiting:
        state.put(record.session, replace(session, failure=None))
        for site in failure.sites:
            survived(state, record.session, site)


def where_it_was_there(record: InstanceRecord, cause: Cause | None) -> InstanceRecord:
    """Only on the paths without that expiry does the code go on: what else it has taken is there too."""
    back = {
        name: replace(found, bits=found.bits & ~(EXPIRED | EXPIRED << SURE))
        for name, found in record.attributes.items()
        if found.cause == cause and found.bits & EXPIRED and found.bits & (WRONG | LOADED) != EXPIRED
    }
    return replace(record, attributes={**record.attributes, **back}) if back else record


def _took_all(cause: Cause | None, at: Site) -> bool:
    """Was it a failed flush that stands there, or a rollback?"""
    return cause is not None and cause.what in (FAILED, "rollback") and cause.site == at


def detach_all(flow: Flow, state: State, session: Reference, cause: Cause) -> None:
    for reference, record in list(held(state, session)):
        state.put(reference, detached(record, cause))


def detached(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    if paths.of(record):
        return paths.on_each(record, lambda one: one if one.session is None else detached(one, cause))
    if record.lifecycle in (PENDING, TRANSIENT):
        return replace(record, lifecycle=TRANSIENT, session=None)
    if record.lifecycle in (DELETED, GONE) and record.session is not None and cause.what == "close":
        return record  # the session lets go of the rows that it has: this one it forgets to let go
    if record.lifecycle == "mixed" and record.is_new:
        return replace(record, session=None, detached_by=cause)
    # What was expunged in the transaction that inserted it, a rollback still makes a mere object.
    left = record.session if record.is_uncommitted and cause.what in ("expunge", "expunge_all") else None
    return replace(record, lifecycle=DETACHED, session=None, detached_by=cause, left=left)
