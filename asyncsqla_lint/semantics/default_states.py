"""The state of an attribute of which nothing is said: what the query, or an expiry, made of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.project.models import (
    Column,
    ColumnProperty,
    MappedAttribute,
    Model,
    QueryExpression,
    Relationship,
)
from asyncsqla_lint.semantics.attribute_states import (
    CHOSEN,
    EXPIRED,
    LOADED,
    RAISES,
    UNLOADED,
    UNSURE,
    AttributeState,
    Cause,
)
from asyncsqla_lint.semantics.loader_options import EAGER, Entry, Step
from asyncsqla_lint.semantics.plans import Plan

if TYPE_CHECKING:
    from asyncsqla_lint.semantics.instances import InstanceRecord


def default_state(record: InstanceRecord, attribute: MappedAttribute) -> AttributeState:
    if isinstance(attribute, Relationship):
        if attribute.lazy in ("dynamic", "write_only"):
            return AttributeState(LOADED)
    if not record.has_identity:
        return AttributeState(LOADED)
    if record.expired is not None:
        return expired_state(record, attribute, record.expired)
    if isinstance(attribute, Relationship):
        return _relationship(record, attribute)
    if isinstance(attribute, (Column, ColumnProperty, QueryExpression)):
        return _column(record, attribute)
    return AttributeState(LOADED)


NOTHING = Plan(entries=(Entry((Step("*"),), "noload"),))  # a `lazy="noload"` that has expired holds nothing


def expired_state(record: InstanceRecord, attribute: MappedAttribute, cause: Cause) -> AttributeState:
    if isinstance(attribute, Relationship):
        # Asking for the key loads the rest again, and with it what an option asked for.
        comes_back = any(plan.strategy(attribute) in EAGER for plan in record.replays)
        if attribute.lazy == "raise" or (attribute.lazy == "raise_on_sql" and not comes_back):
            return AttributeState(RAISES, None, cause)
        if attribute.lazy == "noload":
            return AttributeState(LOADED, plan=NOTHING)
    return AttributeState(EXPIRED if cause.certain else EXPIRED | LOADED, None, cause)


def _relationship(record: InstanceRecord, attribute: Relationship) -> AttributeState:
    if record.is_new:
        return _unloaded(record, attribute)
    if record.plan is None:
        return AttributeState(UNSURE)
    strategy = record.plan.strategy(attribute)
    if strategy is None:
        is_alone = not record.many and record.plan.takes_what_is_held(attribute)
        return AttributeState(UNLOADED if is_alone else UNSURE)
    if record.plan.is_perhaps_loaded(attribute.name) and strategy not in EAGER:
        missing = 0 if record.plan.is_loaded_anyway(attribute.name) else UNLOADED
        return AttributeState(LOADED | missing | CHOSEN)
    if strategy == "immediateload" and is_given_up(record, record.plan, attribute):
        return AttributeState(LOADED | UNLOADED)
    if strategy in EAGER or strategy == "noload":
        return AttributeState(LOADED)
    if strategy == "raiseload":
        return AttributeState(RAISES)
    return AttributeState(UNLOADED)


def is_given_up(record: InstanceRecord, plan: Plan, attribute: Relationship) -> bool:
    """With the first row of a subclass, a query of the base takes its immediate loads to be done already.

    Of a many-to-one, none of its rows then gets more than what the session holds.
    """
    model = record.model
    return (
        attribute.direction == "many-to-one"
        and model.polymorphic_on is not None
        and bool(model.subclasses)
        and bool(plan.trail)
        and plan.trail[-1] is model.cls
        and not plan.is_refresh
    )


def _unloaded(record: InstanceRecord, attribute: Relationship) -> AttributeState:
    if attribute.lazy in ("raise", "raise_on_sql") and (record.plan is None or not record.plan.entries):
        return AttributeState(RAISES)
    if attribute.lazy == "noload":
        return AttributeState(LOADED)
    return AttributeState(UNLOADED)


def _column(record: InstanceRecord, attribute: Column | ColumnProperty | QueryExpression) -> AttributeState:
    if record.is_new:
        if isinstance(attribute, ColumnProperty):
            return AttributeState(UNLOADED)
        if isinstance(attribute, Column) and attribute.deferred and attribute.default is None:
            return AttributeState(UNLOADED)  # nobody gave it: the row has it, the object does not
        return AttributeState(LOADED)
    if record.plan is None:
        if not isinstance(attribute, QueryExpression) and attribute.deferred:
            return AttributeState(UNSURE)
        return AttributeState(LOADED)
    if not record.plan.knows_of(attribute.owner, record.model, attribute.name):
        return AttributeState(UNLOADED, None, Cause("subclass"))
    loaded = record.plan.loads_column(record.model, attribute)
    if loaded is None:
        return AttributeState(UNSURE)
    if loaded or isinstance(attribute, QueryExpression):
        return AttributeState(LOADED)
    raises = not isinstance(attribute, QueryExpression) and attribute.deferred_raiseload
    raises = raises or any(entry.raises and attribute.name in entry.columns for entry in record.plan.entries)
    if (
        not raises
        and isinstance(attribute, Column)
        and _comes_with_keys(record.model, record.plan, attribute)
    ):
        return AttributeState(LOADED)
    return AttributeState(RAISES if raises else UNLOADED)


def _comes_with_keys(model: Model, plan: Plan, column: Column) -> bool:
    """A key that is left out is asked for all the same, and when refreshing, with it whatever has expired."""
    asked = {
        key
        for one in model.relationships.values()
        if one.direction == "many-to-one" and plan.asks_for_key(one)
        for key in one.local_keys
    }
    if not plan.is_refresh or column.deferred:
        return column.name in asked
    return any(plan.loads_column(model, model.columns[key]) is False for key in asked)
