"""A many-to-one whose target the session holds already does no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, Reference, Symbol, Value, alternatives
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Model, Relationship
from asyncsqla_lint.semantics import eager_use, paths
from asyncsqla_lint.semantics.assumptions import may_be_one
from asyncsqla_lint.semantics.attribute_states import EXPIRED, LOADED, WRONG, Key, surely_wrong
from asyncsqla_lint.semantics.identity import identity_of, may_be, same_row
from asyncsqla_lint.semantics.instances import PERSISTENT, SOMEWHERE, InstanceRecord
from asyncsqla_lint.semantics.loader_options import EAGER
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.references import are_apart, is_linked

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

MOST_STEPS = 8


def known_target(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, relationship: Relationship
) -> Value | None:
    """A many-to-one whose target the session certainly holds does no I/O (`m2o_in_identity_map_ok`)."""
    inverse = relationship.inverse
    if relationship.direction != "many-to-one" or relationship.target is None or record.session is None:
        return None
    alive = state.alive()
    if inverse is not None and record.parent is not None and record.parent[1] == inverse.name:
        parent = state.record(record.parent[0].oid)
        if (
            record.parent[0].oid in alive
            and isinstance(parent, InstanceRecord)
            and parent.model.cls.is_subclass_of(relationship.target.cls)
            and not parent.is_expired
            and parent.session == record.session
            and not _is_let_go(parent)
        ):
            return record.parent[0]
    key = record.leads.get(relationship.name)
    for oid in sorted(alive):
        other = state.record(oid)
        if not isinstance(other, InstanceRecord) or other.session != record.session or oid == me.oid:
            continue
        if not other.model.cls.is_subclass_of(relationship.target.cls) or other.is_expired:
            continue
        if _is_let_go(other):
            continue
        if (
            key is not None
            and other.lifecycle == PERSISTENT
            and not other.absent
            and not _may_be_expired(other)
        ):
            if same_row(Reference(oid), other, key):
                return Reference(oid)
        if inverse is not None:
            held = other.attributes.get(inverse.name)
            if held is not None and held.value is not None and _holds(state, held.value, me):
                return Reference(oid)
    return None


def _holds(state: State, collection: Value, me: Reference) -> bool:
    members = [
        member
        for one in alternatives(collection)
        if isinstance(one, Reference)
        for member in ((one,) if one == me else state.record(one.oid).refers_to())
    ]
    return any(me in alternatives(member) for member in members)


def leads_nowhere(record: InstanceRecord, relationship: Relationship) -> bool:
    """Reading a many-to-one whose foreign key is None does no I/O (`m2o_null_fk_no_io`)."""
    if any(_is_none(record, name) for name in relationship.local_keys):
        return True
    if not record.is_new or record.expired is not None or record.parent is not None:
        return False
    for name in relationship.local_keys:
        column = record.model.columns[name]
        held = record.attributes.get(name)
        by_itself = column.primary_key or column.default is not None or column.is_set_by_server_on_insert
        if held is None and column.is_complete and not by_itself:
            return relationship.name not in record.attributes
    return False


def _is_none(record: InstanceRecord, column: str) -> bool:
    """`car.lot_id = None`, here or before: nothing refers to a row until the column is loaded again."""
    held = record.state_of(column)
    return held is not None and held.value == NONE and held.bits == LOADED


def may_be_known(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    relationship: Relationship,
    *,
    on_one_path: bool = False,
) -> bool | None:
    """Another object of the target's class is held: the reference may lead to that very one.

    `on_one_path`: it is asked of a path on which others may not have come. None: there is a path on which
    nobody is held to whom it could lead.
    """
    if relationship.direction != "many-to-one" or relationship.target is None or record.session is None:
        return False
    down = relationship.inverse
    key = _key_of_target(state, record, relationship)
    if _has_let_go(state.record(record.session.oid), relationship.target, key):
        return False
    if _follows_another(flow, state, record, relationship):
        return True
    siblings = _siblings_of(relationship)
    away: set[int] = set()  # on which paths those are not there to whom it could lead
    for oid in sorted(state.alive()):
        other = state.record(oid)
        if (
            not isinstance(other, InstanceRecord)
            or other.session is None
            or not may_be_one(flow, state, other.session, record.session)
            or other.lifecycle not in (PERSISTENT, "mixed")
            or _may_be_expired(other)
            or (on_one_path and other.absent)
        ):
            continue
        is_below = _is_below(state, other, me, down) or _is_above(state, record, Reference(oid), relationship)
        if (
            not is_below
            and not _is_new_to(other, record, relationship)
            and not _is_of_sibling(state, me, record, siblings, Reference(oid), other)
            and same_row(Reference(oid), other, key) is not False
            and not are_apart(state, key, other.key)
            and (oid != me.oid or record.many)
            and may_be(other, relationship.target.cls)
            and (other.many or not record.many or record.key is not None)
        ) or leads_to_class(
            other,
            relationship.target.cls,
            down if is_below or oid == me.oid else None,
            siblings if oid == me.oid or _is_its_list(record, other) else (),
        ):
            away.add(_away(state, me, record, other, oid))
            if other.origin is not None and oid != me.oid:
                eager_use.read_whole(flow, other.origin)  # what it has loaded may be what is read next
    return True if 0 in away or len(away) > 1 else None if away else False


def _follows_another(flow: Flow, state: State, record: InstanceRecord, relationship: Relationship) -> bool:
    """`Line(account_id=first.account_id)`: it leads where another row leads, which may have loaded whom."""
    from asyncsqla_lint.semantics.eager_use import seen

    assert record.session is not None
    for key in relationship.local_keys:
        held = record.attributes.get(key)
        if held is None or not isinstance(held.value, Symbol) or not held.value.is_of_row:
            continue
        number, _, column = held.value.name.partition(".")
        other = state.record(int(number))
        if not isinstance(other, InstanceRecord) or other.session is None:
            continue
        for one in other.model.relationships.values():
            found = other.state_of(one.name) if column in one.local_keys else None
            if (
                found is not None
                and one.target is relationship.target
                and not surely_wrong(found.bits)
                and may_be_one(flow, state, other.session, record.session)
                and int(number) in state.alive()
            ):
                seen(flow, state, other, one.name)
                return True
    return False


def _is_its_list(record: InstanceRecord, other: InstanceRecord) -> bool:
    """Has the query that gave the row given these with it?"""
    return other.many and other.origin is not None and other.origin == record.origin and not other.parent


def _siblings_of(relationship: Relationship) -> tuple[Relationship, ...]:
    """The other references of the same row to the same class: there are two because they lead to two rows."""
    return tuple(
        one
        for one in relationship.model.relationships.values()
        if one is not relationship
        and one.direction == "many-to-one"
        and one.target is relationship.target
        and one.local_keys.isdisjoint(relationship.local_keys)
    )


def _is_of_sibling(
    state: State,
    me: Reference,
    record: InstanceRecord,
    siblings: tuple[Relationship, ...],
    other: Reference,
    held: InstanceRecord,
) -> bool:
    """Is it the debt's debtor, where the lender is asked for? What has led there says so, or the key."""
    given = dict(record.key or ())
    for one in siblings:
        if held.parent is not None and held.parent[0] == me and held.parent[1] == one.name:
            return True
        if one.local_keys and one.local_keys <= given.keys() and one.target is not None:
            leads = tuple(zip(one.target.primary_key, (given[name] for name in one.local_keys), strict=False))
            if len(leads) == 1 and same_row(other, held, leads) is True:
                return True
    return False


