"""Instances of mapped classes: which of their attributes are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow import operators
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Iteration, Reference, Value, alternatives, join
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import (
    Attribute,
    Model,
    Relationship,
)
from asyncsqla_lint.semantics import generated, paths
from asyncsqla_lint.semantics.attribute_states import (
    DYNAMIC,
    EXPIRED,
    LINKED,
    LOADED,
    UNSURE,
    WRITTEN,
    WRONG,
    AttributeState,
    Cause,
    Key,
    surely_wrong,
)
from asyncsqla_lint.semantics.default_states import NOTHING, default_state
from asyncsqla_lint.semantics.loader_options import FILLING
from asyncsqla_lint.semantics.plans import Plan

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

TRANSIENT, PENDING, PERSISTENT, DETACHED = "transient", "pending", "persistent", "detached"
MARKED = "marked"  # to be deleted by the next flush; until then it is a row of the session like others
DELETED = "deleted"
GONE = "gone"  # …and that is committed
MOST_SUBCLASSES = 4  # that are asked besides the class which a query names
SOMEWHERE = -1  # of `absent`: not where any other is


class InstanceRecord(Record, frozen=True):
    """One instance (or, when `many`, any one of those that a query gave)."""

    model: Model
    plan: Plan | None = None  # None: made elsewhere, nothing is known of what it has loaded
    replayed: tuple[Plan, ...] = ()  # what a bare refresh loads (on each path), where that is not the plan
    session: Reference | None = None
    lifecycle: str = PERSISTENT
    attributes: dict[str, AttributeState] = {}
    extras: dict[str, Value] = {}  # attributes that are not mapped
    expired: Cause | None = None  # columns (and relationships) not in `attributes` are gone
    is_new: bool = False  # was constructed by the program, and nothing of it has been loaded since
    is_made: bool = False  # was constructed by the program: it is of that very class, under a key of its own
    is_modified: bool | None = False  # changes wait for a flush
    only_collections: bool = False  # …and none of them is a change of its own row
    is_directed: bool = False  # the program has said to whom it refers
    referring: frozenset[tuple[ClassInfo, str, str]] = frozenset()  # a new one's: with whom, how, as what
    is_written: bool | None = False  # changed since the savepoint (or transaction) began
    is_uncommitted: bool = False  # inserted in this transaction
    is_recent: bool = False  # inserted since the savepoint began
    left: Reference | None = None  # inserted in this transaction of that session, which has expunged it
    blank: frozenset[str] = frozenset()  # many-to-ones to nothing: nobody has given their key
    leads: dict[str, Key] = {}  # to whom many-to-ones lead, as the row has said
    many: bool = False
    is_whole: bool = False  # when `many`: every row of the class is one of them
    is_unfiltered: bool = False  # when `many`: every row that its query's `with_loader_criteria` leaves
    all_linked: str = ""  # when `many`: every row of the class that has the other side of that link is one
    singles: tuple[Reference, ...] = ()  # when `is_whole`: the rows that other records stand for
    may_be_held: bool = False  # the session may have had it before the query that gave it
    absent: int = 0  # on some path it has not been loaded, or nobody holds it: with all that have that number
    origin: Site | None = None
    key: Key | None = None  # what identified it: primary key or unique criteria
    detached_by: Cause | None = None
    parent: tuple[Reference, str] | None = None  # whose relationship led to it
    met: tuple[InstanceRecord, ...] = ()  # what it was on each of the paths that have met
    met_as: tuple[object, ...] = ()  # and what these were together

    # -- identity

    def class_info(self) -> ClassInfo | None:
        return self.model.cls

    def possible_subclasses(self) -> tuple[ClassInfo, ...]:
        if self.is_made or self.model.polymorphic_on is None:
            return ()
        return tuple(one.cls for one in self.model.subclasses)[:MOST_SUBCLASSES]

    def joined(self, other: Record) -> Record:
        if not isinstance(other, InstanceRecord):
            return FORGOTTEN
        if other.model is not self.model:  # tests have shown which subclass the row is one of
            shared = next(
                (one for one in self.model.lineage if other.model.cls.is_subclass_of(one.cls)), None
            )
            if shared is None:
                return FORGOTTEN
            return replace(self, model=shared).joined(replace(other, model=shared))
        attributes: dict[str, AttributeState] = {}
        if self.expired != other.expired or self.plan != other.plan or self.lifecycle != other.lifecycle:
            attributes = _joined_defaults(self, other).copy()
        for name in {**self.attributes, **other.attributes}:
            ours, theirs = self.state_of(name), other.state_of(name)
            if ours is not None and theirs is not None:
                attributes[name] = ours if ours is theirs else ours.joined(theirs)
            else:
                attributes.pop(name, None)
        extras = dict(self.extras)
        for name, value in other.extras.items():
            extras[name] = join(extras[name], value) if name in extras else value
        is_uncommitted, lifecycle = self.is_uncommitted, self.lifecycle
        is_modified = self.is_modified if self.is_modified == other.is_modified else None
        changed = [one.only_collections for one in (self, other) if one.is_modified is not False]
        if lifecycle != other.lifecycle:
            are_to_go = {lifecycle, other.lifecycle} == {MARKED, DELETED}
            if TRANSIENT in (lifecycle, other.lifecycle):  # no flush writes it there
                is_modified = other.is_modified if lifecycle == TRANSIENT else self.is_modified
            lifecycle, is_uncommitted = (
                DELETED if are_to_go else "mixed",
                self.goes_with_rollback and other.goes_with_rollback,
            )
        result = replace(
            self,
            attributes=attributes,
            extras=extras,
            expired=self.expired if self.expired == other.expired else None,
            session=self.session if self.session == other.session else self.session or other.session,
            lifecycle=lifecycle,
            is_uncommitted=is_uncommitted,
            is_modified=is_modified,
            only_collections=bool(changed) and all(changed),
            is_written=self.is_written if self.is_written == other.is_written else None,
            detached_by=self.detached_by or other.detached_by,
            many=self.many or other.many,
            absent=self.absent if self.absent == other.absent else SOMEWHERE,
            is_whole=self.is_whole and other.is_whole,
            is_unfiltered=self.is_unfiltered and other.is_unfiltered,
            singles=self.singles + tuple(one for one in other.singles if one not in self.singles),
            is_made=self.is_made and other.is_made,
            is_directed=self.is_directed or other.is_directed,
            referring=self.referring
            if self.referring == other.referring
            else self.referring | other.referring,
            replayed=self.replayed if self.replays == other.replays else _united(self.replays, other.replays),
            leads=self.leads
            if self.leads == other.leads
            else {name: key for name, key in self.leads.items() if other.leads.get(name) == key},
            met=(),
            met_as=(),
        )
        return paths.told_apart(result, paths.of_both(self, other))

    def on_one_path(self, which: int) -> Record:
        return self if self.session is None or self.absent == which else replace(self, absent=which)

    @property
    def has_row_as_it_was(self) -> bool:
        """Nothing that waits for a flush would UPDATE its own row."""
        return self.is_modified is False or self.only_collections

    @property
    def has_identity(self) -> bool:
        """It is, or was, a row."""
        return self.lifecycle not in (TRANSIENT, PENDING)

    @property
    def goes_with_rollback(self) -> bool:
        """A rollback makes it a mere object again."""
        return self.is_uncommitted or not self.has_identity

    # -- what is loaded

    @property
    def replays(self) -> tuple[Plan, ...]:
        """What a bare refresh loads; nothing: that is not known."""
        if self.replayed:
            return self.replayed
        if self.is_new:
            return (Plan(trail=(self.model.cls,)),)
        return () if self.plan is None else (self.plan,)

    @property
    def is_as_replayed(self) -> bool:
        """A refresh has replayed other options than those of its query: more of these would not help."""
        return bool(self.replayed) and self.plan is not None and self.plan.is_refresh

    def state_of(self, name: str) -> AttributeState | None:
        """None: not a mapped attribute with a state of its own."""
        found = self.attributes.get(name)
        if found is not None:
            return found
        attribute = self.model.attributes.get(name)
        if attribute is None:
            return None
        return _default(self, _defaults_of(self), name, attribute)

    def is_amiss(self) -> bool:
        return self.expired is not None or any(one.bits & EXPIRED for one in self.attributes.values())

    @property
    def is_expired(self) -> bool:
        """Would the session load it again before it gives it? Where anything has come since, it would not.

        What a `noload` holds has not come from anywhere.
        """
        return self.expired is not None and not any(
            one.bits == LOADED
            and one.cause is not WRITTEN
            and one.cause is not LINKED
            and one.plan is not NOTHING
            for one in self.attributes.values()
        )

    # -- reading

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        from asyncsqla_lint.semantics.reading import read

        return read(flow, state, me, self, name, at, "read")

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        if name in self.model.attributes or name in self.extras or self.model.cls.find(name) is not None:
            return True
        if name == "awaitable_attrs" and self.model.has_async_attrs:
            return True
        return None if self.model.is_open else False

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        from asyncsqla_lint.semantics.writing import write

        write(flow, state, me, self, name, value, at)

    def set_some_attribute(self, state: State, me: Reference) -> None:
        if self.has_identity:  # perhaps a column has got another value
            state.put(me, replace(self, is_modified=self.is_modified or None, only_collections=False))

    def delete_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> None:
        return None

    def formatted(
        self, flow: Flow, state: State, me: Reference, at: Span, specification: Value | None = None
    ) -> Value:
        result: Value | None = None
        if specification is not None:
            result = operators.run_method(flow, state, me, ("__format__",), Arguments((specification,)), at)
        if result is None:
            result = operators.run_method(flow, state, me, ("__str__",), Arguments(), at)
        return self.represented(flow, state, me, at) if result is None else result

    def represented(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        result = operators.run_method(flow, state, me, ("__repr__",), Arguments(), at)
        if result is None and self.model.is_dataclass:
            generated.represent(flow, state, me, self.model.fields("repr"), at)
        return UNKNOWN if result is None else result

    def compared(
        self, flow: Flow, state: State, me: Reference, operator: str, other: Value, at: Span
    ) -> Value | None:
        result = operators.operated(flow, state, me, operator, other, at)
        if result is None and operator in ("==", "!=") and self.model.is_dataclass:
            generated.compare(flow, state, self, me, other, at)
        return result

    def operated(
        self, flow: Flow, state: State, me: Reference, operator: str, other: Value, at: Span
    ) -> Value | None:
        return operators.operated(flow, state, me, operator, other, at)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        result = operators.run_method(flow, state, me, ("__iter__",), Arguments(), at)
        if result is None or result == me:
            return Iteration(element=UNKNOWN)
        return result.iterate(flow, state, at, False)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return UNKNOWN

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        result = operators.run_method(flow, state, me, ("__getitem__",), Arguments((key,)), at)
        return UNKNOWN if result is None else result

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        if operators.run_method(flow, state, me, ("__contains__",), Arguments((item,)), at) is None:
            operators.run_method(flow, state, me, ("__iter__",), Arguments(), at)
        return None

    def length(self, flow: Flow, state: State, me: Reference, at: Span) -> None:
        operators.run_method(flow, state, me, ("__len__",), Arguments(), at)

    def specialised(self, flow: Flow, state: State, me: Reference, cls: Value) -> None:
        """`isinstance(me, cls)` holds: the row is one of a subclass."""
        if isinstance(cls, ClassValue) and cls.info.is_subclass_of(self.model.cls):
            model = flow.index.model(cls.info)
            if model is not None and model is not self.model:
                state.put(me, replace(self, model=model))

    def forget(self, flow: Flow, state: State, me: Reference) -> None:
        state.put(me, forgotten(self))

    def unseen(self, state: State, me: Reference) -> None:
        state.put(me, replace(self, is_uncommitted=True))

    def exposed(self, flow: Flow, state: State, me: Reference) -> None:
        """`form.populate_obj(user)`: what a new object was not given yet, it may be given there."""
        if self.lifecycle == TRANSIENT:
            unset = [name for name in self.model.attributes if name not in self.attributes]
            unsure = {name: AttributeState(LOADED | UNSURE) for name in unset}
            state.put(me, replace(self, attributes={**unsure, **self.attributes}))

    def is_one_for_many(self) -> bool:
        return self.many

    def is_step(self) -> bool:
        if self.parent is None or self.plan is None or self.plan.is_open:
            return False
        step = self.model.relationships.get(self.parent[1])
        return step is not None and step.target is self.model

    def individual(self, flow: Flow, state: State, me: Reference) -> Value:
        if not self.many:
            return me
        # Where it depends on what the session holds, it depends on what is held of the others too.
        taken = {
            name: AttributeState(UNSURE)
            for name, one in self.model.relationships.items()
            if one.direction == "many-to-one"
            and name not in self.attributes
            and self.state_of(name) == AttributeState(UNSURE)
        }
        attributes = {**self.attributes, **taken}
        return allocate(flow, state, replace(self, many=False, singles=(), attributes=attributes))

    def set_apart(self) -> tuple[Value, ...]:
        return self.singles

    def absorb(self, flow: Flow, state: State, me: Reference, processed: tuple[Value, ...]) -> None:
        if not self.many:
            return  # it has been one of the elements itself
        records = [
            state.record(one.oid)
            for value in processed
            for one in alternatives(value)
            if isinstance(one, Reference)
        ]
        result: Record | None = None
        for record in records:
            result = record if result is None else result.joined(record)
        if isinstance(result, InstanceRecord):
            from asyncsqla_lint.semantics.meeting import came

            state.put(me, replace(result, many=self.many, singles=self.singles))
            came(state, me, self)

    def repeated(self, flow: Flow, state: State, me: Reference, since: int) -> None:
        if self.is_new or self.plan is None:
            state.put(me, replace(self, many=True))

    def peek(self, name: str) -> Value | None:
        found = self.attributes.get(name)
        return found.value if found is not None else self.extras.get(name)

    def poke(self, state: State, me: Reference, name: str, value: Value) -> None:
        found = self.attributes.get(name)
        if found is not None:
            state.put(me, self.with_attribute(name, replace(found, value=value)))

    def refers_to(self) -> tuple[Value, ...]:
        found = [one.value for one in self.attributes.values() if one.value is not None]
        found.extend(self.extras.values())
        found.extend(self.singles)  # whoever holds all rows holds these
        return tuple(found)

    @property
    def is_detached(self) -> bool:
        """No session holds it any more, on some path at least."""
        return self.lifecycle == DETACHED or (self.session is None and self.detached_by is not None)

    def raises_on_sql_only(self, relationship: Relationship) -> bool:
        found = self.attributes.get(relationship.name)
        plan = self.plan if found is None or found.plan is None else found.plan
        if found is None and self.expired is not None:
            plan = None  # what an option has put in its place is gone
        return relationship.lazy == "raise_on_sql" if plan is None else plan.raises_on_sql_only(relationship)

    def knows(self, relationship: Relationship) -> bool:
        """Are the columns there that say where a many-to-one leads? Without them no identity is looked up."""
        states = [self.state_of(name) for name in relationship.local_keys]
        return not any(one is not None and surely_wrong(one.bits) for one in states)

    def with_key(self, name: str) -> InstanceRecord:
        """A relationship or a column is assigned: what it decides is no longer blank."""
        keys = {
            one
            for one in (*self.blank, *self.leads)
            if one == name or name in self.model.relationships[one].local_keys
        }
        if not keys:
            return self
        leads = {one: key for one, key in self.leads.items() if one not in keys}
        return replace(self, blank=self.blank - keys, leads=leads)

    def with_attribute(self, name: str, attribute: AttributeState) -> InstanceRecord:
        return replace(self, attributes={**self.attributes, name: attribute})


# What is so of attributes of which nothing is said, by all that decides it (held: no id is used twice).
_defaults: dict[object, tuple[object, dict[str, AttributeState]]] = {}


def _defaults_of(record: InstanceRecord) -> dict[str, AttributeState]:
    """Instances that one query gave, or one commit expired, have them in common."""
    made_of = (record.model, record.plan, record.replayed, record.expired)
    key = (*map(id, made_of), record.has_identity, record.is_new, record.many)
    known = _defaults.get(key)
    if known is None:
        known = _defaults[key] = (made_of, {})
    return known[1]


def _default(
    record: InstanceRecord, known: dict[str, AttributeState], name: str, attribute: Attribute
) -> AttributeState:
    found = known.get(name)
    if found is None:
        found = known[name] = default_state(record, attribute)
    return found


# … and where two such paths have met: their instances have that in common, too.
_joined: dict[tuple[int, int], dict[str, AttributeState]] = {}


def _joined_defaults(one: InstanceRecord, other: InstanceRecord) -> dict[str, AttributeState]:
    ours, theirs = _defaults_of(one), _defaults_of(other)
    key = (id(ours), id(theirs))
    found = _joined.get(key)
    if found is None:
        found = _joined[key] = {}
        for name, attribute in one.model.attributes.items():
            mine, its = _default(one, ours, name, attribute), _default(other, theirs, name, attribute)
            found[name] = mine if mine is its else mine.joined(its)
    return found


def forget_defaults(flow: Flow) -> None:
    """A root has ended: the next one's queries are others."""
    _joined.clear()
    _defaults.clear()


