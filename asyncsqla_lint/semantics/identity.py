"""Identity: which instances of a session are, may be, or cannot be the same row."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Constant, Member, Reference, Symbol, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column, ColumnProperty, Model, QueryExpression, Relationship
from asyncsqla_lint.semantics import eager_use
from asyncsqla_lint.semantics.expiry import held
from asyncsqla_lint.semantics.expressions import AliasValue
from asyncsqla_lint.semantics.instances import (
    EXPIRED,
    LOADED,
    PERSISTENT,
    RAISES,
    SURE,
    TRANSIENT,
    UNLOADED,
    UNSURE,
    WRONG,
    AttributeState,
    InstanceRecord,
    Key,
    allocate,
    in_doubt,
    surely_wrong,
)
from asyncsqla_lint.semantics.loader_options import EAGER, FILLING, Plan, named_in, plan_for
from asyncsqla_lint.semantics.refreshing import reloaded
from asyncsqla_lint.semantics.statements import Statement, entity_class

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

SOME_ROW: Key = ()  # one, and nobody knows which
MOST_LISTS = 8
MOST_STEPS = 3
Equalities = tuple[tuple["ClassInfo | None", str, Value], ...]


class Met(NamedTuple):
    """Whom a query finds there: the one that it certainly gives, those that it may give, as they were."""

    certain: Reference | None
    was: InstanceRecord | None
    perhaps: list[tuple[Reference, InstanceRecord]]
    key: Key | None
    row: Key | None  # the key, if it is the primary one: one row at most


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
        own = [known.get(name, Symbol(f"{reference.oid}.{name}")) for name, _ in key]
        if record.is_new and all(
            isinstance(value, Constant) and mine == Symbol(f"{reference.oid}.{name}")
            for mine, (name, value) in zip(own, key, strict=True)
        ):
            return False  # the key that the database gives is not one that the program writes down
        if all(name in known for name, _ in key):
            return _compare([(known[name], value) for name, value in key])
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
    besides: Reference | None = None,
    by_key: bool = False,
) -> Reference:
    """The instance (or the instances) that a query gives, and what the query does to those already there.

    `besides`: an instance that the query does not meet, for where it is there nobody asks.
    `by_key`: whoever is there is given as it is; only who is not is asked for.
    """
    from asyncsqla_lint.semantics.sessions import SessionRecord

    plan = _plan(model, statement, subclasses)
    met = meet(flow, state, session, model, statement, plan, many=many, besides=besides)
    before = None if met.certain is None else state.record(met.certain.oid)
    if met.certain is not None and not (isinstance(before, InstanceRecord) and before.absent):
        return met.certain
    others = dict(met.perhaps)
    for record in others.values():  # what they have loaded is of use to this one
        if record.origin is not None:
            eager_use.read_whole(flow, record.origin)
    whole = _whole_among(state, others, model)
    is_whole = many and _is_whole(statement)
    if whole is not None and is_whole and others[whole].model is model:
        return whole
    doubtful = [record for reference, record in others.items() if reference != whole]
    if whole is not None:
        one = replace(others[whole], model=model)
        if not by_key:
            one = requeried(one, plan, statement)
        elif one.expired is not None:
            one = reloaded(one)
        known = {
            name: replace(found, bits=_bits_if(found, met.row), rows=(), otherwise=0) if found.rows else found
            for name, found in one.attributes.items()
        }
        fresh = replace(one, attributes=known, key=met.key, may_be_held=True)
    else:
        fresh = InstanceRecord(
            model,
            plan=plan,
            session=session,
            origin=statement.site,
            key=met.key,
            replayed=_replayed(model, statement),
            may_be_held=bool(doubtful),
        )
    fresh = replace(fresh, many=many and met.row is None, is_whole=is_whole)
    if not by_key:
        doubtful = [requeried(record, plan, statement) for record in doubtful]
    fresh = _perhaps_one_of(fresh, doubtful)
    if not many:
        fresh = accompanied(state, fresh)
    fresh = _led_by(fresh, statement)
    if met.certain is not None and isinstance(before, InstanceRecord):
        return or_else(state, met.certain, before, fresh)
    made = allocate(flow, state, fresh)
    owner = None if session is None else state.record(session.oid)
    if fresh.is_whole and session is not None and isinstance(owner, SessionRecord):
        state.put(session, replace(owner, whole=(*owner.whole[-MOST_LISTS:], made)))
    return made


def _whole_among(state: State, others: dict[Reference, InstanceRecord], model: Model) -> Reference | None:
    """All rows of the class are there already: whoever asks for some gets some of these."""
    for reference, record in others.items():
        if (
            record.is_whole
            and record.many
            and not record.absent
            and model.cls.is_subclass_of(record.model.cls)
        ):
            is_complete = not any(
                one.is_new and one.session == record.session and one.model.cls.is_subclass_of(model.cls)
                for _, one in state.records(InstanceRecord)
            )
            return reference if is_complete else None
    return None


def or_else(state: State, me: Reference, record: InstanceRecord, fresh: InstanceRecord) -> Reference:
    """On some path the instance was not there: there it is as the query gives it."""
    joined = record.joined(fresh)
    assert isinstance(joined, InstanceRecord)
    state.put(me, replace(joined, absent=0))
    return me


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
            fresh = _perhaps_one_of(fresh, [other])
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
    met = meet(flow, state, session, model, statement, plan, many=True)
    if any(record.lifecycle == PERSISTENT for _, record in held(state, session)):
        _meet_below(flow, state, session, model, statement, plan, 0, was=met.was, alone=met.row is not None)


def brought(flow: Flow, state: State, me: Reference, names: tuple[str, ...], at: Span) -> None:
    """An instance has been refreshed: what it loads besides brings back those that were expired.

    `names`: the relationships that were asked for; none: whatever its query would load.
    """
    record = state.record(me.oid)
    if not isinstance(record, InstanceRecord) or record.session is None:
        return
    if not any(
        other.expired is not None or any(found.bits & EXPIRED for found in other.attributes.values())
        for reference, other in held(state, record.session)
        if reference != me
    ):
        return
    statement = Statement("select", flow.site(at))
    for plan in record.replays:
        plan = replace(plan, wildcards=())
        if names:
            plan = replace(plan, entries=tuple(one for one in plan.entries if one.path))
            for name in names:
                one = record.model.relationships.get(name)
                if one is not None and plan.strategy(one) not in EAGER:
                    plan = plan.by_itself(one)
        _meet_below(flow, state, record.session, record.model, statement, plan, 0, only=names, shows=False)


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
) -> None:
    """What the query loads below its rows may be there already, and gets what was missing.

    `down` has led to them: who goes up again comes back to a row that the query has met. `was`: the one row,
    as it was: what it had is not loaded at once. `alone`: it is one row at most.
    `shows`: those whom nobody has read get records too.
    """
    from asyncsqla_lint.semantics import unread

    for one in model.relationships.values():
        target = one.target
        if target is None or plan.strategy(one) not in EAGER or (only and one.name not in only):
            continue
        if down is not None and one.direction == "many-to-one" and one.inverse is down:
            continue
        had = None if was is None or statement.populate_existing else was.state_of(one.name)
        if had is not None and had.bits == LOADED and plan.strategy(one) == "immediateload":
            continue
        below = plan.below(one)
        leads_to_one = alone and one.direction == "many-to-one"
        row = SOME_ROW if leads_to_one else None
        filled = unread.filled(target, below)
        if filled and shows:
            unread.shown(flow, state, session, target, below)
        for reference, record in list(held(state, session)):
            if record.lifecycle != PERSISTENT or not _may_be(record, target.cls):
                continue
            if record.is_new and not _may_be_referred_to(record):
                continue
            if plan.strategy(one) == "immediateload" and one.direction == "many-to-one":
                # Who is there is taken as it is; if expired, it is loaded again as it was.
                if record.expired is not None:
                    state.put(reference, perhaps(record, reloaded(record), row))
            elif record.expired is not None or (record.plan is not None and record.plan.has_column_options):
                state.put(reference, perhaps_requeried(record, below, statement, row))
            elif filled:
                state.put(reference, _perhaps_filled(record, filled, leads_to_one))
        if depth < MOST_STEPS and below.entries:
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


def _perhaps_filled(record: InstanceRecord, names: list[str], leads_to_one: bool) -> InstanceRecord:
    for name in names:
        found = record.state_of(name)
        if found is None or not surely_wrong(found.bits):
            continue
        if leads_to_one and record.many:  # the others are still without it
            found = replace(found, rows=(*found.rows, SOME_ROW), otherwise=found.otherwise or found.bits)
            record = record.with_attribute(name, found)
        else:
            record = record.with_attribute(name, found.doubted())
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
    besides: Reference | None = None,
) -> Met:
    """What a query does to the instances already there."""
    key = (
        key_of(model, statement.equalities) if statement.has_criteria and statement.kind == "select" else None
    )
    row = key if key is not None and _is_primary(model, key) else None
    everything = _is_whole(statement)
    others = [
        (reference, record)
        for reference, record in state.records(InstanceRecord)
        if session is not None
        and record.session == session
        and reference != besides
        and record.lifecycle in (PERSISTENT, "mixed")
        and _may_be(record, model.cls)
    ]
    alive = state.alive() if others else set()
    if others:
        eager_use.shared(flow, statement)
    found: Reference | None = None
    was: InstanceRecord | None = None
    doubtful: list[tuple[Reference, InstanceRecord]] = []
    for reference, record in others:
        same = same_row(reference, record, key)
        if record.lifecycle == "mixed":  # on some path the session has let go of it
            state.put(reference, record.joined(requeried(record, plan, statement)))
        elif same is True and (not many or row is not None):
            state.put(reference, requeried(record, plan, statement))
            if found is None and (reference.oid in alive or record.key is not None):
                found, was = reference, record
        elif same is not False:
            if everything and (record.plan is not None or record.is_new):
                state.put(reference, requeried(record, plan, statement))
            else:
                state.put(reference, perhaps_requeried(record, plan, statement, row))
            is_another = record.plan is not None and record.plan.is_elsewhere
            if reference.oid in alive and (not many or record.many) and not is_another:
                doubtful.append((reference, record))
    return Met(found, was, doubtful, key, row)


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
                attributes[name] = AttributeState(LOADED if same else in_doubt(known.bits), known.value)
        state.put(reference, replace(other, attributes=attributes))


def one_of_all(state: State, me: Reference) -> None:
    """What one row has lost, or has again, one has of those that are all rows of the class."""
    now = state.record(me.oid)
    if not isinstance(now, InstanceRecord) or now.session is None or now.many or now.is_new:
        return
    key = identity_of(me, now)
    if key is None:
        return
    for reference, other in list(held(state, now.session)):
        is_all = other.is_whole and other.many and not other.absent
        if not is_all or not now.model.cls.is_subclass_of(other.model.cls):
            continue
        attributes = dict(other.attributes)
        for name in other.model.attributes:
            mine, theirs = now.state_of(name), other.state_of(name)
            if mine is None or theirs is None:
                continue
            wrong = surely_wrong(mine.bits)
            if theirs.rows == (key,) and not wrong:
                attributes[name] = theirs.settled()
            elif wrong & ~surely_wrong(theirs.bits):
                attributes[name] = replace(theirs.joined(mine), rows=(key,), otherwise=theirs.bits)
        state.put(reference, replace(other, attributes=attributes))


def _may_be_referred_to(record: InstanceRecord) -> bool:
    """A row made here: does any other refer to it, or it to any?"""
    keys = (one for one in record.model.columns.values() if one.foreign_keys and not one.primary_key)
    return record.is_referred or any(
        (given := record.attributes.get(one.name)) is not None and given.value != NONE for one in keys
    )


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
                attributes[name] = state.doubted()
            elif _loaded_by(record, plan, name):
                attributes[name] = AttributeState(LOADED, plan=_source(record, plan, attribute))
            elif plan.takes_what_is_held(attribute):
                attributes[name] = state.doubted()
            elif not state.bits & LOADED and (bits := _own_strategy(attribute, plan)):
                attributes[name] = AttributeState(bits, plan=plan)
        elif (
            isinstance(attribute, (Column, ColumnProperty, QueryExpression))
            and plan.loads_column(record.model, attribute) is not False
        ):
            attributes[name] = AttributeState(LOADED)
    return replace(record, attributes=attributes)


def _source(record: InstanceRecord, plan: Plan, relationship: Relationship) -> Plan:
    """Whose options are for what the relationship leads to.

    An instance that is there emits a SELECT of its own with the options that it came with.
    """
    if plan.strategy(relationship) == "immediateload" and len(record.replays) == 1:
        return record.replays[0].by_itself(relationship)
    return plan


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
        name: found.doubted()
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
    if strategy == "raiseload" and (not raises or not plan.raises_on_sql_only(relationship)):
        return RAISES
    return UNLOADED if strategy == "lazyload" and raises else 0


def perhaps_requeried(
    record: InstanceRecord, plan: Plan, statement: Statement, key: Key | None = None
) -> InstanceRecord:
    """A query may have met this instance: where that makes a difference, it is in doubt.

    `key`: the primary key of the one row that the query asked for. If the record stands for many, that is
    one of these at most; else it is the row, or still what it was.
    """
    return perhaps(record, requeried(record, plan, statement), key)


def perhaps(record: InstanceRecord, met: InstanceRecord, key: Key | None = None) -> InstanceRecord:
    """The instance as it is, or as it would be: where that makes a difference, it is in doubt."""
    attributes = dict(record.attributes)
    for name in record.model.attributes:
        before, after = record.state_of(name), met.state_of(name)
        if before is None or after is None or before.bits == after.bits:
            continue
        wrong = surely_wrong(before.bits)
        if key is None or not record.many:
            both = before.joined(after)
            both = both.doubted() if both.bits & (LOADED | UNSURE) else both
        elif before.rows == (key,) and not surely_wrong(before.otherwise | after.bits):
            attributes[name] = before.settled()  # that row alone was without it, and has it again
            continue
        elif not before.bits & (LOADED | UNSURE):
            both = before  # the others are still without it
        else:
            both = before.joined(after).doubted()
            both = replace(both, bits=both.bits | wrong << SURE)
        if key is not None and (record.many or key != SOME_ROW):
            rows = before.rows if key in before.rows else (*before.rows, key)
            both = replace(both, rows=rows, otherwise=before.otherwise if before.rows else before.bits)
        attributes[name] = both
    return replace(record, attributes=attributes)


def _perhaps_one_of(fresh: InstanceRecord, others: list[InstanceRecord]) -> InstanceRecord:
    """The new instance may be one that is already there, with more loaded than the query says."""
    others = [reloaded(one) if one.expired is not None else one for one in others]
    attributes = dict(fresh.attributes)
    for name in fresh.model.attributes:
        found = fresh.state_of(name)
        if found is None or not found.bits & (UNLOADED | RAISES):
            continue
        given = [
            (one, bits)
            for one in others
            if (theirs := one.state_of(name)) is not None
            and (bits := _bits_if(theirs, fresh.key)) & (LOADED | UNSURE)
        ]
        if given:
            bits = in_doubt(found.bits)
            if _are_out_together(given):
                bits |= surely_wrong(found.bits) << SURE
            attributes[name] = replace(found, bits=bits)
    return replace(fresh, attributes=attributes)


def _bits_if(state: AttributeState, key: Key | None) -> int:
    """What it is if the instance is the row that `key` identifies."""
    if not state.rows or key is None:
        return state.bits
    named = {name for name, _ in key}
    compared = {
        _compare([(value, dict(row)[name]) for name, value in key])
        if named == {name for name, _ in row}
        else None
        for row in state.rows
    }
    if True in compared or SOME_ROW in state.rows:
        return in_doubt(state.bits | LOADED)
    return state.otherwise if compared == {False} else state.bits


def _are_out_together(given: list[tuple[InstanceRecord, int]]) -> bool:
    """Is there a path on which none of them is there, or has what is missing?"""
    first, bits = given[0]
    if len(given) == 1:
        return bool(first.absent or surely_wrong(bits))
    return first.absent > 0 and all(one.absent == first.absent for one, _ in given)
