"""Meetings: a statement runs, and its rows meet the instances that the session holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, Reference
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import Model, Relationship
from asyncsqla_lint.semantics import eager_use, paths, testing
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    LOADED,
    UNLOADED,
    UNSURE,
    WRONG,
    AttributeState,
    Key,
    in_doubt,
)
from asyncsqla_lint.semantics.doubt import SOME_ROW, perhaps, perhaps_filled, perhaps_requeried
from asyncsqla_lint.semantics.expiry import held
from asyncsqla_lint.semantics.holding import keeps_itself, may_be_kept
from asyncsqla_lint.semantics.identity import identity_of, is_primary, key_of, may_be, same_row
from asyncsqla_lint.semantics.instances import MARKED, PERSISTENT, InstanceRecord
from asyncsqla_lint.semantics.joins import leaves_out
from asyncsqla_lint.semantics.loader_options import EAGER
from asyncsqla_lint.semantics.planning import is_whole, planned
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.references import (
    are_apart,
    is_linked,
    leads_elsewhere,
    leads_to,
    may_be_referred_to,
)
from asyncsqla_lint.semantics.refreshing import reloaded
from asyncsqla_lint.semantics.refreshing_by_name import only_takes_what_is_held
from asyncsqla_lint.semantics.requerying import requeried, source_of
from asyncsqla_lint.semantics.statements import Statement, entity_class
from asyncsqla_lint.semantics.ways_back import come_round
from asyncsqla_lint.semantics.whole_lists import has_all, set_apart

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


MOST_STEPS = 3


class Met(NamedTuple):
    """Whom a query finds there: the one that it certainly gives, those that it may give, as they were."""

    certain: Reference | None
    was: InstanceRecord | None  # that one; else any of those that are all rows of the class
    perhaps: list[tuple[Reference, InstanceRecord]]
    key: Key | None
    row: Key | None  # the key, if it is the primary one: one row at most
    once: InstanceRecord | None = None  # those that are all rows of the class, on some path


def meet(
    flow: Flow,
    state: State,
    session: Reference | None,
    model: Model,
    statement: Statement,
    plan: Plan,
    *,
    many: bool,
    besides: Reference | None = None,
) -> Met:
    """What a query does to the instances already there."""
    key = (
        key_of(model, statement.equalities) if statement.has_criteria and statement.kind == "select" else None
    )
    row = key if key is not None and is_primary(model, key) else None
    plan = come_round(plan, model, is_there=True)
    everything = is_whole(statement)
    others = [
        (reference, record)
        for reference, record in state.records(InstanceRecord)
        if session is not None
        and record.session == session
        and reference != besides
        and record.lifecycle in (PERSISTENT, MARKED, "mixed")
        and may_be(record, model.cls)
    ]
    alive = state.alive() if others else set()
    if others:
        eager_use.shared(flow, statement)
    found: Reference | None = None
    was: InstanceRecord | None = None
    doubtful: list[tuple[Reference, InstanceRecord]] = []
    again: list[Reference] = []
    once: InstanceRecord | None = None
    for reference, record in others:
        if leaves_out(flow, state, record, statement):
            continue
        same = same_row(reference, record, key)
        if record.lifecycle == "mixed":  # on some path the session has let go of it
            met = requeried(record, plan, statement)
            state.put(reference, met if same is True and paths.of(record) else record.joined(met))
        elif same is True and (not many or row is not None):
            state.put(reference, _alone(state, reference, record, requeried(record, plan, statement), plan))
            if found is None and reference.oid in alive:
                found, was = reference, record
            elif found is None and record.key is not None and may_be_kept(state, reference, record):
                doubtful.append((reference, record))
        elif same is not False:
            if everything and (record.plan is not None or record.is_new):
                state.put(reference, requeried(record, plan, statement))
                again.append(reference)
            else:
                state.put(reference, perhaps_requeried(record, plan, statement, row))
            if was is None and reference.oid in alive and has_all(state, record, model, row):
                was = record
            if once is None and record.absent and has_all(state, replace(record, absent=0), model, row):
                once = record
            is_another = record.plan is not None and record.plan.is_elsewhere
            may_be_there = reference.oid in alive or keeps_itself(state, reference, record)
            # (the rows of a test are those that it makes)
            is_all = record.is_made and testing.in_test(flow.frame)
            if may_be_there and (not many or record.many or is_all) and not is_another:
                doubtful.append((reference, record))
    if any(record.is_whole and record.many for _, record in others):
        for reference in again:
            set_apart(state, reference)
    return Met(found, was, doubtful, key, row, once if was is None else None)


def _alone(
    state: State, me: Reference, record: InstanceRecord, met: InstanceRecord, plan: Plan
) -> InstanceRecord:
    """In a cycle, `lazy="immediate"` takes the parent that the session holds; it may hold none."""
    for name, one in record.model.relationships.items():
        known, target = record.state_of(name), one.target
        if target is None or known is None or known.bits != UNLOADED or not plan.takes_what_is_held(one):
            continue
        if not any(
            may_be(other, target.cls)
            for reference, other in state.records(InstanceRecord)
            if other.session == record.session and reference != me
        ):
            met = met.with_attribute(name, known)
    return met


def executed(flow: Flow, state: State, session: Reference, statement: Statement) -> None:
    """The statement has run: its rows have met the instances that the session holds, fetched or not."""
    for entity in statement.entities:
        cls = entity_class(entity)
        model = None if cls is None else flow.index.model(cls)
        if model is not None:
            executed_for(flow, state, session, model, statement)


def executed_for(flow: Flow, state: State, session: Reference, model: Model, statement: Statement) -> None:
    from asyncsqla_lint.semantics import unread

    plan = planned(flow, model, statement, ())
    # Rows to which something is joined are those to whom others lead: what these have loaded is there.
    unread.shown(flow, state, session, model, None if statement.joins else plan)
    met = meet(flow, state, session, model, statement, plan, many=True)
    if not any(record.lifecycle in (PERSISTENT, MARKED) for _, record in held(state, session)):
        return
    alone = met.row is not None
    there = state.copy() if met.once is not None else None
    _meet_below(flow, state, session, model, statement, plan, 0, was=met.was, alone=alone, key=met.row)
    if there is not None:  # where they were there, their rows made further SELECTs as they had come
        _meet_below(flow, there, session, model, statement, plan, 0, was=met.once, alone=alone, key=met.row)
        for reference, record in list(held(state, session)):
            other = there.record(reference.oid)
            if isinstance(other, InstanceRecord) and other != record and reference.oid in there.alive():
                state.put(reference, replace(_on_either(record, other), absent=record.absent))


def _on_either(record: InstanceRecord, other: InstanceRecord) -> InstanceRecord:
    """What is missing on one path alone is missing there for sure."""
    attributes = dict(record.attributes)
    for name in record.model.attributes:
        one, another = record.state_of(name), other.state_of(name)
        if one is not None and another is not None and one.bits != another.bits:
            attributes[name] = one.joined(another)
    return replace(record, attributes=attributes)


def brought(
    flow: Flow, state: State, me: Reference, before: InstanceRecord, names: tuple[str, ...], at: Span
) -> None:
    """An instance has been refreshed: what it loads besides brings back those that were expired.

    `names`: the relationships that were asked for; none: whatever its query would load.
    """
    record = state.record(me.oid)
    if not isinstance(record, InstanceRecord) or record.session is None:
        return
    only = names
    if before.is_new:  # a row made here leads to those whom the program has linked with it
        only = tuple(
            name
            for name, one in record.model.relationships.items()
            if (name in names or not names) and _leads_to_some(before, one)
        )
        if not only:
            return
    has_options = any(plan.with_options for plan in record.replays)
    if not any(
        other.expired is not None
        or any(found.bits & EXPIRED for found in other.attributes.values())
        or (other.is_new and has_options)
        for reference, other in held(state, record.session)
        if reference != me
    ):
        return
    statement = Statement("select", flow.site(at))
    for plan in record.replays:
        plan = replace(plan, wildcards=(), is_refresh=True)
        if names:
            plan = replace(plan, entries=tuple(one for one in plan.entries if one.path))
            for name in names:
                one = record.model.relationships.get(name)
                if one is None or only_takes_what_is_held(record, one):
                    continue
                if plan.strategy(one) not in EAGER:
                    plan = plan.by_itself(one)
        _meet_below(
            flow,
            state,
            record.session,
            record.model,
            statement,
            plan,
            0,
            only=only,
            alone=not record.many,
            shows=False,
            of=(me, replace(record, leads=before.leads)),
        )


def _meet_below(
    flow: Flow,
    state: State,
    session: Reference,
    model: Model,
    statement: Statement,
    plan: Plan,
    depth: int,
    down: Relationship | None = None,
    was: InstanceRecord | None = None,
    only: tuple[str, ...] = (),
    alone: bool = False,
    shows: bool = True,
    of: tuple[Reference, InstanceRecord] | None = None,
    key: Key | None = None,
) -> None:
    """What the query loads below its rows may be there already, and gets what was missing.

    `down` has led to them: who goes up again comes back to a row that the query has met. `was`: the rows as
    they were: what they had is not loaded at once, what is, is loaded as they came. `alone`: it is one row at
    most.
    `shows`: those whom nobody has read get records too. `of`: the row itself, or its `key`, if it is known.
    """
    from asyncsqla_lint.semantics import unread

    for one in model.relationships.values():
        target = one.target
        if target is None or plan.strategy(one) not in EAGER or (only and one.name not in only):
            continue
        goes_back = down is not None and one.direction == "many-to-one" and one.inverse is down
        if goes_back and (plan.loads_singly(one) or not plan.below(one).entries):
            continue  # (a single load takes the row above as it is)
        had = None if was is None or statement.populate_existing else was.state_of(one.name)
        if had is not None and had.bits == LOADED and plan.strategy(one) == "immediateload":
            continue
        came = plan if was is None or statement.populate_existing else source_of(was, plan, one)
        below = came.below(one)
        leads_to_one = alone and one.direction == "many-to-one"
        row = SOME_ROW if leads_to_one else None
        # What a SELECT for one instance meets gets no further SELECTs; what it makes does.
        is_single = plan.loads_singly(one)
        meeting = replace(below, joins_only=is_single)
        filled = unread.filled(target, meeting)
        if filled and shows:
            unread.shown(flow, state, session, target, meeting)
        again = set[tuple[Model, Plan]]()  # those who are loaded again load as they did
        for reference, record in list(held(state, session)):
            if record.lifecycle not in (PERSISTENT, MARKED) or not may_be(record, target.cls):
                continue
            if record.is_new and not may_be_referred_to(record, model, one):
                continue
            if of is not None and reference == of[0]:
                continue  # no row is its own child
            if key is not None and (
                leads_elsewhere(state, one, record, key) or _is_row(reference, record, model, key)
            ):
                continue
            is_it = None if of is None else leads_to(state, *of, one, reference, record)
            if is_it is False:
                continue
            if is_single and one.direction == "many-to-one":
                # Who is there is taken as it is; if expired, it is loaded again as it was.
                if record.is_expired:
                    back = reloaded(record)
                    state.put(reference, back if is_it else perhaps(record, back, row))
                    if reference.oid in state.alive() or may_be_kept(state, reference, record):
                        again.update((record.model, back) for back in record.replays)
            elif is_it:  # (it is the options of its own query that are replayed)
                state.put(reference, replace(requeried(record, meeting, statement), origin=record.origin))
            elif _lacks_expired(record) or _differs_by_columns(record, meeting):
                state.put(reference, perhaps_requeried(record, meeting, statement, row))
            elif filled:
                state.put(reference, perhaps_filled(record, filled, leads_to_one))
        for again_model, again_plan in again if depth < MOST_STEPS else ():
            refreshing = replace(again_plan, wildcards=(), is_refresh=True)
            _meet_below(
                flow, state, session, again_model, statement, refreshing, depth + 1, one, alone=leads_to_one
            )
        if depth < MOST_STEPS and (below.entries or below.met):
            _meet_below(
                flow,
                state,
                session,
                target,
                statement,
                below,
                depth + 1,
                one,
                alone=leads_to_one,
                shows=shows,
            )


def _is_row(reference: Reference, record: InstanceRecord, model: Model, key: Key) -> bool:
    return may_be(record, model.cls) and same_row(reference, record, key) is True


def _lacks_expired(record: InstanceRecord) -> bool:
    """On some path, or by name: whoever loads its row brings back what it lacks."""
    return record.expired is not None or any(one.bits & EXPIRED for one in record.attributes.values())


def _differs_by_columns(record: InstanceRecord, plan: Plan) -> bool:
    """Has the query of either said which columns to load?"""
    if record.is_new:
        return plan.has_column_options  # what nobody gave to the new row may be deferred
    return record.plan is not None and record.plan.has_column_options


def _leads_to_some(record: InstanceRecord, relationship: Relationship) -> bool:
    target = relationship.target
    if target is None or is_linked(record, target.root, relationship, at_its_end=False):
        return True
    given = (record.attributes.get(key) for key in relationship.local_keys)
    is_up = relationship.direction == "many-to-one"
    return is_up and any(one is not None and one.value != NONE for one in given)


def came(state: State, me: Reference, before: InstanceRecord) -> None:
    """What has just been loaded on `me` is there, too, where another record stands for the same row."""
    now = state.record(me.oid)
    if not isinstance(now, InstanceRecord) or now.session is None:
        return
    names = [
        name
        for name in now.model.attributes
        if (old := before.state_of(name)) is not None
        and old.bits & (WRONG | UNSURE)
        and (new := now.state_of(name)) is not None
        and not new.bits & (WRONG | UNSURE)
    ]
    key = identity_of(me, now)
    for reference, other in list(held(state, now.session)) if names else []:
        if reference == me or not (may_be(other, now.model.cls) or may_be(now, other.model.cls)):
            continue
        if other.many and not now.many:
            continue  # it was one of them at most: the others are still without it
        if before.is_new:
            continue
        if other.is_new and (now.parent is not None or reference.oid > me.oid):
            continue  # a row made here is none that an earlier query has given
        same = same_row(reference, other, key)
        if same is False or (same is None and now.key and other.key and not now.many):
            continue  # nobody asks twice for one row under two names
        if are_apart(state, key, other.key):
            continue
        attributes = dict(other.attributes)
        for name in names:
            known = other.state_of(name)
            if known is None or not known.bits & WRONG:
                continue
            if same:
                attributes[name] = AttributeState(LOADED, known.value)
            elif key is None or now.many or known.rows:
                attributes[name] = AttributeState(in_doubt(known.bits), known.value)
            else:  # it is there if the other is this very row, and in no other row
                attributes[name] = AttributeState(
                    in_doubt(known.bits), known.value, rows=(key,), otherwise=known.bits
                )
        state.put(reference, replace(other, attributes=attributes))
