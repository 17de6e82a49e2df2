"""Instances of mapped classes: which attributes are there, and what reading the others would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.classes import member_value
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.objects import CoroutineRecord, ListRecord
from asyncsqla_lint.flow.state import FORGOTTEN, Record, State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    ClassValue,
    Constant,
    FunctionValue,
    Iteration,
    Method,
    Reference,
    Symbol,
    Value,
    alternatives,
    join,
    union,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import (
    AssociationProxy,
    Column,
    ColumnProperty,
    Composite,
    Hybrid,
    MappedAttribute,
    Model,
    QueryExpression,
    Relationship,
    Synonym,
    UnknownAttribute,
)
from asyncsqla_lint.semantics import ledger
from asyncsqla_lint.semantics.events import AttributeLoad, AttributeWritten
from asyncsqla_lint.semantics.expressions import AttributeValue, Criterion
from asyncsqla_lint.semantics.loader_options import EAGER, Plan

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

LOADED, UNLOADED, EXPIRED, RAISES, DYNAMIC, UNSURE = 1, 2, 4, 8, 16, 32
WRONG = UNLOADED | EXPIRED | RAISES | DYNAMIC

TRANSIENT, PENDING, PERSISTENT, DETACHED = "transient", "pending", "persistent", "detached"
Key = tuple[tuple[str, Value], ...]


class Cause(Struct, frozen=True):
    """What took attributes away, and where."""

    what: str  # "commit", "rollback", "flush", "expire", "refresh", "populate_existing", "update", …
    site: Site | None = None
    certain: bool = True
    assumption: str = ""


# A new object's empty collection was read, not changed: it is not loaded after the flush.
LOOKED_AT = Cause("a look")
SERVER_SIDE = Cause("flush")
WRITTEN = Cause("assignment")  # by the program, not yet flushed


class AttributeState(Struct, frozen=True):
    """What is known of one attribute: a set of possibilities, and its value where there is one."""

    bits: int
    value: Value | None = None
    cause: Cause | None = None
    plan: Plan | None = None  # of the query that loaded it, where that is not the instance's own

    def joined(self, other: AttributeState) -> AttributeState:
        if self == other:
            return self
        value = (
            self.value
            if other.value is None
            else other.value
            if self.value is None
            else join(self.value, other.value)
        )
        return AttributeState(
            self.bits | other.bits, value, self.cause or other.cause, self.plan or other.plan
        )


class InstanceRecord(Record, frozen=True):
    """One instance (or, when `many`, any one of those that a query gave)."""

    model: Model
    plan: Plan | None = None  # None: made elsewhere, nothing is known of what it has loaded
    replayed: Plan | None = None  # what a bare refresh loads, where that is not the plan
    session: Reference | None = None
    lifecycle: str = PERSISTENT
    attributes: dict[str, AttributeState] = {}
    extras: dict[str, Value] = {}  # attributes that are not mapped
    expired: Cause | None = None  # columns (and relationships) not in `attributes` are gone
    is_new: bool = False  # was constructed by the program, not loaded
    is_modified: bool | None = False  # changes wait for a flush
    is_written: bool = False  # changed since the savepoint (or transaction) began
    is_uncommitted: bool = False  # inserted in this transaction
    blank: frozenset[str] = frozenset()  # many-to-ones to nothing: nobody has given their key
    many: bool = False
    may_be_held: bool = False  # the session may have had it before the query that gave it
    origin: Site | None = None
    key: Key | None = None  # what identified it: primary key or unique criteria
    detached_by: Cause | None = None
    parent: tuple[Reference, str] | None = None  # whose relationship led to it

    # -- identity

    def class_info(self) -> ClassInfo | None:
        return self.model.cls

    def joined(self, other: Record) -> Record:
        if not isinstance(other, InstanceRecord) or other.model is not self.model:
            return FORGOTTEN
        attributes: dict[str, AttributeState] = {}
        if self.expired != other.expired or self.plan != other.plan or self.lifecycle != other.lifecycle:
            names = set(self.model.attributes) | set(self.attributes) | set(other.attributes)
        else:
            names = set(self.attributes) | set(other.attributes)
        for name in names:
            ours, theirs = self.state_of(name), other.state_of(name)
            if ours is not None and theirs is not None:
                attributes[name] = ours.joined(theirs)
        extras = dict(self.extras)
        for name, value in other.extras.items():
            extras[name] = join(extras[name], value) if name in extras else value
        lifecycle = self.lifecycle if self.lifecycle == other.lifecycle else "mixed"
        return replace(
            self,
            attributes=attributes,
            extras=extras,
            expired=self.expired if self.expired == other.expired else None,
            session=self.session if self.session == other.session else self.session or other.session,
            lifecycle=lifecycle,
            is_modified=self.is_modified if self.is_modified == other.is_modified else None,
            detached_by=self.detached_by or other.detached_by,
            many=self.many or other.many,
        )

    # -- what is loaded

    def state_of(self, name: str) -> AttributeState | None:
        """None: not a mapped attribute with a state of its own."""
        found = self.attributes.get(name)
        if found is not None:
            return found
        attribute = self.model.attributes.get(name)
        if attribute is None:
            return None
        return self._default(attribute)

    def _default(self, attribute: MappedAttribute) -> AttributeState:
        if isinstance(attribute, Relationship):
            if attribute.lazy in ("dynamic", "write_only"):
                return AttributeState(LOADED)
        if self.lifecycle in (TRANSIENT, PENDING):
            return AttributeState(LOADED)
        if self.expired is not None:
            return self._expired_default(attribute, self.expired)
        if isinstance(attribute, Relationship):
            return self._relationship_default(attribute)
        if isinstance(attribute, (Column, ColumnProperty, QueryExpression)):
            return self._column_default(attribute)
        return AttributeState(LOADED)

    def _expired_default(self, attribute: MappedAttribute, cause: Cause) -> AttributeState:
        if isinstance(attribute, Relationship):
            if attribute.lazy in ("raise", "raise_on_sql"):
                return AttributeState(RAISES, None, cause)
            if attribute.lazy == "noload":
                return AttributeState(UNSURE)
        return AttributeState(EXPIRED if cause.certain else EXPIRED | LOADED, None, cause)

    def _relationship_default(self, attribute: Relationship) -> AttributeState:
        if self.is_new:
            return self._unloaded(attribute)
        if self.plan is None:
            return AttributeState(UNSURE)
        strategy = self.plan.strategy(attribute)
        if strategy is None:
            return AttributeState(UNSURE)
        if strategy in EAGER or strategy == "noload":
            return AttributeState(LOADED)
        if strategy == "raiseload":
            return AttributeState(RAISES)
        return self._unloaded(attribute)

    def _unloaded(self, attribute: Relationship) -> AttributeState:
        if attribute.lazy in ("raise", "raise_on_sql") and (self.plan is None or not self.plan.entries):
            return AttributeState(RAISES)
        if attribute.lazy == "noload":
            return AttributeState(LOADED)
        return AttributeState(UNLOADED)

    def _column_default(self, attribute: Column | ColumnProperty | QueryExpression) -> AttributeState:
        if self.is_new:
            if isinstance(attribute, ColumnProperty):
                return AttributeState(UNLOADED)
            return AttributeState(LOADED)
        if self.plan is None:
            if not isinstance(attribute, QueryExpression) and attribute.deferred:
                return AttributeState(UNSURE)
            return AttributeState(LOADED)
        if not self._has_own_columns(attribute):
            return AttributeState(UNLOADED, None, Cause("subclass"))
        loaded = self.plan.loads_column(self.model, attribute)
        if loaded is None:
            return AttributeState(UNSURE)
        if loaded or isinstance(attribute, QueryExpression):
            return AttributeState(LOADED)
        raises = not isinstance(attribute, QueryExpression) and attribute.deferred_raiseload
        raises = raises or any(
            entry.raises and attribute.name in entry.columns for entry in self.plan.entries
        )
        return AttributeState(RAISES if raises else UNLOADED)

    def _has_own_columns(self, attribute: MappedAttribute) -> bool:
        """Columns of a joined subclass are not loaded by a query of its base."""
        plan = self.plan
        if plan is None or not plan.trail or plan.is_open:
            return True
        queried = plan.trail[-1]
        owner = attribute.owner
        if queried.is_subclass_of(owner) or not owner.is_subclass_of(queried):
            return True
        model = next((one for one in self.model.lineage if one.cls is owner), self.model)
        if model.polymorphic_load in ("selectin", "inline"):
            return True
        return any(cls.is_subclass_of(owner) for cls in plan.subclasses)

    # -- reading

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return read(flow, state, me, self, name, at, "read")

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        if name in self.model.attributes or name in self.extras or self.model.cls.find(name) is not None:
            return True
        return None if self.model.is_open else False

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        write(flow, state, me, self, name, value, at)

    def delete_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> None:
        return None

    def formatted(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        for name in ("__format__", "__str__", "__repr__"):
            found = self.model.cls.find(name)
            if found is not None and found[1].function is not None:
                return run_function(flow, state, FunctionValue(found[1].function, (), me), Arguments(), at)
        if self.model.is_dataclass:  # the generated `__repr__` reads its fields
            for name in self.model.columns:
                read(flow, state, me, _current(state, me, self), name, at, "read")
        return UNKNOWN

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        found = self.model.cls.find("__iter__")
        if found is not None and found[1].function is not None:
            result = run_function(flow, state, FunctionValue(found[1].function, (), me), Arguments(), at)
            return result.iterate(flow, state, at, False) if result != me else Iteration(element=UNKNOWN)
        return Iteration(element=UNKNOWN)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return UNKNOWN

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        found = self.model.cls.find("__getitem__")
        if found is not None and found[1].function is not None:
            return run_function(flow, state, FunctionValue(found[1].function, (), me), Arguments((key,)), at)
        return UNKNOWN

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        for name, arguments in (("__contains__", Arguments((item,))), ("__iter__", Arguments())):
            found = self.model.cls.find(name)
            if found is not None and found[1].function is not None:
                run_function(flow, state, FunctionValue(found[1].function, (), me), arguments, at)
                break
        return None

    def length(self, flow: Flow, state: State, me: Reference, at: Span) -> None:
        found = self.model.cls.find("__len__")
        if found is not None and found[1].function is not None:
            run_function(flow, state, FunctionValue(found[1].function, (), me), Arguments(), at)

    def specialised(self, flow: Flow, state: State, me: Reference, cls: Value) -> None:
        """`isinstance(me, cls)` holds: the row is one of a subclass."""
        if isinstance(cls, ClassValue) and cls.info.is_subclass_of(self.model.cls):
            model = flow.index.model(cls.info)
            if model is not None and model is not self.model:
                state.put(me, replace(self, model=model))

    def forget(self, flow: Flow, state: State, me: Reference) -> None:
        state.put(me, forgotten(self))

    def exposed(self, flow: Flow, state: State, me: Reference) -> None:
        """`form.populate_obj(user)`: what a new object was not given yet, it may be given there."""
        if self.lifecycle == TRANSIENT:
            unset = [name for name in self.model.attributes if name not in self.attributes]
            unsure = {name: AttributeState(LOADED | UNSURE) for name in unset}
            state.put(me, replace(self, attributes={**unsure, **self.attributes}))

    def individual(self, flow: Flow, state: State, me: Reference) -> Value:
        return allocate(flow, state, replace(self, many=False)) if self.many else me

    def absorb(self, flow: Flow, state: State, me: Reference, processed: tuple[Value, ...]) -> None:
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
            state.put(me, replace(result, many=self.many))

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
        return tuple(found)

    def knows(self, relationship: Relationship) -> bool:
        """Are the columns there that say where a many-to-one leads? Without them no identity is looked up."""
        states = [self.state_of(name) for name in relationship.local_keys]
        return all(one is None or one.bits & UNSURE or not one.bits & WRONG for one in states)

    def with_key(self, name: str) -> InstanceRecord:
        """A relationship or a column is assigned: what it decides is no longer blank."""
        keys = {one for one in self.blank if one == name or name in self.model.relationships[one].local_keys}
        return replace(self, blank=self.blank - keys) if keys else self

    def with_attribute(self, name: str, attribute: AttributeState) -> InstanceRecord:
        return replace(self, attributes={**self.attributes, name: attribute})


def allocate(flow: Flow, state: State, record: InstanceRecord) -> Reference:
    reference = flow.allocate(state, record)
    flow.instances.add(reference.oid)
    return reference


def forgotten(record: InstanceRecord) -> InstanceRecord:
    """Unseen code may have loaded whatever was missing."""
    attributes = {
        name: AttributeState(found.bits | UNSURE, found.value, found.cause)
        for name, found in record.attributes.items()
    }
    for name in record.model.attributes:
        if name not in attributes:
            found = record.state_of(name)
            if found is not None and found.bits & WRONG & ~DYNAMIC:
                attributes[name] = AttributeState(found.bits | UNSURE, found.value, found.cause)
    return replace(record, attributes=attributes)


# --- reading -------------------------------------------------------------------------------------


def read(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, at: Span, use: str
) -> Value:
    attribute = record.model.attributes.get(name)
    if attribute is None:
        return _read_plain(flow, state, me, record, name, at)
    if isinstance(attribute, Hybrid):
        return _read_plain(flow, state, me, record, name, at)
    if isinstance(attribute, Synonym):
        return (
            read(flow, state, me, record, attribute.target, at, use)
            if attribute.target and attribute.target != name
            else UNKNOWN
        )
    if isinstance(attribute, Composite):
        for column in attribute.attributes:
            read(flow, state, me, _current(state, me, record), column, at, use)
        return UNKNOWN
    if isinstance(attribute, AssociationProxy):
        return _read_proxy(flow, state, me, record, attribute, at, use)
    if isinstance(attribute, UnknownAttribute):
        return UNKNOWN
    found = record.state_of(name)
    if found is None:
        return UNKNOWN
    bits = found.bits
    if isinstance(attribute, Relationship):
        from asyncsqla_lint.semantics.eager_use import seen

        seen(flow, state, record, name)
    if use == "read" and at == flow.changing:
        use = "change"
    if bits & WRONG:
        found, value = _missing(flow, state, me, record, attribute, found, at, use)
        if value is not None:
            return value
    elif bits & UNSURE:
        flow.count("reads undecided")
    else:
        flow.count("reads decided")
    flow.note_read(at, name, bool(bits & WRONG))
    return _value_of(flow, state, me, _current(state, me, record), attribute, found, at)


def _current(state: State, me: Reference, record: InstanceRecord) -> InstanceRecord:
    now = state.record(me.oid)
    return now if isinstance(now, InstanceRecord) else record


def _read_plain(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, at: Span
) -> Value:
    """Something that the mapper knows nothing of: methods, properties, hybrids, what the program set."""
    if name in record.extras:
        return record.extras[name]
    cls = record.model.cls
    found = cls.find(name)
    if found is not None:
        owner, member = found
        if member.function is not None or member.cls is not None:
            return member_value(flow, state, me, ClassValue(cls), owner, member, at)
        return member_value(flow, state, me, ClassValue(cls), owner, member, at)
    if name == "__class__":
        return ClassValue(cls)
    if name == "__dict__":
        return InstanceDict(me)
    if name in ("__table__", "__mapper__"):
        from asyncsqla_lint.semantics.mappers import MapperValue

        return MapperValue(record.model)
    if name == "awaitable_attrs":
        return AwaitableAttributes(me)
    inherited = flow.meanings.inherited_attribute(flow, state, me, ClassValue(cls), name, at)
    if inherited is not None:
        return inherited
    subclass = _subclass_attribute(flow, state, me, record, name, at)
    return UNKNOWN if subclass is None else subclass


def _subclass_attribute(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, at: Span
) -> Value | None:
    """A polymorphic row read for an attribute that only a subclass has."""
    for model in record.model.subclasses:
        if name in model.own_attributes:
            as_subclass = replace(record, model=model)
            return read(flow, state, me, as_subclass, name, at, "read")
    return None


def _read_proxy(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: AssociationProxy,
    at: Span,
    use: str,
) -> Value:
    if attribute.collection is None:
        return UNKNOWN
    value = read(flow, state, me, record, attribute.collection, at, use)
    if attribute.attribute is None:
        return UNKNOWN
    relationship = record.model.attributes.get(attribute.collection)
    if isinstance(relationship, Relationship) and relationship.uselist is False:
        return value.attribute(flow, state, attribute.attribute, at)
    iteration = value.iterate(flow, state, at, False)
    elements = iteration.items if iteration.items is not None else (iteration.element,)
    found = tuple(one.attribute(flow, state, attribute.attribute, at) for one in elements if one is not None)
    return flow.allocate(state, ListRecord(None, union(found) if found else None))


def _missing(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: MappedAttribute,
    found: AttributeState,
    at: Span,
    use: str,
) -> tuple[AttributeState, Value | None]:
    """The attribute is not there on some or every path. Says so, and goes on as if it were, once said."""
    name = attribute.name
    certain = not found.bits & (LOADED | UNSURE)
    reports = not found.bits & UNSURE
    if reports and record.lifecycle == "mixed":
        certain = False
    emits_sql = found.bits & (UNLOADED | EXPIRED) or (
        isinstance(attribute, Relationship)
        and record.plan is not None
        and record.plan.raises_on_sql_only(attribute)
    )
    if (
        reports
        and isinstance(attribute, Relationship)
        and emits_sql
        and use != "change"
        and record.knows(attribute)
    ):
        target = known_target(flow, state, me, record, attribute)
        if target is None and (name in record.blank or leads_nowhere(record, attribute)):
            target = NONE
        if target is not None:
            loaded = AttributeState(LOADED, target)
            state.put(me, record.with_attribute(name, loaded))
            return loaded, None
        if may_be_known(flow, state, record, attribute):
            reports = False
    if reports and allowed(flow, state, record, attribute, found):
        reports = False
    guard = flow.is_caught(
        "MissingGreenlet", "DetachedInstanceError", "InvalidRequestError", "StatementError", "SQLAlchemyError"
    )
    if reports and not guard:
        _emit(flow, state, me, record, attribute, found, certain, at, use)
        flow.count("reads decided")
        if found.bits & EXPIRED and record.expired is not None:
            _forget_siblings(state, me, record)
    elif not reports:
        flow.count("reads undecided" if found.bits & UNSURE else "reads decided")
    # Said once on this path; what follows reads the value as if it had come. An expired instance is
    # loaded whole by the first such read, so the other columns say nothing more.
    now = _current(state, me, record)
    if found.bits & EXPIRED and now.expired is not None and not isinstance(attribute, Relationship):
        now = replace(now, expired=None, attributes={**_unsure(now, now.expired), **now.attributes})
    loaded = AttributeState(UNSURE if found.bits & DYNAMIC == 0 else DYNAMIC | UNSURE, found.value)
    state.put(me, now.with_attribute(name, loaded))
    return loaded, None


def _forget_siblings(state: State, me: Reference, record: InstanceRecord) -> None:
    """One cause, one finding: the other rows of the same query were expired by the same stroke."""
    for reference, other in state.records():
        if (
            isinstance(other, InstanceRecord)
            and reference != me
            and other.expired == record.expired
            and other.origin == record.origin
            and other.model is record.model
        ):
            state.put(reference, replace(forgotten(other), expired=None))


def _unsure(record: InstanceRecord, cause: Cause) -> dict[str, AttributeState]:
    """Of an instance whose columns came back: its relationships are still expired."""
    return {
        name: record._expired_default(attribute, cause)
        for name, attribute in record.model.attributes.items()
        if isinstance(attribute, Relationship) and attribute.lazy not in ("dynamic", "write_only")
    }


def allowed(
    flow: Flow, state: State, record: InstanceRecord, attribute: MappedAttribute, found: AttributeState
) -> bool:
    """May plain Python emit SQL here? Under `run_sync`, or for an instance of a sync session, it may."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    if found.bits & (RAISES | DYNAMIC) and not found.bits & (UNLOADED | EXPIRED):
        if found.bits & RAISES:
            return False
    if record.lifecycle == DETACHED:
        return False
    if flow.greenlets:
        return True
    if record.session is None:
        return True
    session = state.record(record.session.oid)
    return not (isinstance(session, SessionRecord) and session.is_async)


