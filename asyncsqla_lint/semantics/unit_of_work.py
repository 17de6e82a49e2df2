"""The unit of work: what flush, commit, rollback, refresh and expire do to the instances of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.objects import ListRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    ClassValue,
    Constant,
    ExternalValue,
    Reference,
    TupleValue,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import Column, Relationship
from asyncsqla_lint.semantics import ledger, loops
from asyncsqla_lint.semantics.instances import (
    DETACHED,
    EXPIRED,
    LOADED,
    LOOKED_AT,
    PENDING,
    PERSISTENT,
    SERVER_SIDE,
    TRANSIENT,
    UNLOADED,
    UNSURE,
    WRITTEN,
    AttributeState,
    Cause,
    InstanceRecord,
    allocate,
    load_attribute,
)
from asyncsqla_lint.semantics.loader_options import LoaderOptions, Plan, collected

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.semantics.sessions import SessionRecord

DATABASE_ERROR = ExternalValue("sqlalchemy.exc.IntegrityError")


def held(state: State, session: Reference) -> Iterator[tuple[Reference, InstanceRecord]]:
    """The instances of a session."""
    for reference, record in state.records():
        if isinstance(record, InstanceRecord) and record.session == session:
            yield reference, record


def instances_in(state: State, value: Value) -> Iterator[tuple[Reference, InstanceRecord]]:
    for one in alternatives(value):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(record, InstanceRecord) and isinstance(one, Reference):
            yield one, record


# --- expiry --------------------------------------------------------------------------------------


def expired(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    """Everything that the mapper manages is gone."""
    if cause.certain:
        return replace(record, attributes={}, expired=cause, is_modified=False)
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


def expire_all(flow: Flow, state: State, session: Reference, cause: Cause) -> None:
    from asyncsqla_lint.semantics.results import ResultRecord

    for reference, result in state.records():
        if isinstance(result, ResultRecord) and result.session == session and not result.is_consumed:
            state.put(reference, replace(result, expired=cause))
    for reference, record in list(held(state, session)):
        if record.lifecycle in (PERSISTENT, "mixed"):
            state.put(reference, expired(record, cause))


# --- flush ---------------------------------------------------------------------------------------


def flush(
    flow: Flow,
    state: State,
    session: Reference,
    at: Span,
    *,
    is_explicit: bool = False,
    releases: bool = False,
    may_fail: bool = True,
) -> None:
    """`is_explicit`: the program asks for it, so what was added without our knowing it is flushed too.

    `releases`: it is the end of a savepoint's block, which takes back what fails.
    """
    waiting = [
        (reference, record)
        for reference, record in held(state, session)
        if record.lifecycle == PENDING or record.is_modified is not False
    ]
    certain = any(record.lifecycle != "mixed" for _, record in waiting)
    if may_fail and flow.tries and (certain or (is_explicit and ledger.ledger(state, session).writes)):
        fail(flow, state, session, at, releases)
    cause = Cause("flush", flow.site(at))
    if waiting:
        touch(state, session)
    for reference, record in waiting:
        if record.lifecycle == PENDING:
            state.put(reference, inserted(record, cause))
        elif record.lifecycle in (PERSISTENT, "mixed"):
            state.put(reference, updated(_asked_for_key(record), cause))
        for target, known in list(_newly_referred_to(state, record)):
            if known.session == session and known.expired is not None:
                state.put(target, replace(reloaded(known), is_modified=known.is_modified))


def _asked_for_key(record: InstanceRecord) -> InstanceRecord:
    """An UPDATE needs the primary key: where that is expired, everything expired is loaded with it.

    `ASQ302/good_commit_expires`; what was expired by name, without the key, stays away.
    """
    keys = [record.state_of(name) for name in record.model.primary_key]
    if not any(one is not None and one.bits & EXPIRED for one in keys):
        return record
    if record.expired is not None and record.is_modified:
        return replace(reloaded(record), is_modified=True, lifecycle=record.lifecycle)
    doubtful = {
        name: replace(found, bits=found.bits | UNSURE)
        for name in record.model.attributes
        if (found := record.state_of(name)) is not None and found.bits & EXPIRED
    }
    return replace(record, attributes={**record.attributes, **doubtful})


def _newly_referred_to(state: State, record: InstanceRecord) -> Iterator[tuple[Reference, InstanceRecord]]:
    """Whose primary key a flush asks for, to write it into the foreign key of `record`."""
    for name, relationship in record.model.relationships.items():
        found = record.attributes.get(name)
        if relationship.direction == "many-to-one" and found is not None and found.cause is WRITTEN:
            if found.value is not None and found.bits == LOADED:
                yield from instances_in(state, found.value)


def inserted(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    attributes = {name: found for name, found in record.attributes.items() if not _only_looked_at(found)}
    if record.model.eager_defaults is False:
        for name, attribute in record.model.attributes.items():
            if (
                isinstance(attribute, Column)
                and attribute.is_set_by_server_on_insert
                and not attribute.primary_key
            ):
                given = attributes.get(name)
                if given is None or not given.bits & LOADED or given.value is None:
                    attributes[name] = AttributeState(EXPIRED, None, cause)
    for name, attribute in record.model.attributes.items():
        if isinstance(attribute, Column) and attribute.computed and record.model.eager_defaults is False:
            attributes[name] = AttributeState(EXPIRED, None, cause)
    attributes = _computed(attributes, cause)
    return replace(
        record, lifecycle=PERSISTENT, attributes=attributes, is_modified=False, is_uncommitted=True
    )


def _computed(attributes: dict[str, AttributeState], cause: Cause) -> dict[str, AttributeState]:
    """Assigned SQL expressions have gone to the server: their values are not here."""
    return {
        name: AttributeState(EXPIRED, None, cause)
        if found.cause is SERVER_SIDE
        else replace(found, cause=None)
        if found.cause is WRITTEN
        else found
        for name, found in attributes.items()
    }


def _only_looked_at(found: AttributeState) -> bool:
    return found.cause is LOOKED_AT


def updated(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    """An UPDATE expires what the server computes (`flush_onupdate_access`)."""
    attributes = _computed(record.attributes, cause)
    if record.model.eager_defaults is not True:
        for name, attribute in record.model.attributes.items():
            if isinstance(attribute, Column) and attribute.is_set_by_server_on_update:
                before = record.state_of(name)
                bits = EXPIRED if record.is_modified or before is None else EXPIRED | before.bits
                if attribute.name in attributes and record.is_modified and _given(record, name):
                    continue
                attributes[name] = AttributeState(bits, None, cause)
    return replace(record, attributes=attributes, is_modified=False)


def _given(record: InstanceRecord, name: str) -> bool:
    """The program itself has just assigned the column: then the server does not."""
    found = record.attributes.get(name)
    return found is not None and found.cause is WRITTEN


def fail(flow: Flow, state: State, session: Reference, at: Span, releases: bool = False) -> None:
    """The flush may fail: then the transaction is rolled back, and everything is expired."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    failed = state.copy()
    record = failed.record(session.oid)
    if isinstance(record, SessionRecord):
        failed.put(session, replace(record, failed_at=None if releases else flow.site(at)))
    cause = Cause("a failed flush", flow.site(at))
    with flow.silently():
        if isinstance(record, SessionRecord) and (record.in_nested or releases):
            rolled_back_to_savepoint(flow, failed, session, cause)
        else:
            rolled_back(flow, failed, session, cause)
    flow.may_raise(failed, DATABASE_ERROR)


