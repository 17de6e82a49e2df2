"""What a statement asks for of a class: its plan, and whether that is every row."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.semantics.expressions import AliasValue
from asyncsqla_lint.semantics.loader_options import EAGER
from asyncsqla_lint.semantics.plans import Plan, named_in, plan_for
from asyncsqla_lint.semantics.statements import Statement, entity_class


def planned(model: Model, statement: Statement, subclasses: tuple[ClassInfo, ...]) -> Plan:
    plan = plan_for(model.cls, statement.options, subclasses)
    entities = [(one, cls) for one in statement.entities if (cls := entity_class(one)) is not None]
    if len(entities) > 1:
        others = [(plan_for(cls, statement.options), isinstance(one, AliasValue)) for one, cls in entities]
        plan = replace(
            plan, others=tuple(replace(own, is_open=own.is_open or is_alias) for own, is_alias in others)
        )
        plan = replace(plan, perhaps=_led_to(model, plan))
    if statement.perhaps:
        plan = replace(plan, perhaps=named_in(model.cls, statement.perhaps), chosen_in=statement.chosen_in)
    if statement.from_statement:
        plan = replace(plan, entries=tuple(one for one in plan.entries if one.strategy != "joinedload"))
    return plan


def _led_to(model: Model, plan: Plan) -> tuple[frozenset[str], ...]:
    """What other entities' options load below what they lead to: that may be rows of this class, or not."""
    names = frozenset(
        step.name
        for other in plan.others
        for entry in other.entries
        if entry.strategy in EAGER
        for step in entry.path[1:]
        if step.name in model.relationships
    )
    return (names, frozenset()) if names else ()


def is_whole(statement: Statement) -> bool:
    """Does it give every row of its class?"""
    return statement.kind == "select" and not (
        statement.has_criteria
        or statement.narrowed
        or statement.from_statement
        or len(statement.entities) != 1
    )