def _has_let_go(session: Record, target: Model, key: Key | None) -> bool:
    """It has expunged that very row, and nothing has been loaded since: nobody else stands for it."""
    gone: tuple[tuple[ClassInfo, Key], ...] = getattr(session, "let_go", ())
    return any(one == key and cls.is_subclass_of(target.cls) for cls, one in gone)


def _away(state: State, me: Reference, record: InstanceRecord, other: InstanceRecord, oid: int) -> int:
    """On which path the session does not have it; 0: on none. Who was asked for by a key of `me` is there."""
    mine = Symbol.of_row(me.oid, "").name
    if any(isinstance(value, Symbol) and value.name.startswith(mine) for _, value in other.key or ()):
        return 0
    if other.lifecycle == "mixed":
        return -oid if _is_let_go(other) else 0
    if other.absent and other.session == record.session and _is_of_one_of_several(state, other):
        return 0
    return other.absent if other.absent != SOMEWHERE else -oid


def _is_of_one_of_several(state: State, other: InstanceRecord) -> bool:
    """`self.session`, which may be one or another: where it was this one, it was for each of the queries."""
    if other.origin is None:
        return False
    records = (state.record(oid) for oid in state.alive())
    return any(
        isinstance(one, InstanceRecord)
        and one.origin == other.origin
        and one.model is other.model
        and one.session not in (None, other.session)
        for one in records
    )