# --- commit, rollback, begin ---------------------------------------------------------------------


def commit(flow: Flow, state: State, session: Reference, at: Span) -> None:
    from asyncsqla_lint.semantics.sessions import SessionRecord

    flush(flow, state, session, at, is_explicit=True)
    record = state.record(session.oid)
    if not isinstance(record, SessionRecord):
        return
    if record.expire_on_commit is not False:
        if record.expire_on_commit is True:
            maker = record.factory or (record.site if record.how == "class" else None)
            cause = Cause("commit", flow.site(at), assumption=record.assumption, maker=maker)
            expire_all(flow, state, session, cause)
        else:
            for reference, one in list(held(state, session)):
                if one.lifecycle in (PERSISTENT, "mixed"):
                    state.put(reference, doubted(one))
    ended(state, session)
    for reference, one in list(held(state, session)):
        if one.is_uncommitted or one.is_written:
            state.put(reference, replace(one, is_uncommitted=False, is_written=False))


def doubted(record: InstanceRecord) -> InstanceRecord:
    """Nobody knows whether this commit expired it: nothing more is said of its columns."""
    attributes = dict(record.attributes)
    for name in record.model.attributes:
        found = record.state_of(name)
        if found is not None and found.bits & LOADED:
            attributes[name] = AttributeState(found.bits | UNSURE, found.value, found.cause)
    return replace(record, attributes=attributes)


