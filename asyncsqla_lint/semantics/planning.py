"""What a statement asks for of a class: its plan, and whether that is every row."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.semantics.expressions import AliasValue
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
    if statement.perhaps:
        plan = replace(plan, perhaps=named_in(model.cls, statement.perhaps), chosen_in=statement.chosen_in)
    if statement.from_statement:
        plan = replace(plan, entries=tuple(one for one in plan.entries if one.strategy != "joinedload"))
    return plan


def is_whole(statement: Statement) -> bool:
    """Does it give every row of its class?"""
    return statement.kind == "select" and not (
        statement.has_criteria
        or statement.narrowed
        or statement.from_statement
        or len(statement.entities) != 1
    )
