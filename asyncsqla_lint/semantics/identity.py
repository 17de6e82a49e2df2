"""Identity: which instances of a session are, may be, or cannot be the same row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Constant, Member, Reference, Symbol, Value
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column, ColumnProperty, Model, QueryExpression, Relationship
from asyncsqla_lint.semantics.expiry import held
from asyncsqla_lint.semantics.expressions import AliasValue
from asyncsqla_lint.semantics.instances import (
    EXPIRED,
    LOADED,
    PERSISTENT,
    RAISES,
    TRANSIENT,
    UNLOADED,
    UNSURE,
    WRONG,
    AttributeState,
    InstanceRecord,
    Key,
    allocate,
)
from asyncsqla_lint.semantics.loader_options import EAGER, FILLING, Plan, named_in, plan_for
from asyncsqla_lint.semantics.refreshing import reloaded
from asyncsqla_lint.semantics.statements import Statement, entity_class

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

MOST_LISTS = 8
MOST_STEPS = 3
Equalities = tuple[tuple["ClassInfo | None", str, Value], ...]


def key_of(model: Model, equalities: Equalities) -> Key | None:
    """What a query's equalities say of the row: its primary key if they fix that, else all of them."""
    found = {
        name: value
        for cls, name, value in equalities
        if (cls is None or model.cls.is_subclass_of(cls) or cls.is_subclass_of(model.cls))
        and value is not UNKNOWN
        and not isinstance(value, Member)
    }
    if not found:
        return None
    if model.primary_key and all(name in found for name in model.primary_key):
        return tuple((name, found[name]) for name in model.primary_key)
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def identity_of(reference: Reference, record: InstanceRecord) -> Key | None:
    """The primary key of an instance, as far as it has one."""
    names = record.model.primary_key
    if not names:
        return None
    if record.key is not None and _is_primary(record.model, record.key):
        return record.key
    if record.lifecycle != TRANSIENT:
        known = {name: state.value for name, state in record.attributes.items()}
        return tuple((name, known.get(name) or Symbol(f"{reference.oid}.{name}")) for name in names)
    given = tuple(
        (name, state.value)
        for name in names
        if (state := record.attributes.get(name)) and state.value is not None
    )
    return given if len(given) == len(names) else None


def same_row(reference: Reference, record: InstanceRecord, key: Key | None) -> bool | None:
    """Is `record` the row that `key` identifies?"""
    if key is None or record.many:
        return None
    if all(value == Symbol(f"{reference.oid}.{name}") for name, value in key):
        return True
    if record.key == key:
        return True
    if record.key is None:
        known = {name: state.value for name, state in record.attributes.items() if state.value is not None}
        if all(name in known for name, _ in key):
            return _compare([(known[name], value) for name, value in key])
        if record.is_new and all(isinstance(value, Constant) for _, value in key):
            return False  # the key that the database gives is not one that the program writes down
        return None
    if {name for name, _ in record.key} == {name for name, _ in key}:
        theirs = dict(record.key)
        return _compare([(theirs[name], value) for name, value in key])
    return None


def _compare(pairs: list[tuple[Value | None, Value]]) -> bool | None:
    if all(a == b and isinstance(a, (Constant, Symbol)) for a, b in pairs):
        return True
    if any(isinstance(a, Constant) and isinstance(b, Constant) and a != b for a, b in pairs):
        return False
    return None


