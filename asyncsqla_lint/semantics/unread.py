"""What queries have loaded below their rows, and nobody has read yet: later queries meet it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.project.models import Model, Relationship
from asyncsqla_lint.semantics.attribute_states import LOADED
from asyncsqla_lint.semantics.instances import PERSISTENT, InstanceRecord, current
from asyncsqla_lint.semantics.loader_options import EAGER, FILLING
from asyncsqla_lint.semantics.many_to_one import plan_leads_to
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.reading import value_of
from asyncsqla_lint.semantics.requerying import own_strategy

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

MOST_STEPS = 3
MOST_HELD = 120  # eager loads that lead in circles show ever more rows: with so many, no more are looked for


def shown(flow: Flow, state: State, session: Reference, model: Model, plan: Plan | None = None) -> None:
    """Gives records to the unread instances of `model` that the session holds, if the plan changes them."""
    if plan is not None and not filled(model, plan) and not has_own_strategies(model, plan):
        return
    for _ in range(MOST_STEPS):
        held = [one for one in state.records(InstanceRecord) if one[1].session == session]
        if len(held) > MOST_HELD:
            flow.count("sessions that hold too many rows")
            return
        leading = [
            (reference, record, relationship)
            for reference, record in held
            if record.lifecycle == PERSISTENT and not record.is_new
            for relationship in record.model.relationships.values()
            if _leads_to(record, relationship, model)
        ]
        if not leading:
            return
        for reference, record, relationship in leading:
            found = record.state_of(relationship.name)
            assert found is not None
            value_of(flow, state, reference, current(state, reference, record), relationship, found)


def filled(model: Model, plan: Plan) -> list[str]:
    """The relationships of `model` that the plan fills."""
    return [
        name
        for name, one in model.relationships.items()
        if plan.strategy(one) in FILLING or plan.takes_what_is_held(one)
    ]


def has_own_strategies(model: Model, plan: Plan) -> bool:
    """Does an option say what is to become of a read, where the class says otherwise?"""
    return any(own_strategy(one, plan) for one in model.relationships.values())


def revealed(flow: Flow, state: State, reference: Reference, record: InstanceRecord) -> None:
    """Gives records to what the instance has loaded and nobody has read."""
    for name, relationship in record.model.relationships.items():
        found = record.state_of(name)
        plan = record.plan if found is None or found.plan is None else found.plan
        if found is None or found.bits != LOADED or found.value is not None or plan is None or record.is_new:
            continue
        if plan.strategy(relationship) in EAGER or found.plan is not None:
            value_of(flow, state, reference, current(state, reference, record), relationship, found)


def _leads_to(record: InstanceRecord, relationship: Relationship, model: Model) -> bool:
    found = record.state_of(relationship.name)
    if found is None or found.bits != LOADED or found.value is not None or relationship.target is None:
        return False
    if relationship.name in record.blank:
        return False
    plan = record.plan if found.plan is None else found.plan
    if plan is None or relationship.lazy in ("dynamic", "write_only", "noload"):
        return False
    return plan_leads_to(plan.below(relationship), relationship.target, model.cls, 0, None)