def rolled_back(flow: Flow, state: State, session: Reference, cause: Cause) -> None:
    from asyncsqla_lint.semantics.sessions import SessionRecord

    for reference, record in list(held(state, session)):
        if record.lifecycle == PENDING or (record.is_uncommitted and record.lifecycle == PERSISTENT):
            state.put(
                reference,
                replace(record, lifecycle=TRANSIENT, session=None, is_uncommitted=False, is_modified=True),
            )
        elif record.lifecycle in (PERSISTENT, "mixed"):
            state.put(reference, replace(expired(record, cause), is_written=False))
    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord) and cause.what == "rollback":
        state.put(session, replace(owner, failed_at=None, in_transaction=False))


def touch(state: State, session: Reference) -> None:
    """Work has begun: there is a transaction now."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord) and not owner.in_transaction:
        state.put(session, replace(owner, in_transaction=True))


def ended(state: State, session: Reference) -> None:
    from asyncsqla_lint.semantics.sessions import SessionRecord

    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord):
        state.put(session, replace(owner, in_transaction=False))


def rolled_back_to_savepoint(flow: Flow, state: State, session: Reference, cause: Cause) -> None:
    """Only what was changed since the savepoint is expired (`savepoint_rollback_unmodified`)."""
    for reference, record in list(held(state, session)):
        if record.lifecycle == PENDING or record.is_uncommitted:
            state.put(reference, replace(record, lifecycle=TRANSIENT, session=None, is_uncommitted=False))
        elif record.is_written:
            state.put(reference, expired(record, cause))


def begin(flow: Flow, state: State, session: Reference, is_nested: bool, at: Span) -> None:
    from asyncsqla_lint.semantics import transactions
    from asyncsqla_lint.semantics.sessions import SessionRecord

    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord) and not is_nested and owner.in_transaction:
        transactions.begun_twice(flow, session, owner, at)
    touch(state, session)
    if not is_nested:
        return
    # What waited goes out before the savepoint is there. A handler beside its block is written for the block:
    # new rows may collide all the same, changes to rows that are there hardly ever do.
    inserts = any(record.lifecycle == PENDING for _, record in held(state, session))
    flush(flow, state, session, at, may_fail=inserts)
    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord):
        state.put(session, replace(owner, in_nested=owner.in_nested + 1))
    for reference, record in list(held(state, session)):
        if record.is_written or record.is_uncommitted:
            state.put(reference, replace(record, is_written=False, is_uncommitted=False))


def end(
    flow: Flow, state: State, session: Reference, how: str, is_nested: bool, at: Span, *, block: bool = False
) -> None:
    from asyncsqla_lint.semantics import tasks
    from asyncsqla_lint.semantics.sessions import SessionRecord

    record = state.record(session.oid)
    if isinstance(record, SessionRecord):
        name = f"{how} of a savepoint" if is_nested else how
        tasks.used(flow, state, session, record, name, at, ends_block=block)
        if is_nested:
            failed_at = None if how == "rollback" else record.failed_at
            state.put(session, replace(record, in_nested=max(record.in_nested - 1, 0), failed_at=failed_at))
    if block and not is_nested and isinstance(record, SessionRecord) and not flow.muted:
        ledger.book(flow).guarded.add(record.site)  # its end gives the connection back
    if how == "commit":
        if is_nested:
            flush(flow, state, session, at, releases=True)
        else:
            commit(flow, state, session, at)
    elif is_nested:
        rolled_back_to_savepoint(flow, state, session, Cause("the savepoint's rollback", flow.site(at)))
    else:
        rolled_back(flow, state, session, Cause("rollback", flow.site(at)))


def detach_all(flow: Flow, state: State, session: Reference, cause: Cause) -> None:
    for reference, record in list(held(state, session)):
        state.put(reference, detached(record, cause))


def detached(record: InstanceRecord, cause: Cause) -> InstanceRecord:
    if record.lifecycle in (PENDING, TRANSIENT):
        return replace(record, lifecycle=TRANSIENT, session=None)
    if record.lifecycle == "mixed":
        return replace(record, session=None)
    return replace(record, lifecycle=DETACHED, session=None, detached_by=cause)


# --- methods -------------------------------------------------------------------------------------

Performer = Callable[["Flow", State, Reference, "SessionRecord", Arguments, Span], Value]


def _add(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    touch(state, me)
    for value in arguments.positional:
        adopt(flow, state, me, value)
    return NONE


def _add_all(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    touch(state, me)
    for value in arguments.positional:
        iteration = value.iterate(flow, state, at, False)
        for one in iteration.items if iteration.items is not None else (iteration.element,):
            if one is not None:
                adopt(flow, state, me, one)
    return NONE


def adopt(flow: Flow, state: State, session: Reference, value: Value, depth: int = 0) -> None:
    """`add`: the instance and what its relationships lead to become the session's."""
    for reference, record in list(instances_in(state, value)):
        if record.session is not None and record.lifecycle != DETACHED and record.lifecycle != TRANSIENT:
            continue
        lifecycle = PENDING if record.lifecycle in (TRANSIENT, PENDING) else PERSISTENT
        state.put(reference, replace(record, session=session, lifecycle=lifecycle, detached_by=None))
        if depth > 6:
            continue
        for name in record.model.relationships:
            held_state = record.attributes.get(name)
            if held_state is None or held_state.value is None:
                continue
            for one in alternatives(held_state.value):
                target = state.record(one.oid) if isinstance(one, Reference) else None
                if isinstance(target, ListRecord):
                    for element in target.refers_to():
                        adopt(flow, state, session, element, depth + 1)
                elif target is not None:
                    adopt(flow, state, session, one, depth + 1)


