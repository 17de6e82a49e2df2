"""What assigning an attribute of an instance does, and constructing one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, Arguments, Reference, TupleValue, Value, alternatives
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import (
    AssociationProxy,
    Hybrid,
    MappedAttribute,
    Model,
    Relationship,
    Synonym,
    UnknownAttribute,
)
from asyncsqla_lint.semantics import flushing, ledger, paths, references
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    LOADED,
    RAISES,
    SERVER_SIDE,
    UNLOADED,
    UNSURE,
    WRITTEN,
    AttributeState,
)
from asyncsqla_lint.semantics.collections import CollectionRecord, link, members, taken_from
from asyncsqla_lint.semantics.events import AttributeWritten
from asyncsqla_lint.semantics.expressions import AttributeValue, Criterion
from asyncsqla_lint.semantics.instances import PERSISTENT, TRANSIENT, InstanceRecord, allocate, current
from asyncsqla_lint.semantics.missing import missing
from asyncsqla_lint.semantics.proxies import write_proxy
from asyncsqla_lint.semantics.validators import validated

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


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
    if isinstance(attribute, AssociationProxy):
        write_proxy(flow, state, me, record, attribute, value, at)
        return
    is_collection = isinstance(attribute, Relationship) and attribute.uselist
    if not is_collection:  # (of one, each that is added is asked for)
        value = validated(flow, state, me, record.model, name, value, at)
        record = current(state, me, record)
    if isinstance(attribute, Relationship):
        from asyncsqla_lint.semantics.eager_use import seen

        if attribute.uselist:
            seen(flow, state, record, name)  # its members are compared with the new ones
        found_state = record.state_of(name)
        # Replacing a collection has to know the old one; a scalar's old value is not asked for.
        if found_state is not None and found_state.bits & (UNLOADED | EXPIRED | RAISES) and attribute.uselist:
            missing(flow, state, me, record, attribute, found_state, at, "change")
            record = current(state, me, record)
        if _is_there_already(state, found_state, value) and not attribute.uselist:
            # Nothing changes, and no UPDATE is made; but a savepoint's rollback takes it back.
            state.put(me, paths.on_each(record, lambda one: replace(one, is_written=True)))
            return
        if attribute.direction == "many-to-one":
            taken_from(state, me, record, attribute, value)
    stored = value
    if isinstance(attribute, Relationship) and attribute.uselist:
        iteration = value.iterate(flow, state, at, False)
        stored = flow.allocate(
            state,
            CollectionRecord(iteration.items, iteration.element, "list", iteration.may_be_empty, me, name),
        )
    # A SQL expression is computed by the server: after the flush the value has to be fetched.
    cause = SERVER_SIDE if isinstance(stored, (Criterion, AttributeValue)) else WRITTEN

    def written(one: InstanceRecord) -> InstanceRecord:
        return replace(
            one.with_attribute(name, AttributeState(LOADED, stored, cause)).with_key(name),
            is_modified=True,
            only_collections=_is_of_other_rows(attribute) and one.has_row_as_it_was,
            is_written=True,
            is_directed=True,
        )

    state.put(me, paths.on_each(record, written))
    if isinstance(attribute, Relationship):
        held = found_state.value if found_state is not None and found_state.bits == LOADED else None
        before = members(state, held)
        link(flow, state, me, current(state, me, record), name, stored, before)
    elif record.has_identity:
        references.rewritten(state, record.model.cls, frozenset((name,)))
    if record.session is not None and record.lifecycle == PERSISTENT:
        flushing.touch(state, record.session)
        ledger.written(flow, state, record.session, "attribute", at, record.model)
    if flow.listens(AttributeWritten):
        flow.emit(AttributeWritten(flow.site(at), flow.frame, flow.is_certain, me, record, attribute))


def _is_of_other_rows(attribute: MappedAttribute) -> bool:
    return isinstance(attribute, Relationship) and attribute.direction in ("one-to-many", "many-to-many")


def _is_there_already(state: State, found: AttributeState | None, value: Value) -> bool:
    """Is it the very object to which the relationship leads?"""
    if found is None or found.bits != LOADED or found.value != value:
        return False
    records = [state.record(one.oid) for one in alternatives(value) if isinstance(one, Reference)]
    return bool(records) and all(isinstance(one, InstanceRecord) and not one.many for one in records)


def construct(
    flow: Flow, state: State, cls: ClassValue, model: Model, arguments: Arguments, at: Span
) -> Value:
    """`User(name=…)`: a transient instance."""
    me = allocate(
        flow,
        state,
        InstanceRecord(
            model,
            plan=None,
            lifecycle=TRANSIENT,
            is_new=True,
            is_made=True,
            origin=flow.site(at),
            is_modified=True,
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
    if model.is_dataclass and flow.release == "2.0":  # 2.1 leaves the attribute alone instead
        for name, one in model.relationships.items():
            if one.init_default:
                given.setdefault(name, TupleValue(()) if one.uselist else NONE)
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
        if (name not in record.attributes or record.attributes[name].value == NONE)
        and one.local_keys
        and not any(key in record.attributes or _has_default(record.model, key) for key in one.local_keys)
    )


def _has_default(model: Model, name: str) -> bool:
    column = model.columns.get(name)
    return column is None or column.default is not None or column.server_default or not column.is_complete