def instances_of(flow: Flow) -> set[int]:
    """The objects that are instances of mapped classes."""
    found = flow.memory.get("instances")
    if not isinstance(found, set):
        found = flow.memory["instances"] = set[int]()
    return found


def _united(some: tuple[Plan, ...], others: tuple[Plan, ...]) -> tuple[Plan, ...]:
    if not some or not others:
        return (Plan(is_open=True),)  # of one of them nothing is known
    return (*some, *(one for one in others if one not in some))


def is_instance(flow: Flow, value: Reference) -> bool:
    return value.oid in instances_of(flow) or value.oid in instances_of(flow.world.flow)


def allocate(flow: Flow, state: State, record: InstanceRecord) -> Reference:
    reference = flow.allocate(state, record)
    instances_of(flow).add(reference.oid)
    return reference


def current(state: State, me: Reference, record: InstanceRecord) -> InstanceRecord:
    now = state.record(me.oid)
    return now if isinstance(now, InstanceRecord) else record


def forgotten(record: InstanceRecord) -> InstanceRecord:
    """Unseen code may have loaded whatever was missing."""
    attributes = {name: found.doubted() for name, found in record.attributes.items()}
    for name in record.model.attributes:
        if name not in attributes:
            found = record.state_of(name)
            if found is not None and found.bits & WRONG & ~DYNAMIC:
                attributes[name] = found.doubted()
    return replace(record, attributes=attributes, leads={})


def load_attribute(
    state: State, me: Reference, record: InstanceRecord, name: str, *, by_refresh: bool = False
) -> None:
    """The attribute is loaded now, whatever it was.

    `by_refresh`: what a join brings along there loads its own relationships one by one.
    """
    state.put(me, with_loaded(record, name, by_refresh=by_refresh))


def with_loaded(record: InstanceRecord, name: str, *, by_refresh: bool = False) -> InstanceRecord:
    if name not in record.model.attributes and not any(
        name in model.own_attributes for model in record.model.subclasses
    ):
        return record
    plan = record.plan if record.plan is not None else None
    if record.is_new and plan is None:
        plan = Plan(trail=(record.model.cls,))
    one = record.model.relationships.get(name)
    loaded = AttributeState(LOADED)
    strategy = None if one is None or plan is None else plan.strategy(one)
    if one is not None and plan is not None and strategy not in FILLING:  # (`noload` fills in nothing)
        loaded = AttributeState(LOADED, plan=plan.by_itself(one))
    elif by_refresh and strategy == "joinedload" and plan is not None and not plan.is_open:
        loaded = AttributeState(LOADED, plan=replace(plan, wildcards=(), is_refresh=True))
    return replace(record.with_attribute(name, loaded), plan=plan)
