"""`refresh(obj, ["team", "stamp"])`: each relationship that is named makes an immediate load."""

from __future__ import annotations

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    RAISES,
    UNLOADED,
    UNSURE,
    AttributeState,
)
from asyncsqla_lint.semantics.expiry import held
from asyncsqla_lint.semantics.identity import may_be
from asyncsqla_lint.semantics.instances import InstanceRecord, load_attribute
from asyncsqla_lint.semantics.many_to_one import leads_nowhere
from asyncsqla_lint.semantics.references import may_be_referred_to
from asyncsqla_lint.semantics.refreshing import keys_of, reloaded


def refreshed_by_name(state: State, me: Reference, record: InstanceRecord, names: tuple[str, ...]) -> None:
    asked = {key for name in names for key in _keys_asked_for(record, name)}
    states = {key: found for key in asked if (found := record.state_of(key)) is not None}
    if record.expired is not None and any(found.bits == EXPIRED for found in states.values()):
        record = reloaded(record)  # with one expired column comes whatever has expired
    state.put(me, record)
    not_there = [key for key, found in states.items() if found.bits == UNLOADED]
    for name in (*names, *keys_of(record, names), *sorted(not_there)):
        now = state.record(me.oid)
        assert isinstance(now, InstanceRecord)
        one = now.model.relationships.get(name)
        if one is not None and only_takes_what_is_held(now, one):
            state.put(me, now.with_attribute(name, _taken(state, me, now, one)))
        else:
            load_attribute(state, me, now, name, by_refresh=True)


def only_takes_what_is_held(record: InstanceRecord, relationship: Relationship) -> bool:
    """`refresh(node, ["parent"])`: in a circle an immediate load emits no SQL for a many-to-one.

    A collection comes all the same, and so does what an option of its query names
    (`ASQ301/bad_refreshed_in_a_tree`).
    """
    if relationship.direction != "many-to-one" or relationship.lazy in (None, "noload"):
        return False
    if relationship.name in record.blank or leads_nowhere(record, relationship):
        return False
    plans = record.replays
    return len(plans) == 1 and plans[0].comes_round_by_name(record.model, relationship)


def _taken(state: State, me: Reference, record: InstanceRecord, relationship: Relationship) -> AttributeState:
    plan = record.replays[0]
    raises = plan.strategy(relationship) == "raiseload" or relationship.lazy in ("raise", "raise_on_sql")
    bits = RAISES if raises and plan.strategy(relationship) != "lazyload" else UNLOADED
    target = relationship.target
    is_there = target is not None and any(
        may_be(other, target.cls)
        and (not other.is_new or record.is_directed or may_be_referred_to(other, record.model, relationship))
        for reference, other in (held(state, record.session) if record.session is not None else ())
        if reference != me
    )
    return AttributeState(bits | UNSURE if is_there else bits, plan=plan)


def _keys_asked_for(record: InstanceRecord, name: str) -> frozenset[str]:
    """A many-to-one that no join loads asks for its key first."""
    one = record.model.relationships.get(name)
    if one is None or one.direction != "many-to-one" or record.plan is None:
        return frozenset()
    is_joined = record.plan.strategy(one) in ("joinedload", "contains_eager", "noload")
    return frozenset() if is_joined else one.local_keys