def _emit(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: MappedAttribute,
    found: AttributeState,
    certain: bool,
    at: Span,
    use: str,
) -> None:
    if not flow.listens(AttributeLoad):
        return
    site, frame, via = standing(flow, at)
    cause = "unloaded"
    if found.bits & DYNAMIC:
        cause = "dynamic"
    elif found.bits & RAISES and not found.bits & EXPIRED:
        cause = "raise"
    elif found.bits & EXPIRED:
        cause = "expired"
    elif found.bits & RAISES:
        cause = "raise"
    why = found.cause or record.expired
    detached = record.lifecycle == DETACHED
    if detached and cause == "raise":
        # Columns and `raise_on_sql` miss the session first, `raise` does not get that far.
        detached = not isinstance(attribute, Relationship) or (
            record.plan is not None and record.plan.raises_on_sql_only(attribute)
        )
        cause = "unloaded" if detached else "raise"
    if detached and record.detached_by is not None and (why is None or not found.bits & EXPIRED):
        why = record.detached_by
    if why is not None and (why.assumption or not why.certain):
        certain = False
    flow.emit(
        AttributeLoad(
            site,
            frame,
            certain and flow.is_certain,
            record,
            record.model,
            attribute,
            cause,
            "serialize" if flow.serializing else use,
            detached,
            flow.site(at),
            record.origin,
            why.site if why is not None else None,
            why.what if why is not None else "",
            why.assumption if why is not None else "",
            via,
            path_to(state, record, attribute),
        )
    )