def materialise(
    flow: Flow,
    state: State,
    session: Reference | None,
    model: Model,
    statement: Statement,
    *,
    many: bool,
    subclasses: tuple[ClassInfo, ...] = (),
) -> Reference:
    """The instance (or the instances) that a query gives, and what the query does to those already there."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    plan = _plan(model, statement, subclasses)
    found, doubtful, key = meet(flow, state, session, model, statement, plan, many=many)
    if found is not None:
        return found
    fresh = InstanceRecord(
        model,
        plan=plan,
        session=session,
        many=many and not (key is not None and _is_primary(model, key)),
        origin=statement.site,
        key=key,
        replayed=_replayed(model, statement),
        may_be_held=bool(doubtful),
        is_whole=many and _is_whole(statement),
    )
    for record in doubtful:
        fresh = _perhaps_same(fresh, record)
    if not many:
        fresh = accompanied(state, fresh)
    made = allocate(flow, state, _led_by(fresh, statement))
    owner = None if session is None else state.record(session.oid)
    if fresh.is_whole and session is not None and isinstance(owner, SessionRecord):
        state.put(session, replace(owner, whole=(*owner.whole[-MOST_LISTS:], made)))
    return made


def _replayed(model: Model, statement: Statement) -> tuple[Plan, ...]:
    """A refresh selects the class itself: what was said of an alias does not concern it."""
    if any(isinstance(one, AliasValue) and one.cls is model.cls for one in statement.entities):
        return (Plan(trail=(model.cls,)),)
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
            if reference != me and _may_be(other, one.target.cls):
                record = record.with_attribute(name, AttributeState(UNLOADED | UNSURE))
                break
    return record


def _is_whole(statement: Statement) -> bool:
    """Does it give every row of its class?"""
    return statement.kind == "select" and not (
        statement.has_criteria
        or statement.narrowed
        or statement.from_statement
        or len(statement.entities) != 1
    )


def among_all(state: State, fresh: InstanceRecord) -> InstanceRecord:
    """What a relationship leads to: where a list has all rows of its class, it is one of these."""
    owner = None if fresh.session is None else state.record(fresh.session.oid)
    lists = list(getattr(owner, "whole", ()))
    above = fresh.parent
    while above is not None and len(lists) < MOST_LISTS:
        lists.append(above[0])
        record = state.record(above[0].oid)
        above = record.parent if isinstance(record, InstanceRecord) else None
    for reference in lists:
        other = state.record(reference.oid)
        if (
            isinstance(other, InstanceRecord)
            and other.is_whole
            and other.session == fresh.session
            and fresh.model.cls.is_subclass_of(other.model.cls)
        ):
            fresh = _perhaps_same(fresh, other)
    return fresh


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


def _plan(model: Model, statement: Statement, subclasses: tuple[ClassInfo, ...]) -> Plan:
    plan = plan_for(model.cls, statement.options, subclasses)
    classes = tuple(cls for entity in statement.entities if (cls := entity_class(entity)) is not None)
    if len(classes) > 1:
        plan = replace(plan, others=classes)
    if statement.perhaps:
        plan = replace(plan, perhaps=named_in(model.cls, statement.perhaps), chosen_in=statement.chosen_in)
    if statement.from_statement:
        plan = replace(plan, entries=tuple(one for one in plan.entries if one.strategy != "joinedload"))
    return plan


def _is_primary(model: Model, key: Key) -> bool:
    return bool(model.primary_key) and tuple(name for name, _ in key) == model.primary_key


def executed(flow: Flow, state: State, session: Reference, model: Model, statement: Statement) -> None:
    """The statement has run: its rows have met the instances that the session holds, fetched or not."""
    from asyncsqla_lint.semantics import unread

    plan = _plan(model, statement, ())
    unread.shown(flow, state, session, model, plan)
    meet(flow, state, session, model, statement, plan, many=True)
    if any(record.lifecycle == PERSISTENT for _, record in held(state, session)):
        _meet_below(flow, state, session, model, statement, plan, 0)


def _meet_below(
    flow: Flow,
    state: State,
    session: Reference,
    model: Model,
    statement: Statement,
    plan: Plan,
    depth: int,
) -> None:
    """What the query loads below its rows may be there already, and gets what was missing."""
    from asyncsqla_lint.semantics import unread

    for one in model.relationships.values():
        target = one.target
        if target is None or plan.strategy(one) not in EAGER:
            continue
        below = plan.below(one)
        filled = unread.filled(target, below)
        if filled:
            unread.shown(flow, state, session, target, below)
        for reference, record in list(held(state, session)):
            if record.lifecycle == PERSISTENT and _may_be(record, target.cls):
                if record.expired is not None or (record.plan is not None and record.plan.has_column_options):
                    state.put(reference, perhaps_requeried(record, below, statement))
                elif filled:
                    state.put(reference, _perhaps_filled(record, filled))
        if depth < MOST_STEPS and below.entries:
            _meet_below(flow, state, session, target, statement, below, depth + 1)


def _perhaps_filled(record: InstanceRecord, names: list[str]) -> InstanceRecord:
    for name in names:
        found = record.state_of(name)
        if found is not None and found.bits & WRONG and not found.bits & UNSURE:
            record = record.with_attribute(name, replace(found, bits=found.bits | UNSURE))
    return record


def meet(
    flow: Flow,
    state: State,
    session: Reference | None,
    model: Model,
    statement: Statement,
    plan: Plan,
    *,
    many: bool,
) -> tuple[Reference | None, list[InstanceRecord], Key | None]:
    """What a query does to the instances already there: the one that it
    certainly gives, those that it may give.
    """
    key = (
        key_of(model, statement.equalities) if statement.has_criteria and statement.kind == "select" else None
    )
    everything = _is_whole(statement)
    others = [
        (reference, record)
        for reference, record in state.records(InstanceRecord)
        if session is not None
        and record.session == session
        and record.lifecycle in (PERSISTENT, "mixed")
        and _may_be(record, model.cls)
    ]
    alive = state.alive() if others else set()
    if others:
        from asyncsqla_lint.semantics.eager_use import shared

        shared(flow, statement)
    found: Reference | None = None
    doubtful: list[InstanceRecord] = []
    for reference, record in others:
        same = same_row(reference, record, key)
        if record.lifecycle == "mixed":  # on some path the session has let go of it
            state.put(reference, record.joined(requeried(record, plan, statement)))
        elif same is True and (not many or _is_primary(model, key or ())):
            state.put(reference, requeried(record, plan, statement))
            found = found or (reference if reference.oid in alive or record.key is not None else None)
        elif same is not False:
            if everything and (record.plan is not None or record.is_new):
                state.put(reference, requeried(record, plan, statement))
            else:
                one_of_them = record.many and key is not None and _is_primary(model, key)
                state.put(reference, perhaps_requeried(record, plan, statement, one_of_them))
            is_another = record.plan is not None and record.plan.is_elsewhere
            if reference.oid in alive and (not many or record.many) and not is_another:
                doubtful.append(record)
    return found, doubtful, key


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
    for reference, other in list(held(state, now.session)) if names else []:
        if reference == me or not (_may_be(other, now.model.cls) or _may_be(now, other.model.cls)):
            continue
        if other.many and not now.many:
            continue  # it was one of them at most: the others are still without it
        if before.is_new or other.is_new:
            continue  # a row made here is none that a query has given
        same = same_row(reference, other, identity_of(me, now))
        if same is False or (same is None and now.key and other.key and not now.many):
            continue  # nobody asks twice for one row under two names
        attributes = dict(other.attributes)
        for name in names:
            known = other.state_of(name)
            if known is not None and known.bits & WRONG:
                attributes[name] = AttributeState(LOADED if same else known.bits | UNSURE, known.value)
        state.put(reference, replace(other, attributes=attributes))


def _may_be(record: InstanceRecord, cls: ClassInfo) -> bool:
    """Is the instance one of that class? What a query gave may be one of a subclass, what was made is not."""
    mine = record.model.cls
    return mine.is_subclass_of(cls) or (not record.is_new and cls.is_subclass_of(mine))


def _loaded_by(record: InstanceRecord, plan: Plan, name: str) -> bool:
    attribute = record.model.attributes.get(name)
    return isinstance(attribute, Relationship) and plan.strategy(attribute) in FILLING


def requeried(record: InstanceRecord, plan: Plan, statement: Statement) -> InstanceRecord:
    """A query has met this very instance: what was missing and it loads is there now."""
    if statement.populate_existing or record.expired is not None:
        anew = _loaded_anew(record, plan, statement)
        return _with_keys(anew) if record.expired is not None else anew
    attributes = dict(record.attributes)
    for name, attribute in record.model.attributes.items():
        state = record.state_of(name)
        if state is None or not state.bits & (UNLOADED | EXPIRED | RAISES | UNSURE):
            continue
        if isinstance(attribute, Relationship):
            if plan.is_open or (plan.is_perhaps_loaded(name) and not plan.is_loaded_anyway(name)):
                attributes[name] = replace(state, bits=state.bits | UNSURE)
            elif _loaded_by(record, plan, name):
                attributes[name] = AttributeState(LOADED, plan=plan)
            elif plan.takes_what_is_held(attribute):
                attributes[name] = replace(state, bits=state.bits | UNSURE)
            elif not state.bits & LOADED and (bits := _own_strategy(attribute, plan)):
                attributes[name] = AttributeState(bits, plan=plan)
        elif (
            isinstance(attribute, (Column, ColumnProperty, QueryExpression))
            and plan.loads_column(record.model, attribute) is not False
        ):
            attributes[name] = AttributeState(LOADED)
    return replace(record, attributes=attributes)


def _with_keys(record: InstanceRecord) -> InstanceRecord:
    """`lazy="immediate"` asks for a foreign key that is still expired: everything comes with it."""
    asks = record.plan is not None and any(
        one.direction == "many-to-one"
        and (record.plan.strategy(one) == "immediateload" or record.plan.takes_what_is_held(one))
        and not record.knows(one)
        for one in record.model.relationships.values()
    )
    if not asks:
        return record
    doubtful = {
        name: replace(found, bits=found.bits | UNSURE)
        for name in record.model.attributes
        if (found := record.state_of(name)) is not None and found.bits & WRONG
    }
    return replace(record, attributes={**record.attributes, **doubtful})


def _loaded_anew(record: InstanceRecord, plan: Plan, statement: Statement) -> InstanceRecord:
    """`populate_existing`, or the instance was expired: what the query does not load is not there."""
    # The options that a refresh replays are those of the load that made the instance, unless others come.
    replayed = (plan,) if statement.populate_existing and plan.has_options else record.replays
    attributes: dict[str, AttributeState] = {}
    for name, state in record.attributes.items():
        attribute = record.model.attributes.get(name)
        if not statement.populate_existing:
            if not state.bits & EXPIRED:
                attributes[name] = state
        elif isinstance(attribute, Relationship) and not attribute.uselist and _own_strategy(attribute, plan):
            attributes[name] = (
                state  # such an option prepares the next load, and leaves a scalar's value alone
            )
    if statement.populate_existing and record.expired is None:
        for name, column in record.model.columns.items():  # nor does one that defers a column
            known = record.state_of(name)
            if known is not None and not column.deferred and plan.loads_column(record.model, column) is False:
                attributes[name] = known
    return replace(
        record,
        plan=plan,
        origin=statement.site if statement.populate_existing else record.origin,
        replayed=replayed,
        attributes=attributes,
        expired=None,
        is_new=False,
        is_modified=False,
    )


def _own_strategy(relationship: Relationship, plan: Plan) -> int:
    """What an option makes of an unloaded relationship of this instance, where its class says otherwise."""
    strategy, raises = plan.strategy(relationship), relationship.lazy in ("raise", "raise_on_sql")
    if strategy == "raiseload" and not raises:
        return RAISES
    return UNLOADED if strategy == "lazyload" and raises else 0


def perhaps_requeried(
    record: InstanceRecord, plan: Plan, statement: Statement, one_of_them: bool = False
) -> InstanceRecord:
    """A query may have met this instance: where that makes a difference, it is in doubt.

    `one_of_them`: the record stands for many, and the query met one of these at most.
    """
    met = requeried(record, plan, statement)
    attributes = dict(record.attributes)
    for name in record.model.attributes:
        before, after = record.state_of(name), met.state_of(name)
        if before is None or after is None or before.bits == after.bits:
            continue
        if one_of_them and not before.bits & (LOADED | UNSURE):
            continue  # the others are still without it
        both = before.joined(after)
        attributes[name] = replace(both, bits=both.bits | UNSURE) if both.bits & (LOADED | UNSURE) else both
    return replace(record, attributes=attributes)


def _perhaps_same(fresh: InstanceRecord, other: InstanceRecord) -> InstanceRecord:
    """The new instance may be one that is already there, with more loaded than the query says."""
    if other.expired is not None:
        other = reloaded(other)
    attributes = dict(fresh.attributes)
    for name in fresh.model.attributes:
        state, theirs = fresh.state_of(name), other.state_of(name)
        if (
            state is not None
            and theirs is not None
            and state.bits & (UNLOADED | RAISES)
            and theirs.bits & (LOADED | UNSURE)
        ):
            attributes[name] = replace(state, bits=state.bits | UNSURE)
    return replace(fresh, attributes=attributes)
