"""What reading an attribute of an instance gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.classes import member_value
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Reference, Symbol, Value, union
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import (
    AssociationProxy,
    Composite,
    Hybrid,
    MappedAttribute,
    Model,
    Relationship,
    Synonym,
    UnknownAttribute,
)
from asyncsqla_lint.semantics import eager_use, paths
from asyncsqla_lint.semantics.attribute_states import CHOSEN, LOADED, LOOKED_AT, UNSURE, WRONG, AttributeState
from asyncsqla_lint.semantics.collections import CollectionRecord, DynamicCollection
from asyncsqla_lint.semantics.instances import (
    DELETED,
    DETACHED,
    GONE,
    MARKED,
    MOST_SUBCLASSES,
    PERSISTENT,
    InstanceRecord,
    allocate,
    current,
)
from asyncsqla_lint.semantics.many_to_one import known_target
from asyncsqla_lint.semantics.materialising import among_all, one_of_all
from asyncsqla_lint.semantics.missing import missing, undecided
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.proxies import read_proxy
from asyncsqla_lint.semantics.reconstructors import reconstructed
from asyncsqla_lint.semantics.references import leads_to
from asyncsqla_lint.semantics.ways_back import come_round

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


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
            read(flow, state, me, current(state, me, record), column, at, use)
        return UNKNOWN
    if isinstance(attribute, AssociationProxy):
        return read_proxy(flow, state, me, record, attribute, at, use)
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
        found, value = missing(flow, state, me, record, attribute, found, at, use)
        if value is not None:
            return value
    elif bits & UNSURE:
        undecided(flow, record, attribute)
    else:
        flow.count("reads decided")
    flow.touch()
    return value_of(flow, state, me, current(state, me, record), attribute, found)


def _read_plain(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, at: Span
) -> Value:
    """Something that the mapper knows nothing of: methods, properties, hybrids, what the program set."""
    if name in record.extras:
        return record.extras[name]
    cls = record.model.cls
    found = cls.find(name)
    if found is None or found[1].function is None:
        set_at_loading = reconstructed(flow, state, me, record, name, at)
        if set_at_loading is not None:
            return set_at_loading
    if found is not None:
        owner, member = found
        if member.function is None or record.plan is None:
            return member_value(flow, state, me, ClassValue(cls), owner, member, at)
        return _dispatched(flow, state, me, record, name, at)
    if name == "__class__":
        return ClassValue(cls)
    if name == "__dict__":
        from asyncsqla_lint.semantics.guards import InstanceDict

        return InstanceDict(me)
    if name in ("__table__", "__mapper__"):
        from asyncsqla_lint.semantics.mappers import MapperValue

        return MapperValue(record.model)
    if name == "awaitable_attrs":
        from asyncsqla_lint.semantics.awaitable import AwaitableAttributes

        return AwaitableAttributes(me)
    inherited = flow.meanings.inherited_attribute(flow, state, me, ClassValue(cls), name, at)
    if inherited is not None:
        return inherited
    subclass = _subclass_attribute(flow, state, me, record, name, at)
    return UNKNOWN if subclass is None else subclass


def _dispatched(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, at: Span
) -> Value:
    """A method, or a property: a row of a base class may be one of a subclass that overrides it."""
    model = record.model
    found: list[Value] = [ClassValue(model.cls)]
    if model.polymorphic_on is not None:
        found += [ClassValue(one.cls) for one in model.subclasses if name in one.cls.members][
            :MOST_SUBCLASSES
        ]

    def given(cls: Value, own: State) -> Value:
        assert isinstance(cls, ClassValue)
        member = cls.info.find(name)
        assert member is not None
        return member_value(flow, own, me, cls, *member, at)

    return flow.alternatives(state, found, given)


def _subclass_attribute(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, at: Span
) -> Value | None:
    """A polymorphic row read for what only a subclass has."""
    for model in record.model.subclasses:
        if name in model.own_attributes:
            as_subclass = replace(record, model=model)
            return read(flow, state, me, as_subclass, name, at, "read")
        if name in model.cls.members:
            member = model.cls.members[name]
            return member_value(flow, state, me, ClassValue(model.cls), model.cls, member, at)
    return None


def value_of(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: MappedAttribute,
    found: AttributeState,
) -> Value:
    if found.value is not None:
        return found.value
    if isinstance(attribute, Relationship):
        value = _related(flow, state, me, record, attribute)
    else:
        value = Symbol.of_row(me.oid, attribute.name)
    now = current(state, me, record)
    known = now.state_of(attribute.name) or found
    if value is not UNKNOWN:
        if not now.has_identity and attribute.name not in now.attributes:
            known = replace(known, cause=LOOKED_AT)
        state.put(me, paths.with_value(now, attribute.name, known, value))
    return value


def _has_new(state: State, model: Model) -> bool:
    """Has the program made rows of that table, which may hang at an object that it has made too?"""
    return any(
        one.is_new and one.model.cls.is_subclass_of(model.cls) for _, one in state.records(InstanceRecord)
    )


def _is_pinned(
    record: InstanceRecord, attribute: Relationship, source: Plan | None, found: AttributeState | None
) -> bool:
    """`noload`: what is there is nothing."""
    is_there = found is not None and found.bits == LOADED and not record.may_be_held
    return is_there and source is not None and source.strategy(attribute) == "noload"


def _way_back(
    state: State, record: InstanceRecord, attribute: Relationship, found: AttributeState | None
) -> Reference | None:
    """Who has led down to it by a relationship is whom the other side of that leads to."""
    inverse = attribute.inverse
    if attribute.direction != "many-to-one" or inverse is None or record.parent is None:
        return None
    parent = state.record(record.parent[0].oid)
    is_back = (
        record.parent[1] == inverse.name
        and found is not None
        and found.bits == LOADED
        and isinstance(parent, InstanceRecord)
        and not parent.many
        and parent.session == record.session
        and record.session is not None
        and parent.lifecycle == record.lifecycle == PERSISTENT
    )
    return record.parent[0] if is_back else None


def _as_before(
    state: State, me: Reference, record: InstanceRecord, attribute: Relationship
) -> Reference | None:
    """A relationship is loaded again: somebody may still hold the objects to which it led before.

    The session gives the same ones again, with what their rows have met with since.
    """
    if record.many or record.lifecycle not in (PERSISTENT, DETACHED):
        return None
    found = [
        reference
        for reference, other in state.records(InstanceRecord)
        if other.parent == (me, attribute.name)
        and other.session == record.session
        and other.lifecycle == record.lifecycle
        and other.detached_by == record.detached_by
        and other.many == bool(attribute.uselist)
        and (attribute.direction != "many-to-one" or leads_to(state, me, record, attribute, reference, other))
    ]
    alive = state.alive() if found else set()
    return next((one for one in reversed(found) if one.oid in alive), None)


def _lifecycle_of_related(record: InstanceRecord, attribute: Relationship) -> str:
    """A row that is deleted takes with it those whom its cascade reaches, and no others."""
    is_going = record.lifecycle in (MARKED, DELETED, GONE) and not attribute.cascades_deletes
    return PERSISTENT if is_going or record.lifecycle == "mixed" else record.lifecycle


def _related(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, attribute: Relationship
) -> Value:
    target, uselist = attribute.target, attribute.uselist
    if attribute.lazy in ("dynamic", "write_only"):
        return DynamicCollection(me, attribute.name, attribute.lazy)
    if not record.has_identity:
        if uselist:
            return flow.allocate(state, CollectionRecord((), None, "list", True, me, attribute.name))
        return NONE
    if target is None or uselist is None:
        return UNKNOWN
    plan = None
    state_bits = record.state_of(attribute.name)
    source = record.plan if state_bits is None or state_bits.plan is None else state_bits.plan
    if source is not None:
        plan = come_round(source.below(attribute), target, is_there=False)
        if state_bits is not None and state_bits.bits & (UNSURE | CHOSEN):
            plan = replace(plan, is_open=True) if plan.entries else None
    related = InstanceRecord(
        target,
        plan=plan,
        session=record.session,
        lifecycle=_lifecycle_of_related(record, attribute),
        parent=(me, attribute.name),
        many=bool(uselist) or record.many,
        origin=record.origin,
        detached_by=record.detached_by,
    )
    is_empty = record.is_new and attribute.direction == "one-to-many" and not _has_new(state, target)
    if is_empty or _is_pinned(record, attribute, source, state_bits):
        if not uselist:
            return NONE
        return flow.allocate(state, CollectionRecord((), None, "list", True, me, attribute.name))
    back: Value | None = _way_back(state, record, attribute, state_bits)
    if back is None and record.leads.get(attribute.name) and not record.many:
        back = known_target(flow, state, me, record, attribute)  # the session gives whom it holds
        there = state.record(back.oid) if isinstance(back, Reference) else None
        if isinstance(there, InstanceRecord) and there.origin is not None:
            eager_use.read_whole(flow, there.origin)
    if back is not None:
        return back
    element = _as_before(state, me, record, attribute)
    if element is None:
        is_there = source is not None and source.is_elsewhere
        one = one_of_all(state, related) if is_there else None
        element = allocate(flow, state, one or among_all(state, related))
    if not uselist:
        return element if attribute.innerjoin else union((element, NONE))
    return flow.allocate(state, CollectionRecord(None, element, "list", True, me, attribute.name))