def path_to(state: State, record: InstanceRecord, attribute: MappedAttribute) -> tuple[Relationship, ...]:
    """The relationships from the instance that the query gave to this attribute; () for a column."""
    if not isinstance(attribute, Relationship):
        return ()
    found = [attribute]
    while record.parent is not None and len(found) < 8:
        owner, name = record.parent
        parent = state.record(owner.oid)
        step = parent.model.relationships.get(name) if isinstance(parent, InstanceRecord) else None
        if step is None or not isinstance(parent, InstanceRecord):
            return ()
        found.append(step)
        record = parent
    return tuple(reversed(found))


def standing(flow: Flow, at: Span) -> tuple[Site, Frame, str]:
    """Where a finding stands: outside of mapped classes, at the expression that set the read off."""
    frame, span = flow.serialized_at or (flow.frame, at)
    via = ""
    while frame.caller is not None and frame.function is not None:
        if frame.function.is_async or not _is_mapped(flow, frame):
            break
        if frame.caller.function is None and frame.caller.module is None:
            break
        via = via or frame.function.qualname
        span, frame = frame.call_span, frame.caller
    return Site(frame.module, span), frame, via


def _is_mapped(flow: Flow, frame: Frame) -> bool:
    """Does the frame run a method of a mapped class (or of a mixin, for an instance of one)?"""
    function = frame.function
    while function is not None:
        if function.owner is not None:
            if flow.index.model(function.owner) is not None:
                return True
            receiver = frame.receiver
            return isinstance(receiver, Reference) and receiver.oid in flow.instances
        function = function.parent
    return False


