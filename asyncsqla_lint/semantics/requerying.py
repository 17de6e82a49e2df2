"""Requerying: what a query does to an instance that it meets, and that is certainly its row."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.project.models import Column, ColumnProperty, QueryExpression, Relationship
from asyncsqla_lint.semantics import paths
from asyncsqla_lint.semantics.attribute_states import (
    EXPIRED,
    LOADED,
    RAISES,
    UNLOADED,
    UNSURE,
    WRONG,
    AttributeState,
)
from asyncsqla_lint.semantics.default_states import NOTHING, is_given_up
from asyncsqla_lint.semantics.instances import PERSISTENT, InstanceRecord
from asyncsqla_lint.semantics.loader_options import FILLING
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.statements import Statement
from asyncsqla_lint.semantics.ways_back import made_last


def requeried(record: InstanceRecord, plan: Plan, statement: Statement) -> InstanceRecord:
    """A query has met this very instance: what was missing and it loads is there now."""
    if paths.of(record):
        return paths.on_each(
            record, lambda one: requeried(one, plan, statement) if one.lifecycle == PERSISTENT else one
        )
    if statement.populate_existing or record.expired is not None:
        anew = _loaded_anew(record, plan, statement)
        return _with_keys(anew) if record.expired is not None else anew
    attributes = dict(record.attributes)
    for name, attribute in record.model.attributes.items():
        state = record.state_of(name)
        if state is None or not (state.bits & (WRONG | UNSURE) or state.plan is NOTHING):
            continue
        if isinstance(attribute, Relationship):
            if (
                plan.is_open
                or plan.is_in_doubt(attribute)
                or (plan.is_perhaps_loaded(name) and not plan.is_loaded_anyway(name))
            ):
                attributes[name] = state.doubted()
            elif _loaded_by(record, plan, name):
                attributes[name] = AttributeState(LOADED, plan=source_of(record, plan, attribute))
            elif plan.takes_what_is_held(attribute):
                attributes[name] = state.doubted()
            elif not state.bits & LOADED and (bits := own_strategy(attribute, plan)):
                attributes[name] = AttributeState(bits, plan=plan)
        elif (
            isinstance(attribute, (Column, ColumnProperty, QueryExpression))
            and plan.knows_of(attribute.owner, record.model, name)
            and plan.loads_column(record.model, attribute) is not False
        ):
            attributes[name] = AttributeState(LOADED)
    if record.is_new and record.lifecycle == PERSISTENT and plan.has_column_options:
        for name in _never_given(record):
            if plan.loads_column(record.model, record.model.columns[name]) is False:
                attributes[name] = AttributeState(UNLOADED)
    return replace(record, attributes=attributes)


def _never_given(record: InstanceRecord) -> list[str]:
    """Columns of a row made here of which the object itself holds nothing, not even the NULL."""
    given = {
        key
        for name, one in record.model.relationships.items()
        if name not in record.blank and one.direction == "many-to-one"
        for key in one.local_keys
    }
    return [
        name
        for name, column in record.model.columns.items()
        if name not in record.attributes
        and name not in given
        and column.is_complete
        and not (column.primary_key or column.default is not None or column.is_set_by_server_on_insert)
        and name != record.model.discriminator  # (its mapper gives that)
    ]


def _loaded_by(record: InstanceRecord, plan: Plan, name: str) -> bool:
    attribute = record.model.attributes.get(name)
    return isinstance(attribute, Relationship) and plan.strategy(attribute) in FILLING


def _comes_with(record: InstanceRecord, plan: Plan, name: str) -> bool:
    column = record.model.columns.get(name)
    if column is not None:  # such as a deferred one that was not there before, and that an option undefers
        return (
            plan.knows_of(column.owner, record.model, name)
            and plan.loads_column(record.model, column) is True
        )
    return _loaded_by(record, plan, name)


def source_of(record: InstanceRecord, plan: Plan, relationship: Relationship) -> Plan:
    """Whose options are for what the relationship leads to.

    An instance that is there emits a SELECT of its own with the options that it came with.
    """
    if plan.strategy(relationship) == "immediateload" and len(record.replays) == 1:
        return record.replays[0].by_itself(relationship)
    return plan


def _with_keys(record: InstanceRecord) -> InstanceRecord:
    """`lazy="immediate"` asks for a foreign key that is still expired: everything comes with it."""
    plan, columns = record.plan, record.model.columns
    asks = plan is not None and any(
        plan.asks_for_key(one)
        and any(plan.loads_column(record.model, columns[key]) is False for key in one.local_keys)
        for one in record.model.relationships.values()
    )
    if not asks:
        return record
    doubtful = {
        name: found.doubted()
        for name in record.model.attributes
        if (found := record.state_of(name)) is not None
        and found.bits & WRONG
        and not _is_left_deferred(record, name, found)
    }
    return replace(record, attributes={**record.attributes, **doubtful})


def _is_left_deferred(record: InstanceRecord, name: str, found: AttributeState) -> bool:
    """A deferred column that was not there has not expired: nothing but its own read asks for it."""
    column = record.model.columns.get(name)
    return column is not None and column.deferred and not found.bits & (EXPIRED | UNSURE)


def _loaded_anew(record: InstanceRecord, plan: Plan, statement: Statement) -> InstanceRecord:
    """`populate_existing`, or the instance was expired: what the query does not load is not there."""
    # The options that a refresh replays are those of the load that made the instance, unless others come.
    is_remade = statement.populate_existing and plan.has_options
    attributes: dict[str, AttributeState] = {}
    for name, state in record.attributes.items():
        attribute = record.model.attributes.get(name)
        if not statement.populate_existing:
            is_missing = (state.bits & (WRONG | UNSURE) or state.plan is NOTHING) and _comes_with(
                record, plan, name
            )
            if not state.bits & EXPIRED and not is_missing:
                attributes[name] = state
        elif isinstance(attribute, Relationship) and _prepares(attribute, plan):
            attributes[name] = state
    if statement.populate_existing and record.expired is None:
        for name, column in record.model.columns.items():  # nor does one that defers a column
            known = record.state_of(name)
            if known is not None and not column.deferred and plan.loads_column(record.model, column) is False:
                attributes[name] = known
        for name, one in record.model.relationships.items():
            known = record.state_of(name)
            if known is not None and plan.leaves_alone(one):
                attributes[name] = replace(known, plan=known.plan or record.plan)
            elif known is not None and known.bits & LOADED and plan.strategy(one) == "immediateload":
                if is_given_up(record, plan, one):  # what was there is there, or has come again
                    attributes[name] = replace(known, value=None)
    anew = replace(
        record,
        plan=plan,
        origin=statement.site,
        replayed=(plan,) if is_remade else record.replays,
        attributes=attributes,
        expired=None,
        is_new=False,
        is_modified=False,
    )
    return remade(anew, plan) if is_remade else anew


def remade(record: InstanceRecord, plan: Plan) -> InstanceRecord:
    """Under `populate_existing` what leads back to a row makes it once more, and may undo a load."""
    last, undone = made_last(plan, record.model)
    if undone is not None and not (last.leaves_alone(undone) or _prepares(undone, last)):
        record = record.with_attribute(undone.name, AttributeState(UNLOADED))
    return record if last is plan else replace(record, replayed=(last,))


def _prepares(relationship: Relationship, plan: Plan) -> bool:
    """Such an option prepares the next load, and leaves a scalar's value alone."""
    return not relationship.uselist and bool(own_strategy(relationship, plan))


def own_strategy(relationship: Relationship, plan: Plan) -> int:
    """What an option makes of an unloaded relationship of this instance, where its class says otherwise."""
    strategy = plan.strategy(relationship)
    if strategy == "raiseload":
        is_the_class_s = relationship.lazy == (
            "raise_on_sql" if plan.raises_on_sql_only(relationship) else "raise"
        )
        return 0 if is_the_class_s else RAISES
    return UNLOADED if strategy == "lazyload" and relationship.lazy in ("raise", "raise_on_sql") else 0