def _flush(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    flush(flow, state, me, at, is_explicit=True)
    return NONE


def _commit(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    commit(flow, state, me, at)
    return NONE


def _rollback(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    if session.in_transaction is not False:  # without a transaction there is nothing to take back
        rolled_back(flow, state, me, Cause("rollback", flow.site(at)))
    return NONE


def _expire(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    names = attribute_names(state, arguments.get(1, "attribute_names"))
    cause = Cause("expire", flow.site(at))
    for reference, record in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        if names == ():
            state.put(reference, expired(record, cause))
        elif names is None:
            state.put(reference, doubted(record))
        else:
            attributes = {name: AttributeState(EXPIRED, None, cause) for name in names}
            state.put(reference, replace(record, attributes={**record.attributes, **attributes}))
    return NONE


def _expire_all(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    expire_all(flow, state, me, Cause("expire_all", flow.site(at)))
    return NONE


def _expunge(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    for reference, record in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        state.put(reference, detached(record, Cause("expunge", flow.site(at))))
    return NONE


def _expunge_all(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    detach_all(flow, state, me, Cause("expunge_all", flow.site(at)))
    return NONE


def _refresh(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    if session.autoflush:
        flush(flow, state, me, at)
    touch(state, me)
    loops.asked(flow, state, "refresh", arguments.positional[:1], at)
    names = attribute_names(state, arguments.get(1, "attribute_names"))
    for reference, _ in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        record = state.record(reference.oid)
        assert isinstance(record, InstanceRecord)
        if names is None:
            from asyncsqla_lint.semantics.instances import forgotten

            state.put(
                reference, forgotten(replace(record, expired=None)) if record.expired else forgotten(record)
            )
        elif names:
            for name in (*names, *_keys_of(record, names)):
                now = state.record(reference.oid)
                assert isinstance(now, InstanceRecord)
                load_attribute(state, reference, now, name)
        else:
            state.put(reference, refreshed(record))
    return NONE


def _keys_of(record: InstanceRecord, names: tuple[str, ...]) -> list[str]:
    """The expired columns that lead to the relationships named come along (`ASQ302/good_commit_expires`)."""
    found: list[str] = []
    for name in names:
        relationship = record.model.relationships.get(name)
        if relationship is not None:
            is_to_one = relationship.direction == "many-to-one"
            found += relationship.local_keys if is_to_one else record.model.primary_key
    return [name for name in sorted(set(found)) if (one := record.state_of(name)) and one.bits & EXPIRED]


def refreshed(record: InstanceRecord) -> InstanceRecord:
    """A bare `refresh` replays the options of the query that first loaded the instance, and nothing else."""
    plan = record.replayed or record.plan
    attributes: dict[str, AttributeState] = {}
    if record.is_new:
        plan = Plan(trail=(record.model.cls,))
    elif plan is None:
        attributes = {
            name: found
            for name, found in record.attributes.items()
            if isinstance(record.model.attributes.get(name), Relationship)
        }
        for name, found in attributes.items():
            attributes[name] = AttributeState(UNSURE, found.value)
    return replace(
        record,
        plan=plan,
        attributes=attributes,
        expired=None,
        is_new=False,
        is_modified=False,
        lifecycle=PERSISTENT,
    )


def reloaded(record: InstanceRecord) -> InstanceRecord:
    """An expired instance that `get()` finds: its columns come back, whatever an option once deferred."""
    fresh = refreshed(record)
    kept = {name: one for name, one in record.attributes.items() if not one.bits & EXPIRED}
    attributes = {**fresh.attributes, **kept}
    for name, column in record.model.columns.items():
        found = fresh.state_of(name)
        if name in kept or column.deferred or found is None:
            continue
        if found.bits & UNLOADED and found.cause is None:
            attributes[name] = AttributeState(LOADED)
    return replace(fresh, attributes=attributes)


def attribute_names(state: State, value: Value | None) -> tuple[str, ...] | None:
    """The names in a list of attribute names; () when none are given, None when they cannot be read."""
    if value is None or value == NONE:
        return ()
    items: tuple[Value, ...] | None = None
    if isinstance(value, TupleValue):
        items = value.elements
    elif isinstance(value, Reference):
        record = state.record(value.oid)
        items = record.items if isinstance(record, ListRecord) else None
    if items is None or not all(isinstance(one, Constant) and isinstance(one.value, str) for one in items):
        return None
    return tuple(str(one.value) for one in items if isinstance(one, Constant))


def _merge(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    if session.autoflush:
        flush(flow, state, me, at)
    given = arguments.keywords.get("options")
    options = () if given is None else tuple(collected(flow, state, Arguments((given,)), at))
    for source, record in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        target = _merge_target(flow, state, me, source, record, options, at)
        merged = state.record(target.oid)
        assert isinstance(merged, InstanceRecord)
        state.put(target, _merged(merged, record))
        return target
    return UNKNOWN


def _merge_target(
    flow: Flow,
    state: State,
    session: Reference,
    source: Reference,
    record: InstanceRecord,
    options: tuple[LoaderOptions, ...],
    at: Span,
) -> Reference:
    """The session's own instance of that identity; one that it loads; or a new one."""
    from asyncsqla_lint.semantics.identity import identity_of, materialise, same_row
    from asyncsqla_lint.semantics.statements import Statement

    model, site = record.model, flow.site(at)
    key = identity_of(source, record)
    if key is None and record.lifecycle == TRANSIENT:
        new = InstanceRecord(model, session=session, lifecycle=PENDING, is_new=True, origin=site)
        return allocate(flow, state, new)
    if key is not None:
        alive = state.alive()
        for reference, one in held(state, session):
            if one.model is model and reference.oid in alive and same_row(reference, one, key):
                if one.expired is not None:  # its key is assigned, and so looked at: that loads it again
                    state.put(reference, reloaded(one))
                return reference
    touch(state, session)
    equalities = () if key is None else tuple((model.cls, name, value) for name, value in key)
    statement = Statement("select", site, (ClassValue(model.cls),), options, equalities, has_criteria=True)
    return materialise(flow, state, session, model, statement, many=False)


def _merged(target: InstanceRecord, source: InstanceRecord) -> InstanceRecord:
    """What the source has loaded is given to the target."""
    attributes = dict(target.attributes)
    is_transient = source.lifecycle == TRANSIENT
    for name in source.attributes if is_transient else source.model.attributes:
        found = source.state_of(name)
        if found is None or not found.bits & LOADED:
            continue
        if isinstance(source.model.attributes.get(name), Relationship):
            attributes[name] = AttributeState(found.bits | UNSURE)
        elif isinstance(source.model.attributes.get(name), Column):
            is_written = is_transient and name not in source.model.primary_key
            attributes[name] = AttributeState(found.bits, None, WRITTEN if is_written else None)
    is_modified = True if is_transient else target.is_modified or None
    return replace(target, attributes=attributes, is_modified=is_modified, is_written=True)


def _delete(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    touch(state, me)
    for reference, record in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        if record.lifecycle in (PERSISTENT, "mixed"):
            record = _cascaded(state, reference, record)
            state.put(reference, replace(record, lifecycle="deleted"))
    return NONE


def _cascaded(state: State, me: Reference, record: InstanceRecord) -> InstanceRecord:
    """`delete()` loads those whom its cascade reaches (`ASQ301/good_association_objects`)."""
    for name, relationship in record.model.relationships.items():
        found = record.state_of(name)
        named = any(word in (relationship.cascade or "") for word in ("delete", "all"))
        reaches = named and not relationship.passive_deletes
        if reaches and found is not None and found.bits & (UNLOADED | EXPIRED):
            load_attribute(state, me, record, name)
            now = state.record(me.oid)
            record = now if isinstance(now, InstanceRecord) else record
    return record


METHODS: dict[str, Performer] = {
    "add": _add,
    "add_all": _add_all,
    "flush": _flush,
    "commit": _commit,
    "rollback": _rollback,
    "expire": _expire,
    "expire_all": _expire_all,
    "expunge": _expunge,
    "expunge_all": _expunge_all,
    "refresh": _refresh,
    "merge": _merge,
    "delete": _delete,
}