# --- many-to-one and the identity map ------------------------------------------------------------


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
            and parent.expired is None
            and parent.session == record.session
        ):
            return record.parent[0]
    for oid in sorted(alive):
        other = state.record(oid)
        if not isinstance(other, InstanceRecord) or other.session != record.session or oid == me.oid:
            continue
        if not other.model.cls.is_subclass_of(relationship.target.cls) or other.expired is not None:
            continue
        if inverse is not None:
            held = other.attributes.get(inverse.name)
            if held is not None and held.value is not None and me.oid in state.reachable([held.value]):
                return Reference(oid)
    return None


def leads_nowhere(record: InstanceRecord, relationship: Relationship) -> bool:
    """Reading a many-to-one whose foreign key is None does no I/O (`m2o_null_fk_no_io`)."""
    if not record.is_new or record.expired is not None or record.parent is not None:
        return False
    for name in relationship.local_keys:
        column = record.model.columns[name]
        held = record.attributes.get(name)
        if held is not None and held.value == NONE and held.bits == LOADED:
            return True
        by_itself = column.primary_key or column.default is not None or column.is_set_by_server_on_insert
        if held is None and column.is_complete and not by_itself:
            return relationship.name not in record.attributes
    return False


def may_be_known(flow: Flow, state: State, record: InstanceRecord, relationship: Relationship) -> bool:
    """Another object of the target's class is held: the reference may lead to that very one."""
    if relationship.direction != "many-to-one" or relationship.target is None or record.session is None:
        return False
    for oid in sorted(state.alive()):
        other = state.record(oid)
        if (
            not isinstance(other, InstanceRecord)
            or other.session != record.session
            or other.lifecycle not in (PERSISTENT, "mixed")
            or other.expired is not None
        ):
            continue
        if (
            other is not record
            and other.model.cls.is_subclass_of(relationship.target.cls)
            and (other.many or not record.many or record.key is not None)
        ):
            return True
        if _leads_to(other, relationship.target.cls):
            return True
    return False


