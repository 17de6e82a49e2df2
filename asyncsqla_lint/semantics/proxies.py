"""Association proxies: reading one reads the relationship behind it, and changing one changes that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, Value, union
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import AssociationProxy, Relationship
from asyncsqla_lint.semantics import flushing, ledger
from asyncsqla_lint.semantics.attribute_states import LOADED, UNSURE, WRITTEN, AttributeState
from asyncsqla_lint.semantics.collections import CollectionRecord
from asyncsqla_lint.semantics.instances import PERSISTENT, InstanceRecord, current

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_ADDS = frozenset({"append", "add", "insert", "extend", "update", "setdefault"})


class ProxyRecord(ListRecord, frozen=True):
    """What a proxy of a collection shows. What is put in is made into a member of the collection."""

    collection: Reference | None = None

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name in _ADDS:
            self._grow(flow, state, at)
        return super().call_method(flow, state, me, name, arguments, at)

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        self._grow(flow, state, at)
        super().set_item(flow, state, me, key, value, at)

    def _grow(self, flow: Flow, state: State, at: Span) -> None:
        record = None if self.collection is None else state.record(self.collection.oid)
        if self.collection is not None and isinstance(record, CollectionRecord):
            record.call_method(flow, state, self.collection, "append", Arguments((UNKNOWN,)), at)


def read_proxy(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: AssociationProxy,
    at: Span,
    use: str,
) -> Value:
    from asyncsqla_lint.semantics.reading import read

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
    behind = value if isinstance(value, Reference) else None
    shown = ProxyRecord(None, union(found) if found else None, collection=behind)
    return flow.allocate(state, shown)


def write_proxy(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: AssociationProxy,
    value: Value,
    at: Span,
) -> None:
    """`term.texts = {"de": "Haus"}`: the relationship behind it is asked for, and then changed.

    Of a new object it is there after the flush, unless nothing was given:
    `ASQ301/good_given_through_a_proxy`.
    """
    from asyncsqla_lint.semantics.reading import read

    name = attribute.collection
    relationship = None if name is None else record.model.relationships.get(name)
    if name is None or relationship is None or relationship.uselist is None:
        return
    read(flow, state, me, record, name, at, "change" if relationship.uselist else "read")
    record = current(state, me, record)
    stored, is_sure = UNKNOWN, False
    if relationship.uselist:
        iteration = value.iterate(flow, state, at, False)
        if iteration.items == ():
            return
        stored = flow.allocate(state, CollectionRecord(None, UNKNOWN, "list", True, me, name))
        is_sure = not iteration.may_be_empty
    known = AttributeState(LOADED, stored, WRITTEN) if is_sure else AttributeState(LOADED | UNSURE)
    state.put(me, replace(record.with_attribute(name, known), is_modified=True, is_written=True))
    if record.session is not None and record.lifecycle == PERSISTENT:
        flushing.touch(state, record.session)
        ledger.written(flow, state, record.session, "attribute", at, record.model)
