"""The unit of work: the methods of a session that begin, write and end, and what they do to its instances."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Reference, Value, alternatives
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import executing, failures, ledger, loops, paths
from asyncsqla_lint.semantics.attribute_states import EXPIRED, SAVEPOINT, UNLOADED, Cause
from asyncsqla_lint.semantics.expiry import (
    deleted,
    detach_all,
    detached,
    doubted,
    expire_all,
    expired,
    expired_by_name,
    held,
    instances_in,
    rolled_back,
    rolled_back_to_savepoint,
    since,
)
from asyncsqla_lint.semantics.flushing import flush, touch
from asyncsqla_lint.semantics.identity import identity_of
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
    load_attribute,
)
from asyncsqla_lint.semantics.materialising import accompanied
from asyncsqla_lint.semantics.meeting import brought, came
from asyncsqla_lint.semantics.merging import merge
from asyncsqla_lint.semantics.references import noted, rewritten
from asyncsqla_lint.semantics.refreshing import attribute_names, given_up, refreshed
from asyncsqla_lint.semantics.refreshing_by_name import refreshed_by_name
from asyncsqla_lint.semantics.whole_lists import set_apart

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.semantics.sessions import SessionRecord


# --- flush ---------------------------------------------------------------------------------------


# --- commit, rollback, begin ---------------------------------------------------------------------


def commit(flow: Flow, state: State, session: Reference, at: Span, *, ends_block: bool = False) -> None:
    from asyncsqla_lint.semantics.sessions import SessionRecord

    flush(flow, state, session, at, is_explicit=True, ends_block=ends_block)
    record = state.record(session.oid)
    if not isinstance(record, SessionRecord):
        return
    for reference, one in list(held(state, session)):
        known = noted(state, one)
        if known.lifecycle == DELETED:  # a later rollback does not bring it back
            if record.expire_on_commit is True:
                known = detached(deleted(known), Cause("commit", flow.site(at), assumption=record.assumption))
            elif record.expire_on_commit is False:  # it stays with the session, which has no such row
                known = replace(deleted(known), lifecycle=GONE)
            else:
                known = replace(known, session=None)
        if known is not one:
            state.put(reference, known)
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
    for reference, one in list(state.records(InstanceRecord)):
        if one.left == session:
            state.put(reference, replace(one, is_uncommitted=False, left=None))
        elif one.session == session and (one.is_uncommitted or one.is_written is not False):
            kept = partial(replace, is_uncommitted=False, is_recent=False, is_written=False)
            state.put(reference, paths.on_each(one, kept))


def ended(state: State, session: Reference) -> None:
    from asyncsqla_lint.semantics.sessions import SessionRecord

    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord):
        state.put(session, replace(owner, in_transaction=False))


def begin(flow: Flow, state: State, session: Reference, is_nested: bool, at: Span) -> None:
    from asyncsqla_lint.semantics import transactions
    from asyncsqla_lint.semantics.sessions import SessionRecord

    owner = state.record(session.oid)
    if isinstance(owner, SessionRecord):
        transactions.begins(flow, state, session, owner, is_nested, at)
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
        if record.is_written is not False or record.is_recent:
            state.put(reference, paths.on_each(record, since))


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
            failure = failures.over(record.failure) if how == "rollback" else record.failure
            state.put(session, replace(record, in_nested=max(record.in_nested - 1, 0), failure=failure))
    if block and not is_nested and isinstance(record, SessionRecord) and not flow.muted:
        ledger.book(flow).guarded.add(record.site)  # its end gives the connection back
    if how == "commit":
        if is_nested:
            flush(flow, state, session, at, releases=True)
        else:
            commit(flow, state, session, at, ends_block=block)
    elif is_nested:
        cause = Cause(SAVEPOINT, flow.site(at))
        # (what may fail anywhere in a block leaves it silently; a `raise` that stands there does not)
        rolled_back_to_savepoint(flow, state, session, cause, is_asked_for=not block or not flow.muted)
    else:
        rolled_back(flow, state, session, Cause("rollback", flow.site(at)))


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
        # Whoever adds what he was given may have been given a new one.
        # After a rollback of the first try it is one or the other (`ASQ302/good_retried`).
        is_given = record.plan is None and record.origin is None and record.lifecycle in (PERSISTENT, "mixed")
        is_there = record.lifecycle not in (DETACHED, TRANSIENT)
        if record.session is not None and is_there and not (is_given and record.session == session):
            continue
        lifecycle = PERSISTENT if record.has_identity else PENDING
        is_uncommitted = record.is_uncommitted or is_given
        added = partial(
            replace, session=session, lifecycle=lifecycle, is_uncommitted=is_uncommitted, detached_by=None
        )
        state.put(reference, paths.on_each(record, added))
        if is_given:
            _given_alike(state, session, record)
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


def _given_alike(state: State, session: Reference, added: InstanceRecord) -> None:
    """The others of a list that was given may be new as well (`ASQ302/good_one_after_another`)."""
    for reference, record in list(held(state, session)):
        if record.many and record.plan is None and record.origin is None and record.model is added.model:
            state.put(reference, replace(record, session=None, lifecycle=TRANSIENT))


def _flush(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    # What was executed is written already (`ASQ207/good_rolled_back`).
    waits = any(write.how not in executing.METHODS for write in ledger.ledger(state, me).writes)
    flush(flow, state, me, at, is_explicit=waits)
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
    for reference, found in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        record = found if found.is_directed else noted(state, found)
        if names == ():
            state.put(reference, expired(record, cause))
        elif names is None:
            state.put(reference, doubted(record))
        else:
            state.put(reference, paths.on_each(record, partial(_without, names=names, cause=cause)))
        set_apart(state, reference)
    return NONE


def _without(record: InstanceRecord, names: tuple[str, ...], cause: Cause) -> InstanceRecord:
    attributes = {name: expired_by_name(record, name, cause) for name in names}
    return replace(record, attributes={**record.attributes, **attributes})


def _expire_all(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    expire_all(flow, state, me, Cause("expire_all", flow.site(at)))
    return NONE


def _expunge(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    from asyncsqla_lint.semantics.unread import revealed

    for reference, record in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        revealed(flow, state, reference, record)  # what it leads to stays with the session
        now = state.record(reference.oid)
        assert isinstance(now, InstanceRecord)
        state.put(reference, detached(now, Cause("expunge", flow.site(at))))
        key = None if now.many or now.absent else identity_of(reference, now)
        if key is not None and now.lifecycle == PERSISTENT:
            let_go = (*session.let_go, (now.model.cls, key))
            session = replace(session, let_go=let_go)
            state.put(me, session)
    return NONE


def _expunge_all(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    detach_all(flow, state, me, Cause("expunge_all", flow.site(at)))
    return NONE


def _refresh(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    names = attribute_names(state, arguments.get(1, "attribute_names"))
    for reference, changed in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        if names is not None:
            state.put(reference, given_up(changed, names))
    if session.autoflush:
        flush(flow, state, me, at)
    touch(state, me)
    loops.asked(flow, state, "refresh", arguments.positional[:1], at)
    for reference, _ in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        record = state.record(reference.oid)
        assert isinstance(record, InstanceRecord)
        before = noted(state, record)
        record = record if record.is_directed else before
        if names is None:
            state.put(
                reference, forgotten(replace(record, expired=None)) if record.expired else forgotten(record)
            )
        elif names:
            refreshed_by_name(state, reference, record, names)
        else:
            state.put(reference, accompanied(state, refreshed(record), reference))
        came(state, reference, before)
        if names is not None:
            brought(flow, state, reference, before, names, at)
        set_apart(state, reference)
    if names is None:  # whatever they were, they may have led to the others
        for reference, record in list(held(state, me)):
            state.put(reference, forgotten(record))
    return NONE


def _delete(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    touch(state, me)
    rewritten(state, None)
    for reference, record in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        if record.lifecycle == DETACHED:  # it is the session's again
            record = replace(record, session=me, lifecycle=PERSISTENT, detached_by=None, left=None)
        if record.lifecycle in (PERSISTENT, "mixed"):
            record = _cascaded(state, reference, record)
            state.put(reference, _marked(record))
    return NONE


def _cascaded(state: State, me: Reference, record: InstanceRecord) -> InstanceRecord:
    """`delete()` loads those whom its cascade reaches (`ASQ301/good_association_objects`)."""
    for name, relationship in record.model.relationships.items():
        found = record.state_of(name)
        reaches = relationship.cascades_deletes and not relationship.passive_deletes
        if reaches and found is not None and found.bits & (UNLOADED | EXPIRED):
            load_attribute(state, me, record, name)
            now = state.record(me.oid)
            record = now if isinstance(now, InstanceRecord) else record
        elif relationship.cascades_deletes and found is not None and found.value is not None:
            for reference, other in _led_to(state, found.value):  # whom the program has met already
                if other.lifecycle == PERSISTENT:
                    state.put(reference, _marked(other))
    return record


def _marked(record: InstanceRecord) -> InstanceRecord:
    is_written = True if record.is_written is False else None  # (what was changed before is expired)
    return replace(record, lifecycle=MARKED, is_written=is_written)


def _led_to(state: State, value: Value) -> list[tuple[Reference, InstanceRecord]]:
    """The instances that a relationship's value is, or holds."""
    held = [state.record(one.oid) for one in alternatives(value) if isinstance(one, Reference)]
    among = [each for one in held if isinstance(one, ListRecord) for each in one.refers_to()]
    return [found for one in (value, *among) for found in instances_in(state, one)]


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
    "merge": merge,
    "delete": _delete,
}