def _leads_to(record: InstanceRecord, target: ClassInfo) -> bool:
    """Does the instance hold, through what its query loaded, objects of that class that nobody has read?"""
    for name, relationship in record.model.relationships.items():
        found = record.state_of(name)
        if found is None or found.bits & WRONG or not found.bits & LOADED or found.value is not None:
            continue
        plan = record.plan if found.plan is None else found.plan
        if (
            plan is not None
            and relationship.target is not None
            and _plan_leads_to(plan.below(relationship), relationship.target, target, 0)
        ):
            return True
    return False


def _plan_leads_to(plan: Plan, model: Model, target: ClassInfo, depth: int) -> bool:
    if model.cls.is_subclass_of(target) or target.is_subclass_of(model.cls):
        return True
    return depth < 4 and any(
        one.target is not None
        and plan.strategy(one) in EAGER
        and _plan_leads_to(plan.below(one), one.target, target, depth + 1)
        for one in model.relationships.values()
    )


# --- values of attributes ------------------------------------------------------------------------


def _value_of(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: MappedAttribute,
    found: AttributeState,
    at: Span,
) -> Value:
    if found.value is not None:
        return found.value
    if isinstance(attribute, Relationship):
        value = _related(flow, state, me, record, attribute, at)
    else:
        value = Symbol(f"{me.oid}.{attribute.name}")
    now = _current(state, me, record)
    known = now.state_of(attribute.name) or found
    if value is not UNKNOWN:
        if isinstance(attribute, Relationship) and now.lifecycle in (TRANSIENT, PENDING):
            known = replace(known, cause=LOOKED_AT)
        state.put(me, now.with_attribute(attribute.name, replace(known, value=value)))
    return value


