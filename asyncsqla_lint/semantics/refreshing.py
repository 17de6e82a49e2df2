"""What `refresh()` brings back: what the query that first loaded an instance would load again."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, Constant, Reference, TupleValue, Value
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.semantics import paths
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    LOADED,
    RAISES,
    SURE,
    UNLOADED,
    UNSURE,
    WHOLE,
    WRITTEN,
    AttributeState,
)
from asyncsqla_lint.semantics.instances import PERSISTENT, InstanceRecord
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.ways_back import come_round


def refreshed(record: InstanceRecord) -> InstanceRecord:
    """A bare `refresh` replays the options of the query that first loaded the instance, and nothing else."""
    result, *others = [_replayed(record, plan) for plan in record.replays or (None,)]
    for other in others:
        joined = result.joined(other)
        assert isinstance(joined, InstanceRecord)
        result = joined
    return result


def given_up(record: InstanceRecord, names: tuple[str, ...]) -> InstanceRecord:
    """Before anything is flushed a refresh expires what it is asked for: changes of that are not written."""
    changed = [name for name, found in record.attributes.items() if found.cause is WRITTEN]
    if not changed or record.lifecycle != PERSISTENT or (names and not set(changed) <= set(names)):
        return record
    attributes = {
        name: AttributeState(EXPIRED) if name in changed else found
        for name, found in record.attributes.items()
    }
    return replace(record, attributes=attributes, is_modified=False)


def _replayed(record: InstanceRecord, plan: Plan | None) -> InstanceRecord:
    attributes: dict[str, AttributeState] = {}
    if plan is not None:
        # A wildcard without an entity is said of one query alone.
        plan = come_round(replace(plan, wildcards=(), is_refresh=True), record.model, is_there=True)
        for name in record.blank:  # what takes whom the session holds needs nobody where it leads to nothing
            if plan.takes_what_is_held(record.model.relationships[name]):
                attributes[name] = AttributeState(LOADED, NONE)
    else:  # what options nobody knows would load again, with all that it leads to
        attributes = {
            name: AttributeState(UNSURE)
            for name in record.attributes
            if isinstance(record.model.attributes.get(name), Relationship)
        }
    fresh = replace(
        record,
        plan=plan,
        attributes=attributes,
        expired=None,
        is_new=False,
        is_modified=False,
        lifecycle=PERSISTENT,
    )
    # It has expired what an option defers: that is asked for, though the option would have it raise.
    asked = {
        name: AttributeState(UNLOADED)
        for name, column in record.model.columns.items()
        if not column.deferred and (known := fresh.state_of(name)) is not None and known.bits == RAISES
    }
    return replace(fresh, attributes={**attributes, **asked}) if asked else fresh


def come_back(record: InstanceRecord) -> InstanceRecord:
    """An expired instance that is asked for by its key: its columns are there as the class says.

    No option of a query defers one of them, or undefers it; relationships are as a refresh loads them.
    """
    fresh = refreshed(record)
    columns: dict[str, AttributeState] = {}
    for name, column in record.model.columns.items():
        found = fresh.state_of(name)
        if found is None or found.cause is not None:
            continue
        if not column.deferred and found.bits & (UNLOADED | RAISES):
            columns[name] = AttributeState(LOADED)
        elif column.deferred and found.bits == LOADED:
            bits = RAISES if column.deferred_raiseload else UNLOADED
            columns[name] = AttributeState(bits, None, record.expired)
    return replace(fresh, attributes={**fresh.attributes, **columns})


def reloaded(record: InstanceRecord) -> InstanceRecord:
    """What of an instance is expired is loaded again."""
    if paths.of(record):
        return paths.on_each(record, lambda one: reloaded(one) if one.is_expired else one)
    fresh = come_back(record)
    kept = {
        name: one
        for name, one in record.attributes.items()
        if not one.bits & EXPIRED or (one.cause is not None and one.cause.stays)
    }
    return replace(fresh, attributes={**fresh.attributes, **kept})


def attribute_names(state: State, value: Value | None) -> tuple[str, ...] | None:
    """The names in a list of attribute names; () when none are given, None when they cannot be read."""
    if value is None or value == NONE:
        return ()
    items: tuple[Value, ...] | None = None
    if isinstance(value, TupleValue):
        items = value.elements
    elif isinstance(value, Reference):
        record = state.record(value.oid)
        items = record.items if isinstance(record, ListRecord) else None
    if items is None or not all(isinstance(one, Constant) and isinstance(one.value, str) for one in items):
        return None
    return tuple(str(one.value) for one in items if isinstance(one, Constant))


def keys_of(record: InstanceRecord, names: tuple[str, ...]) -> list[str]:
    """The expired columns that lead to the relationships named come along (`ASQ302/good_commit_expires`).

    A many-to-one that no join loads asks for its key, and with one expired column come all.
    """
    found: set[str] = set()
    for name in names:
        relationship = record.model.relationships.get(name)
        if relationship is None:
            continue
        if relationship.direction != "many-to-one":
            found.update(record.model.primary_key)
            continue
        found.update(relationship.local_keys)
        strategy = None if record.plan is None else record.plan.strategy(relationship)
        if strategy in ("joinedload", "contains_eager", "noload"):
            continue
        if any((one := record.state_of(key)) and one.bits & EXPIRED for key in relationship.local_keys):
            found.update(one.name for one in record.model.columns.values() if not one.deferred)
    return [name for name in sorted(found) if (one := record.state_of(name)) and one.bits & EXPIRED]


def perhaps_reloaded(record: InstanceRecord) -> InstanceRecord:
    """Asked for by its key where some paths have expired it as a whole: there its columns come back."""
    back = {
        name: replace(found, bits=found.bits & ~(EXPIRED | EXPIRED << SURE))
        for name, found in record.attributes.items()
        if found.bits & EXPIRED
        and found.bits & (LOADED | UNSURE)
        and found.cause is not None
        and found.cause.what in WHOLE
        and name in record.model.columns
    }
    return replace(record, attributes={**record.attributes, **back}) if back else record
