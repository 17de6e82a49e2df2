"""The collections of relationships, and what putting an object into one does to both sides."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Iteration,
    Method,
    Reference,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.semantics import keyed, ledger, paths
from asyncsqla_lint.semantics.attribute_states import (
    DYNAMIC,
    EXPIRED,
    LINKED,
    LOADED,
    LOOKED_AT,
    AttributeState,
)
from asyncsqla_lint.semantics.flushing import touch
from asyncsqla_lint.semantics.instances import DETACHED, PERSISTENT, TRANSIENT, InstanceRecord
from asyncsqla_lint.semantics.missing import allowed, emit
from asyncsqla_lint.semantics.references import link_of, moved, role_at

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


_ADDS = frozenset({"append", "add", "insert"})
_CHANGES = frozenset("append add extend update insert remove discard pop clear __delitem__".split())


class CollectionRecord(ListRecord, frozen=True):
    """The collection of a relationship: a list that knows whose it is."""

    owner: Reference | None = None
    name: str = ""
    last: Value | None = None  # what has just been appended to what was loaded

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name in keyed.READS and self._is_keyed(state):
            return keyed.read(flow, state, self, name, arguments)
        result = super().call_method(flow, state, me, name, arguments, at)
        after = state.record(me.oid)
        if isinstance(after, ListRecord) and not isinstance(after, CollectionRecord):
            last = arguments.get(0, "") if name == "append" else None
            state.put(
                me,
                CollectionRecord(
                    after.items, after.element, after.kind, after.may_be_empty, self.owner, self.name, last
                ),
            )
        if name in _CHANGES and self.owner is not None:
            owner = state.record(self.owner.oid)
            if isinstance(owner, InstanceRecord) and (one := owner.model.relationships.get(self.name)):
                moved(state, one)
                _begun(state, owner)
        if name in ("append", "add", "extend", "update", "insert") and self.owner is not None:
            owner = state.record(self.owner.oid)
            if isinstance(owner, InstanceRecord):
                held = owner.attributes.get(self.name)
                if held is not None and held.cause is LOOKED_AT:
                    owner = owner.with_attribute(self.name, replace(held, cause=None))
                owner = replace(
                    owner, is_modified=True, only_collections=owner.has_row_as_it_was, is_written=True
                )
                state.put(self.owner, owner)
                for value in arguments.positional:
                    link(flow, state, self.owner, owner, self.name, value)
                if name in _ADDS and _is_instance(state, arguments.first):
                    _written(flow, state, owner, self.name, at)
        return result

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        """`term.renderings["de"] = Rendering(…)`, of one that is keyed."""
        self.call_method(flow, state, me, "add", Arguments((value,)), at)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        if self._is_keyed(state) and self.whole() is not None:
            return Iteration(element=UNKNOWN, may_be_empty=self.may_be_empty)
        return super().iterate(flow, state, me, at, is_async)

    def _is_keyed(self, state: State) -> bool:
        owner = None if self.owner is None else state.record(self.owner.oid)
        relationship = owner.model.relationships.get(self.name) if isinstance(owner, InstanceRecord) else None
        return relationship is not None and relationship.is_keyed

    def joined(self, other: Record) -> Record:
        merged = super().joined(other)
        if isinstance(merged, ListRecord) and isinstance(other, CollectionRecord):
            return CollectionRecord(
                merged.items,
                merged.element,
                merged.kind,
                merged.may_be_empty,
                self.owner,
                self.name,
                self.last if self.last == other.last else None,
            )
        return merged

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        """Under an index that counts along stands what was loaded: what has been appended lies behind it."""
        found = super().item(flow, state, me, key, at)
        if isinstance(key, Constant):
            return self.last if key.value == -1 and self.last is not None else found
        loaded = tuple(one for one in alternatives(found) if not _is_new(state, one))
        return union(loaded) if loaded else found


def taken_from(
    state: State, child: Reference, record: InstanceRecord, up: Relationship, owner: Value
) -> None:
    """A child that gets another parent is taken out of the first one's collection.

    `ASQ302/bad_put_into_a_collection`.
    """
    found = record.attributes.get(up.name)
    if found is None or found.bits != LOADED or up.inverse is None or found.value == owner:
        return
    parent = state.record(found.value.oid) if isinstance(found.value, Reference) else None
    held = parent.attributes.get(up.inverse.name) if isinstance(parent, InstanceRecord) else None
    members = state.record(held.value.oid) if held and isinstance(held.value, Reference) else None
    if held is not None and isinstance(held.value, Reference) and isinstance(members, CollectionRecord):
        if members.items is not None and child in members.items:
            left = tuple(one for one in members.items if one != child)
            state.put(held.value, replace(members, items=left, may_be_empty=not left, last=None))


def _begun(state: State, record: InstanceRecord) -> None:
    """To change a row begins a transaction."""
    if record.session is not None and record.lifecycle == PERSISTENT:
        touch(state, record.session)


def _written(flow: Flow, state: State, owner: InstanceRecord, name: str, at: Span) -> None:
    """What is put into the collection of a row is written with it: the cascade, or the secondary table."""
    relationship = owner.model.relationships.get(name)
    is_read = relationship is None or relationship.viewonly
    if owner.session is not None and owner.lifecycle == PERSISTENT and not is_read:
        ledger.written(flow, state, owner.session, "attribute", at, owner.model)


def _is_instance(state: State, value: Value) -> bool:
    return isinstance(value, Reference) and isinstance(state.record(value.oid), InstanceRecord)


def _is_new(state: State, value: Value) -> bool:
    record = value.record(state) if isinstance(value, Reference) else None
    return isinstance(record, InstanceRecord) and record.is_new


def members(state: State, value: Value | None) -> frozenset[Value]:
    """Who is in a collection: assigned once more, they are not told again."""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    items = record.items if isinstance(record, ListRecord) else None
    return frozenset(items or ())


def link(
    flow: Flow,
    state: State,
    owner: Reference,
    record: InstanceRecord,
    name: str,
    value: Value,
    but: frozenset[Value] = frozenset(),
) -> None:
    """Objects put into a relationship point back, and join their parent's session (cascade).

    `but`: who was there before; nothing is done to them.
    """
    relationship = record.model.attributes.get(name)
    if not isinstance(relationship, Relationship):
        return
    from asyncsqla_lint.semantics.unit_of_work import adopt

    inverse, link = relationship.inverse, link_of(relationship)
    if value != NONE and (record.is_new or record.is_made) and relationship.target is not None:
        end = (relationship.target.root, link, role_at(relationship, its_end=False))
        state.put(owner, replace(record, referring=record.referring | {end}))
    moved(state, relationship)
    for one in alternatives(value):
        targets: tuple[Value, ...] = (one,)
        if isinstance(one, Reference) and isinstance(state.record(one.oid), ListRecord):
            targets = state.record(one.oid).refers_to()
        for target in (each for whole in targets for each in alternatives(whole)):
            other = state.record(target.oid) if isinstance(target, Reference) else None
            if not isinstance(other, InstanceRecord) or not isinstance(target, Reference) or target in but:
                continue
            if inverse is not None and inverse.uselist is False:
                taken_from(state, target, other, inverse, owner)
                other = other.with_attribute(inverse.name, AttributeState(LOADED, owner, LINKED)).with_key(
                    inverse.name
                )
            elif inverse is None:
                other = replace(other, blank=frozenset(), leads={})
            elif inverse.uselist:
                other = _with_child(flow, state, target, other, inverse.name, owner)
            by = (record.model.root, link, role_at(relationship, its_end=True))
            told = partial(_linked, relationship=relationship, by=by, is_by_new=record.is_new)
            other = paths.on_each(other, told)
            state.put(target, other)
            _begun(state, other)
            if other.session is None and record.session is not None and other.lifecycle in _CASCADED:
                adopt(flow, state, record.session, target)


_CASCADED = (TRANSIENT, DETACHED)  # whose lifecycle a session changes that gets them by a cascade


def _holds_the_key(relationship: Relationship) -> bool:
    """Is the foreign key in the row of what the relationship leads to?"""
    inverse = relationship.inverse
    is_many_to_one = inverse is not None and inverse.direction == "many-to-one"
    return is_many_to_one or relationship.direction == "one-to-many"


def _with_child(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str, child: Reference
) -> InstanceRecord:
    """The other side's collection hears of the child: a new object's is loaded by it, a loaded one grows."""
    found = record.attributes.get(name)
    if record.has_identity and (found is None or found.value is None):
        record = _looked_into(flow, state, me, record, name)
        found = record.attributes.get(name)
    if found is not None and found.value is not None and found.bits & LOADED:
        for one in alternatives(found.value):
            held = state.record(one.oid) if isinstance(one, Reference) else None
            if isinstance(held, CollectionRecord) and isinstance(one, Reference):
                grown = held.with_more(Iteration(items=(child,), may_be_empty=False))
                state.put(
                    one, CollectionRecord(grown.items, grown.element, grown.kind, False, me, name, child)
                )
        is_somewhere_gone = bool(found.bits & EXPIRED)  # (each path says by itself what that does there)
        return record if is_somewhere_gone else record.with_attribute(name, replace(found, cause=None))
    if not record.has_identity:
        made = flow.allocate(state, CollectionRecord((child,), None, "list", False, me, name))
        return record.with_attribute(name, AttributeState(LOADED, made))
    return record


def _looked_into(
    flow: Flow, state: State, me: Reference, record: InstanceRecord, name: str
) -> InstanceRecord:
    """A collection that is there, and that nobody has read: it gets a value that can grow."""
    from asyncsqla_lint.semantics.reading import value_of

    found, relationship = record.state_of(name), record.model.relationships.get(name)
    if found is None or relationship is None or found.bits != LOADED:
        return record
    value_of(flow, state, me, record, relationship, found)
    now = state.record(me.oid)
    return now if isinstance(now, InstanceRecord) else record


def _linked(
    other: InstanceRecord, relationship: Relationship, by: tuple[ClassInfo, str, str], is_by_new: bool
) -> InstanceRecord:
    """What it does to a row, or to an object, that the relationship of another leads to it now."""
    inverse = relationship.inverse
    is_pair = relationship.direction == "many-to-many" or (inverse is not None and inverse.uselist)
    if other.expired is not None and is_pair:  # the flush asks for its key, to write the pair down
        only = other.has_row_as_it_was
        other = replace(other, is_modified=other.is_modified or None, only_collections=only)
        other = other if inverse is None else _waiting(other, inverse.name)
    # Its row refers to another one now: surely to a new one, else if it did not do so before.
    if _holds_the_key(relationship) and (is_by_new or other.expired is not None):
        is_modified = True if is_by_new else other.is_modified or None
        other = replace(other, is_modified=is_modified, only_collections=False)
    is_directed = other.is_directed or _holds_the_key(relationship)
    is_written = True if inverse is not None else other.is_written
    referring = other.referring | {by} if other.is_new or other.is_made else other.referring
    return replace(other, is_directed=is_directed, is_written=is_written, referring=referring)


def _waiting(record: InstanceRecord, name: str) -> InstanceRecord:
    """An expired collection that something waits to be added to: no reload of the columns brings it along."""
    found = record.state_of(name)
    cause = None if found is None else found.cause or record.expired
    if found is None or found.bits != EXPIRED or cause is None:
        return record
    return record.with_attribute(name, replace(found, cause=replace(cause, stays=True)))


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
        if not record.has_identity or allowed(flow, state, record, attribute, found):
            return
        if not flow.is_caught("MissingGreenlet", "InvalidRequestError", "StatementError", "SQLAlchemyError"):
            emit(flow, state, self.owner, record, attribute, found, True, at, "read")

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
