"""Lists of all rows of a class: whoever asks for some gets some of these, or one that is known by itself."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.semantics.attribute_states import Key
from asyncsqla_lint.semantics.expiry import held
from asyncsqla_lint.semantics.identity import identity_of, same_row
from asyncsqla_lint.semantics.instances import PENDING, PERSISTENT, InstanceRecord

MOST_SINGLES = 4  # rows of a list that a loop over it comes to one by one


def has_all(state: State, record: InstanceRecord, model: Model, key: Key | None = None) -> bool:
    """All rows of the class are there already, as these: whoever asks for some gets some of these.

    `key`: the row that is asked for; one that was made here has another key.
    """
    is_all = record.is_whole and record.many and not record.absent
    return (
        is_all
        and model.cls.is_subclass_of(record.model.cls)
        and not any(_is_let_go(state, one, record) for one in record.singles)
        and not any(
            one.is_new
            and one.session == record.session
            and one.lifecycle != PENDING
            and reference not in record.singles
            and one.model.cls.is_subclass_of(model.cls)
            and same_row(reference, one, key) is not False
            for reference, one in state.records(InstanceRecord)
        )
    )


def _is_let_go(state: State, single: Reference, record: InstanceRecord) -> bool:
    """Has the session expunged it? Then the next query makes another of its row."""
    one = state.record(single.oid)
    return isinstance(one, InstanceRecord) and (one.session != record.session or one.lifecycle == "mixed")


def set_apart(state: State, me: Reference) -> None:
    """One of those that are all rows of the class is known by itself: they stand for the others."""
    now = state.record(me.oid)
    if not isinstance(now, InstanceRecord) or now.session is None or now.many or now.is_new:
        return
    key = identity_of(me, now)
    for reference, other in list(held(state, now.session)):
        is_all = other.is_whole and other.many and not other.absent
        if not is_all or not now.model.cls.is_subclass_of(other.model.cls):
            continue
        settled = {
            name: found.settled() if found.rows == (key,) else found
            for name, found in other.attributes.items()
        }
        singles = other.singles
        if me not in singles and len(singles) < MOST_SINGLES:
            singles = (*singles, me)
        state.put(reference, replace(other, attributes=settled, singles=singles))


def known_apart(state: State, session: Reference | None, model: Model) -> tuple[Reference, ...]:
    """The rows of a class that are held, and known by themselves: whoever gets all rows gets these."""
    alive = state.alive()
    found = [
        (reference, record)
        for reference, record in state.records(InstanceRecord)
        if record.session == session
        and record.lifecycle == PERSISTENT
        and not record.many
        and not record.absent
        and reference.oid in alive
        and record.model.cls.is_subclass_of(model.cls)
    ]
    # Rather those that the program has asked for or made than those to whom they lead.
    found.sort(key=lambda one: one[1].parent is None)
    return tuple(reference for reference, _ in found[-MOST_SINGLES:])
