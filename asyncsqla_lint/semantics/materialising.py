"""Materialising: the instances that a query gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.state import OUTSIDE, State
from asyncsqla_lint.flow.values import Member, Reference
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.semantics import eager_use, joins, paths
from asyncsqla_lint.semantics.attribute_states import UNLOADED, UNSURE, AttributeState
from asyncsqla_lint.semantics.doubt import bits_if, perhaps_one_of
from asyncsqla_lint.semantics.expiry import held
from asyncsqla_lint.semantics.expressions import AliasValue
from asyncsqla_lint.semantics.identity import key_of, may_be, same_row
from asyncsqla_lint.semantics.instances import InstanceRecord, allocate
from asyncsqla_lint.semantics.loader_options import Entry
from asyncsqla_lint.semantics.meeting import meet
from asyncsqla_lint.semantics.planning import is_whole, is_whole_but_for_filters, planned
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.references import link_of, may_be_referred_to
from asyncsqla_lint.semantics.refreshing import perhaps_reloaded, reloaded
from asyncsqla_lint.semantics.requerying import remade, requeried
from asyncsqla_lint.semantics.statements import Statement
from asyncsqla_lint.semantics.ways_back import come_round
from asyncsqla_lint.semantics.whole_lists import has_all, known_apart, set_apart

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


MOST_LISTS = 8


def materialise(
    flow: Flow,
    state: State,
    session: Reference | None,
    model: Model,
    statement: Statement,
    *,
    many: bool,
    subclasses: tuple[ClassInfo, ...] = (),
    besides: Reference | None = None,
    by_key: bool = False,
) -> Reference:
    """The instance (or the instances) that a query gives, and what the query does to those already there.

    `besides`: an instance that the query does not meet, for where it is there nobody asks.
    `by_key`: whoever is there is given as it is; only who is not is asked for.
    """
    from asyncsqla_lint.semantics.sessions import SessionRecord

    plan = planned(flow, model, statement, subclasses)
    met = meet(flow, state, session, model, statement, plan, many=many, besides=besides)
    before = None if met.certain is None else state.record(met.certain.oid)
    if met.certain is not None and not (isinstance(before, InstanceRecord) and before.absent):
        if met.row is not None:
            set_apart(state, met.certain)
        return met.certain
    others = dict(met.perhaps)
    for record in others.values():  # what they have loaded is of use to this one
        if record.origin is not None:
            eager_use.read_whole(flow, record.origin)
    whole = next((one for one, record in others.items() if has_all(state, record, model, met.row)), None)
    gives_all = many and is_whole(statement)
    if whole is not None and gives_all and others[whole].model is model:
        return whole
    doubtful = [record for reference, record in others.items() if reference != whole]
    if whole is not None:
        one = replace(others[whole], model=model)
        if not by_key:
            one = requeried(one, plan, statement)
        elif one.is_expired or paths.of(one):  # (on some path)
            one = reloaded(one)
        else:
            one = perhaps_reloaded(one)
        known = {
            name: replace(found, bits=bits_if(found, met.row), rows=(), otherwise=0) if found.rows else found
            for name, found in one.attributes.items()
        }
        fresh = replace(one, attributes=known, key=met.key, may_be_held=True)
    else:
        loaded = come_round(plan, model, is_there=False)
        fresh = InstanceRecord(
            model,
            plan=loaded,
            session=session,
            origin=statement.site,
            key=met.key,
            replayed=_replayed(model, statement, plan) or (() if loaded is plan else (plan,)),
            may_be_held=bool(doubtful),
        )
        if statement.populate_existing and plan.has_options:
            fresh = remade(fresh, plan)
    fresh = replace(
        fresh,
        many=many and met.row is None,
        is_whole=gives_all,
        is_unfiltered=many and statement.is_filtered and is_whole_but_for_filters(statement),
        all_linked=joins.all_linked(flow, statement) if many else "",
        singles=known_apart(state, session, model) if gives_all else (),
    )
    if not by_key:
        doubtful = [requeried(record, plan, statement) for record in doubtful]
    fresh = perhaps_one_of(fresh, doubtful)
    if not many:
        fresh = accompanied(state, fresh)
    fresh = _joined_to(state, _led_by(fresh, statement), statement)
    if met.certain is not None and isinstance(before, InstanceRecord):
        return or_else(state, met.certain, before, fresh)
    made = allocate(flow, state, fresh)
    if met.row is not None:
        flow.watched.add(OUTSIDE.oid)  # from here on, what unknown code is given: it may keep the row
    if not many:
        set_apart(state, made)
    owner = None if session is None else state.record(session.oid)
    if (fresh.is_whole or fresh.all_linked) and session is not None and isinstance(owner, SessionRecord):
        state.put(session, replace(owner, whole=(*owner.whole[-MOST_LISTS:], made)))
    return made


def or_else(state: State, me: Reference, record: InstanceRecord, fresh: InstanceRecord) -> Reference:
    """On some path the instance was not there: there it is as the query gives it."""
    joined = record.joined(fresh)
    assert isinstance(joined, InstanceRecord)
    state.put(me, replace(joined, absent=0))
    return me


def _replayed(model: Model, statement: Statement, plan: Plan) -> tuple[Plan, ...]:
    """A refresh selects the class itself: what was said of an alias does not concern it.

    Of a `load_only` stays what is said of all columns: they are deferred.
    """
    if any(isinstance(one, AliasValue) and one.cls is model.cls for one in statement.entities):
        narrows = any(not entry.path and entry.strategy == "load_only" for entry in plan.entries)
        return (Plan((Entry((), "load_only"),) if narrows else (), trail=(model.cls,)),)
    return ()


def accompanied(state: State, record: InstanceRecord, me: Reference | None = None) -> InstanceRecord:
    """Loaded in a tree, `lazy="immediate"` takes the parent that the session holds, and no other."""
    for name, one in record.model.relationships.items():
        if record.plan is None or one.target is None or not record.plan.takes_what_is_held(one):
            continue
        found = record.state_of(name)
        if record.session is None or found is None or found.bits != UNLOADED:
            continue
        for reference, other in held(state, record.session):
            is_led_to = not other.is_new or record.is_directed or may_be_referred_to(other, record.model, one)
            if reference != me and may_be(other, one.target.cls) and is_led_to:
                record = record.with_attribute(name, AttributeState(UNLOADED | UNSURE))
                break
    return record


def one_of_all(state: State, related: InstanceRecord) -> InstanceRecord | None:
    """Who is there already, where a list that is held has all rows of its class: it is one of these."""
    alive = state.alive()
    for reference, other in () if related.session is None else held(state, related.session):
        if reference.oid in alive and has_all(state, other, related.model):
            one = replace(other, model=related.model, many=related.many, is_whole=False, singles=(), key=None)
            apart = [state.record(each.oid) for each in other.singles]
            return perhaps_one_of(one, [each for each in apart if isinstance(each, InstanceRecord)])
    return None


def among_all(state: State, fresh: InstanceRecord) -> InstanceRecord:
    """What a relationship leads to: where a list has all rows of its class, it is one of these.

    Or all that have the other side of that very relationship, by which it has been joined.
    """
    owner = None if fresh.session is None else state.record(fresh.session.oid)
    lists, above = list(getattr(owner, "whole", ())), _led_from(state, fresh)
    if fresh.session is None:  # the session has let go of both
        lists += [
            reference
            for reference, one in state.records(InstanceRecord)
            if (one.is_whole or one.all_linked) and one.many and one.detached_by == fresh.detached_by
        ]
    for reference in (*lists, *above[: MOST_LISTS - len(lists)]):
        other = state.record(reference.oid)
        if (
            isinstance(other, InstanceRecord)
            and (
                other.is_whole
                or (other.is_unfiltered and other.origin == fresh.origin and reference in above)
                or (other.all_linked and other.all_linked == _led_along(state, fresh))
            )
            and other.session == fresh.session
            and fresh.model.cls.is_subclass_of(other.model.cls)
        ):
            fresh = perhaps_one_of(fresh, [other])
    return fresh


def _led_from(state: State, record: InstanceRecord) -> list[Reference]:
    """Those from whom relationships have led to it."""
    found: list[Reference] = []
    while record.parent is not None and len(found) < MOST_LISTS:
        found.append(record.parent[0])
        above = state.record(record.parent[0].oid)
        if not isinstance(above, InstanceRecord):
            break
        record = above
    return found


def _led_along(state: State, record: InstanceRecord) -> str:
    """The link by which a relationship has led to it."""
    if record.parent is None:
        return ""
    owner, name = record.parent
    above = state.record(owner.oid)
    one = above.model.relationships.get(name) if isinstance(above, InstanceRecord) else None
    return "" if one is None else link_of(one)


def _led_by(record: InstanceRecord, statement: Statement) -> InstanceRecord:
    """`where(Item.owner_id == user.id)`: somebody has that user, and the session may have it too."""
    for _, key, value in statement.equalities:
        if not isinstance(value, Member):  # of an object that is known, `may_be_known` asks itself
            continue
        for name, one in record.model.relationships.items():
            found = record.state_of(name)
            if one.local_keys == {key} and one.target is not None and one.target.primary_key == (value.name,):
                if found is not None and found.bits == UNLOADED:
                    record = record.with_attribute(name, AttributeState(UNLOADED | UNSURE))
    return record


def _joined_to(state: State, record: InstanceRecord, statement: Statement) -> InstanceRecord:
    """`join(Item.owner).where(User.email == email)`: they refer to the user whom that has found before."""
    others = tuple(one for one in statement.equalities if one[0] is not None and not may_be(record, one[0]))
    if not others or record.session is None:
        return record
    alive: set[int] | None = None
    for name, one in record.model.relationships.items():
        found = record.state_of(name)
        if one.direction != "many-to-one" or one.target is None or found is None or found.bits != UNLOADED:
            continue
        key = key_of(one.target, others)
        if key is None:
            continue
        alive = state.alive() if alive is None else alive
        for reference, other in held(state, record.session):
            is_there = reference.oid in alive and may_be(other, one.target.cls)
            if is_there and same_row(reference, other, key):
                record = record.with_attribute(name, AttributeState(UNLOADED | UNSURE))
                break
    return record