def _is_let_go(record: InstanceRecord) -> bool:
    """On one of the paths that have met its session does not hold it."""
    return record.lifecycle == "mixed" and any(one.session is None for one in paths.of(record))


def _key_of_target(state: State, record: InstanceRecord, relationship: Relationship) -> Key | None:
    """Where its row has led before an expiry, it leads.

    Who has led down to the record is whom it leads up to: still so when the session has let go of that.
    """
    if relationship.name in record.leads:
        return record.leads[relationship.name]
    parent = None if record.parent is None else state.record(record.parent[0].oid)
    if record.parent is None or not isinstance(parent, InstanceRecord) or parent.many:
        return None
    if relationship.inverse is None or record.parent[1] != relationship.inverse.name:
        return None
    return identity_of(record.parent[0], parent)


def _is_new_to(other: InstanceRecord, record: InstanceRecord, relationship: Relationship) -> bool:
    """A row made here, with the key that the database gave it: no row that was there before refers to it.

    Unless the program has linked it in that very way.
    """
    is_left_alone = record.key is not None and not record.many and not record.is_directed
    if not other.is_made or record.is_made:
        return False
    if not is_left_alone and is_linked(other, record.model.root, relationship, at_its_end=True):
        return False
    keys = [other.attributes.get(name) for name in other.model.primary_key]
    return all(one is None or one.value is None for one in keys)


def _may_be_expired(record: InstanceRecord) -> bool:
    """An expired object answers for nobody; on some path it may be."""
    keys = [record.state_of(name) for name in record.model.primary_key]
    return record.is_expired or any(one is not None and one.bits & EXPIRED for one in keys)


def _is_below(state: State, record: InstanceRecord, me: Reference, down: Relationship | None) -> bool:
    """In a tree: one of `me`'s own children, or theirs. Who goes up meets none of them."""
    return down is not None and _came_from(state, record, me, down)


def _is_above(state: State, record: InstanceRecord, other: Reference, up: Relationship) -> bool:
    """In a tree: one of `other`'s parents, or theirs. Who goes on up does not meet it again."""
    if up.inverse is None or up.inverse.uselist is not True or up.target is not record.model:
        return False
    return _came_from(state, record, other, up)


def _came_from(state: State, record: InstanceRecord, first: Reference, step: Relationship) -> bool:
    """Have steps along that relationship alone led from `first` to the record?"""
    for _ in range(MOST_STEPS):
        if record.parent is None or record.parent[1] != step.name:
            return False
        if step.target is None or not record.model.cls.is_subclass_of(step.target.cls):
            return False
        if record.parent[0] == first:
            return True
        before = state.record(record.parent[0].oid)
        if not isinstance(before, InstanceRecord):
            return False
        record = before
    return False


def leads_to_class(
    record: InstanceRecord,
    target: ClassInfo,
    down: Relationship | None = None,
    siblings: tuple[Relationship, ...] = (),
) -> bool:
    """Does the instance hold, through what its query loaded, objects of that class that nobody has read?

    `down` leads to its children, of whom none is above it; `siblings` to others than who is asked for.
    """
    for name, relationship in record.model.relationships.items():
        found = record.state_of(name)
        if found is None or found.bits & WRONG or found.value is not None or name in record.blank:
            continue
        plan = record.plan if found.plan is None else found.plan
        if not found.bits & LOADED and (plan is None or plan.is_open):
            continue
        if plan is not None and plan.strategy(relationship) == "noload":
            continue
        if (
            plan is not None
            and relationship.target is not None
            and plan_leads_to(
                plan.below(relationship),
                relationship.target,
                target,
                0,
                relationship if relationship is down else None,
                counts=relationship not in siblings,
            )
        ):
            return True
    return False


def plan_leads_to(
    plan: Plan, model: Model, target: ClassInfo, depth: int, down: Relationship | None, *, counts: bool = True
) -> bool:
    if down is None and counts and (model.cls.is_subclass_of(target) or target.is_subclass_of(model.cls)):
        return True
    return depth < 4 and any(
        one.target is not None
        and plan.strategy(one) in EAGER
        and plan_leads_to(plan.below(one), one.target, target, depth + 1, down if one is down else None)
        for one in model.relationships.values()
    )
