"""What a statement asks for of a class: its plan, and whether that is every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.semantics.expressions import AliasValue
from asyncsqla_lint.semantics.loader_options import EAGER
from asyncsqla_lint.semantics.plans import Plan, named_in, plan_for
from asyncsqla_lint.semantics.statements import Statement, entity_class

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

MOST_STEPS = 3


def planned(flow: Flow, model: Model, statement: Statement, subclasses: tuple[ClassInfo, ...]) -> Plan:
    plan = plan_for(model.cls, statement.options, subclasses)
    entities = [(one, cls) for one in statement.entities if (cls := entity_class(one)) is not None]
    if len(entities) > 1:
        others = [(plan_for(cls, statement.options), isinstance(one, AliasValue)) for one, cls in entities]
        known = tuple(replace(own, is_open=own.is_open or is_alias) for own, is_alias in others)
        plan = replace(plan, others=known)
        leading = [
            one for other in known for one in _leading_to(model, flow.index.model(other.trail[-1]), other)
        ]
        plan = replace(plan, besides=tuple(dict.fromkeys(leading)))
    if statement.perhaps:
        plan = replace(plan, perhaps=named_in(model.cls, statement.perhaps), chosen_in=statement.chosen_in)
    if statement.from_statement:
        plan = replace(plan, entries=tuple(one for one in plan.entries if one.strategy != "joinedload"))
    return plan


def _leading_to(model: Model, source: Model | None, plan: Plan, depth: int = 0) -> Iterator[Plan]:
    """What the query loads below its other entities: that may be rows of this class, or not."""
    for one in () if source is None or depth == MOST_STEPS else source.relationships.values():
        target = one.target
        if target is None or plan.strategy(one) not in EAGER:
            continue
        below = plan.below(one)
        if target.cls.is_subclass_of(model.cls) or model.cls.is_subclass_of(target.cls):
            yield replace(below, others=())
        yield from _leading_to(model, target, below, depth + 1)


def is_whole(statement: Statement) -> bool:
    """Does it give every row of its class?"""
    return not statement.is_filtered and is_whole_but_for_filters(statement)


def is_whole_but_for_filters(statement: Statement) -> bool:
    """…or every one that is not filtered out wherever its options lead?"""
    return not statement.joins and _is_whole(statement)


def is_whole_but_for_joins(statement: Statement) -> bool:
    """…or every one to which something is joined?"""
    return not statement.is_filtered and _is_whole(statement)


def _is_whole(statement: Statement) -> bool:
    return statement.kind == "select" and not (
        statement.has_criteria
        or statement.narrowed
        or statement.from_statement
        or len(statement.entities) != 1
    )