def _related(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, attribute: Relationship, at: Span
) -> Value:
    target, uselist = attribute.target, attribute.uselist
    if attribute.lazy in ("dynamic", "write_only"):
        return DynamicCollection(me, attribute.name, attribute.lazy)
    if record.lifecycle in (TRANSIENT, PENDING):
        if uselist:
            return flow.allocate(state, CollectionRecord((), None, "list", True, me, attribute.name))
        return NONE
    if target is None or uselist is None:
        return UNKNOWN
    plan = None
    state_bits = record.state_of(attribute.name)
    source = record.plan if state_bits is None or state_bits.plan is None else state_bits.plan
    if source is not None:
        plan = source.below(attribute)
        if state_bits is not None and state_bits.bits & UNSURE:
            plan = replace(plan, is_open=True) if plan.entries else None
    related = InstanceRecord(
        target,
        plan=plan,
        session=record.session,
        lifecycle=record.lifecycle if record.lifecycle != "mixed" else PERSISTENT,
        parent=(me, attribute.name),
        many=bool(uselist) or record.many,
        origin=record.origin,
        detached_by=record.detached_by,
    )
    element = allocate(flow, state, related)
    if not uselist:
        nullable = True
        return union((element, NONE)) if nullable and not attribute.innerjoin else element
    return flow.allocate(state, CollectionRecord(None, element, "list", True, me, attribute.name))


class CollectionRecord(ListRecord, frozen=True):
    """The collection of a relationship: a list that knows whose it is."""

    owner: Reference | None = None
    name: str = ""

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        result = super().call_method(flow, state, me, name, arguments, at)
        after = state.record(me.oid)
        if isinstance(after, ListRecord) and not isinstance(after, CollectionRecord):
            state.put(
                me,
                CollectionRecord(
                    after.items, after.element, after.kind, after.may_be_empty, self.owner, self.name
                ),
            )
        if name in ("append", "add", "extend", "update", "insert") and self.owner is not None:
            owner = state.record(self.owner.oid)
            if isinstance(owner, InstanceRecord):
                held = owner.attributes.get(self.name)
                if held is not None and held.cause is LOOKED_AT:
                    owner = owner.with_attribute(self.name, replace(held, cause=None))
                owner = replace(owner, is_modified=True, is_written=True)
                state.put(self.owner, owner)
                for value in arguments.positional:
                    link(flow, state, self.owner, owner, self.name, value)
        return result

    def joined(self, other: Record) -> Record:
        merged = super().joined(other)
        if isinstance(merged, ListRecord) and isinstance(other, CollectionRecord):
            return CollectionRecord(
                merged.items, merged.element, merged.kind, merged.may_be_empty, self.owner, self.name
            )
        return merged

    def refers_to(self) -> tuple[Value, ...]:
        return super().refers_to()


def link(flow: Flow, state: State, owner: Reference, record: InstanceRecord, name: str, value: Value) -> None:
    """Objects put into a relationship point back, and join their parent's session (cascade)."""
    relationship = record.model.attributes.get(name)
    if not isinstance(relationship, Relationship):
        return
    inverse = relationship.inverse
    for one in alternatives(value):
        targets: tuple[Value, ...] = (one,)
        if isinstance(one, Reference) and isinstance(state.record(one.oid), ListRecord):
            targets = state.record(one.oid).refers_to()
        for target in (each for whole in targets for each in alternatives(whole)):
            other = state.record(target.oid) if isinstance(target, Reference) else None
            if not isinstance(other, InstanceRecord) or not isinstance(target, Reference):
                continue
            if inverse is not None and inverse.uselist is False:
                other = other.with_attribute(inverse.name, AttributeState(LOADED, owner)).with_key(
                    inverse.name
                )
            elif inverse is None:
                other = replace(other, blank=frozenset())
            elif inverse.uselist:
                other = _with_child(flow, state, target, other, inverse.name, owner)
            if other.session is None and record.session is not None and other.lifecycle == TRANSIENT:
                other = replace(other, session=record.session, lifecycle=PENDING)
            state.put(target, other)


def _with_child(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, child: Reference
) -> InstanceRecord:
    """The other side's collection hears of the child: a new object's is loaded by it, a loaded one grows."""
    found = record.attributes.get(name)
    if found is not None and found.value is not None and found.bits & LOADED:
        for one in alternatives(found.value):
            held = state.record(one.oid) if isinstance(one, Reference) else None
            if isinstance(held, CollectionRecord) and isinstance(one, Reference):
                grown = held.with_more(Iteration(items=(child,), may_be_empty=False))
                state.put(one, CollectionRecord(grown.items, grown.element, grown.kind, False, me, name))
        return record.with_attribute(name, replace(found, cause=None))
    if record.lifecycle in (TRANSIENT, PENDING):
        made = flow.allocate(state, CollectionRecord((child,), None, "list", False, me, name))
        return record.with_attribute(name, AttributeState(LOADED, made))
    return record


# --- writing -------------------------------------------------------------------------------------


def write(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, value: Value, at: Span
) -> None:
    attribute = record.model.attributes.get(name)
    if attribute is None or isinstance(attribute, (Hybrid, UnknownAttribute)):
        found = record.model.cls.find(name)
        if found is not None and found[1].setter is not None:
            run_function(flow, state, FunctionValue(found[1].setter, (), me), Arguments((value,)), at)
            return
        state.put(me, replace(record, extras={**record.extras, name: value}))
        return
    if isinstance(attribute, Synonym) and attribute.target and attribute.target != name:
        write(flow, state, me, record, attribute.target, value, at)
        return
    if isinstance(attribute, Relationship):
        from asyncsqla_lint.semantics.eager_use import seen

        if attribute.uselist:
            seen(flow, state, record, name)  # its members are compared with the new ones
        found_state = record.state_of(name)
        # Replacing a collection has to know the old one; a scalar's old value is not asked for.
        if found_state is not None and found_state.bits & (UNLOADED | EXPIRED | RAISES) and attribute.uselist:
            _missing(flow, state, me, record, attribute, found_state, at, "change")
            record = _current(state, me, record)
    stored = value
    if isinstance(attribute, Relationship) and attribute.uselist:
        iteration = value.iterate(flow, state, at, False)
        stored = flow.allocate(
            state,
            CollectionRecord(iteration.items, iteration.element, "list", iteration.may_be_empty, me, name),
        )
    # A SQL expression is computed by the server: after the flush the value has to be fetched.
    cause = SERVER_SIDE if isinstance(stored, (Criterion, AttributeValue)) else WRITTEN
    state.put(
        me,
        replace(
            record.with_attribute(name, AttributeState(LOADED, stored, cause)).with_key(name),
            is_modified=True,
            is_written=True,
        ),
    )
    if isinstance(attribute, Relationship):
        link(flow, state, me, _current(state, me, record), name, stored)
    if record.session is not None and record.lifecycle == PERSISTENT:
        ledger.written(flow, state, record.session, "attribute", at)
    if flow.listens(AttributeWritten):
        flow.emit(AttributeWritten(flow.site(at), flow.frame, flow.is_certain, me, record, attribute))


def construct(
    flow: Flow, state: State, cls: ClassValue, model: Model, arguments: Arguments, at: Span
) -> Value:
    """`User(name=…)`: a transient instance."""
    me = allocate(
        flow,
        state,
        InstanceRecord(
            model, plan=None, lifecycle=TRANSIENT, is_new=True, origin=flow.site(at), is_modified=True
        ),
    )
    found = model.cls.find("__init__")
    if found is not None and found[1].function is not None:
        run_function(flow, state, FunctionValue(found[1].function, (), me), arguments, at)
        return me
    positional = list(arguments.positional)
    given = dict(arguments.keywords)
    if positional:
        given = {**dict(zip(model.parameters, positional, strict=False)), **given}
    for name, value in given.items():
        record = state.record(me.oid)
        assert isinstance(record, InstanceRecord)
        write(flow, state, me, record, name, value, at)
    if arguments.more_keywords is not None:
        record = state.record(me.oid)
        assert isinstance(record, InstanceRecord)
        unknown = {
            name: AttributeState(LOADED | UNSURE)
            for name in model.relationships
            if name not in record.attributes
        }
        state.put(me, replace(record, attributes={**unknown, **record.attributes}))
    else:
        record = state.record(me.oid)
        assert isinstance(record, InstanceRecord)
        state.put(me, replace(record, blank=_blank(record)))
    return me


def _blank(record: InstanceRecord) -> frozenset[str]:
    """The many-to-ones of a new object that lead nowhere, as their keys have not been given."""
    return frozenset(
        name
        for name, one in record.model.relationships.items()
        if name not in record.attributes
        and one.local_keys
        and not any(key in record.attributes or _has_default(record.model, key) for key in one.local_keys)
    )


def _has_default(model: Model, name: str) -> bool:
    column = model.columns.get(name)
    return column is None or column.default is not None or column.server_default or not column.is_complete


# --- special values ------------------------------------------------------------------------------


class InstanceDict(Value, frozen=True):
    """`obj.__dict__`: reading it emits no SQL."""

    instance: Reference

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return UNKNOWN

    def tested_for(self, flow: Flow, state: State, item: Value, holds: bool) -> Value | None:
        return evidence(self.instance, item, holds)


def evidence(instance: Reference, item: Value, is_loaded: bool) -> Value | None:
    name = item.value if isinstance(item, Constant) else None
    return Evidence(instance, name, is_loaded) if isinstance(name, str) else None


class Evidence(Value, frozen=True):
    """The outcome of a test whether an attribute is loaded."""

    instance: Reference
    name: str
    when: bool  # the outcome that shows that it is

    def assumed(self, flow: Flow, state: State, holds: bool) -> None:
        record = state.record(self.instance.oid)
        if holds is self.when and isinstance(record, InstanceRecord):
            found = record.state_of(self.name)
            if found is not None and found.bits & WRONG:
                state.put(
                    self.instance, record.with_attribute(self.name, AttributeState(LOADED, found.value))
                )


class AwaitableAttributes(Value, frozen=True):
    """`obj.awaitable_attrs`."""

    instance: Reference

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        from asyncsqla_lint.semantics.events import AttributeAwaited

        record = state.record(self.instance.oid)
        if isinstance(record, InstanceRecord) and flow.listens(AttributeAwaited):
            site, frame, _ = standing(flow, at)
            flow.emit(AttributeAwaited(site, frame, flow.is_certain, record, record.model, name))
        reading = Method(AwaitableAttribute(self.instance, name), name)
        return flow.allocate_watched(state, CoroutineRecord(reading, Arguments(), flow.site(at)))


class AwaitableAttribute(Value, frozen=True):
    instance: Reference
    name: str

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.instance,)

    def await_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        record = state.record(self.instance.oid)
        if not isinstance(record, InstanceRecord):
            return UNKNOWN
        found = record.state_of(self.name)
        if found is not None and found.bits & (UNLOADED | EXPIRED | UNSURE):
            from asyncsqla_lint.semantics.loops import asked

            asked(flow, state, "awaitable_attrs", (self.instance,), at)
            load_attribute(state, self.instance, record, self.name)
            record = _current(state, self.instance, record)
        return read(flow, state, self.instance, record, self.name, at, "read")


def load_attribute(state: State, me: Reference, record: InstanceRecord, name: str) -> None:
    """The attribute is loaded now, whatever it was."""
    if name not in record.model.attributes and not any(
        name in model.own_attributes for model in record.model.subclasses
    ):
        return
    plan = record.plan if record.plan is not None else None
    if record.is_new and plan is None:
        plan = Plan(trail=(record.model.cls,))
    state.put(me, replace(record.with_attribute(name, AttributeState(LOADED)), plan=plan))


class DynamicCollection(Value, frozen=True):
    """A `lazy="dynamic"` or write-only collection: nothing is loaded until it is asked for rows."""

    owner: Reference
    name: str
    kind: str

    ROWS = frozenset("all first one one_or_none count scalar get __iter__ delete update exists".split())
    CHANGES = frozenset("add append remove extend add_all insert".split())

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        self._ask(flow, state, at)
        return Iteration(element=UNKNOWN)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        self._ask(flow, state, at)
        return UNKNOWN

    def _ask(self, flow: Flow, state: State, at: Span) -> None:
        """A dynamic collection emits SQL for its rows (`dynamic_rel`); a write-only one has none to give."""
        record = state.record(self.owner.oid)
        if self.kind != "dynamic" or not isinstance(record, InstanceRecord):
            return
        attribute = record.model.attributes[self.name]
        found = AttributeState(DYNAMIC)
        if record.lifecycle in (TRANSIENT, PENDING) or allowed(flow, state, record, attribute, found):
            return
        if not flow.is_caught("MissingGreenlet", "InvalidRequestError", "StatementError", "SQLAlchemyError"):
            _emit(flow, state, self.owner, record, attribute, found, True, at, "read")

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        from asyncsqla_lint.semantics.statements import Statement

        record = state.record(self.owner.oid)
        if name in self.ROWS:
            self._ask(flow, state, at)
            return UNKNOWN
        if self.kind == "dynamic" and name not in self.CHANGES and name != "select":
            return self
        if name == "select" and isinstance(record, InstanceRecord):
            relationship = record.model.relationships.get(self.name)
            if relationship is not None and relationship.target is not None:
                return Statement(
                    "select", flow.site(at), (ClassValue(relationship.target.cls),), has_criteria=True
                )
        return UNKNOWN
