"""Operators: comparisons, arithmetic, `%` of texts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import narrowing, operators
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.strings import concatenated, is_text, percent_formatted, text
from asyncsqla_lint.flow.targets import changing
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Member,
    Reference,
    Text,
    TupleValue,
    Value,
    alternatives,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def evaluate_compare(flow: Flow, state: State, node: p.Compare) -> Value:
    left = flow.evaluate(state, node.left)
    result: Value = UNKNOWN
    for operator, right_node in zip(node.operators, node.comparators, strict=True):
        if operator in ("in", "not in"):
            right = changing(flow, state, right_node, partial(flow.evaluate, state, right_node))
        else:
            right = flow.evaluate(state, right_node)
        shown = right
        if right is UNKNOWN and isinstance(right_node, p.Attribute):
            shown = Member(right_node.name)
        result = compare(flow, state, left, operator, shown, node.span)
        left = right
    return result if len(node.operators) == 1 else UNKNOWN


_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def compare(flow: Flow, state: State, left: Value, operator: str, right: Value, at: p.Span) -> Value:
    if operator in ("in", "not in"):
        tested = right.tested_for(flow, state, left, operator == "in")
        if tested is not None:
            return tested
        for one in alternatives(left):
            operators.searched(flow, state, one, right, at)
    special = left.compared(flow, state, operator, right, at)
    is_asked_back = operator not in ("in", "not in", "is", "is not") or right.identity() is not None
    if special is None and is_asked_back:
        special = right.compared(flow, state, _MIRRORED.get(operator, operator), left, at)
    if special is not None:
        return special
    return narrowing.compare(flow, state, left, operator, right, at)


def evaluate_unary(flow: Flow, state: State, node: p.UnaryOperation) -> Value:
    value = flow.evaluate(state, node.operand)
    if node.operator == "not":
        truth = value.truth(state)
        return UNKNOWN if truth is None else Constant(not truth)
    if node.operator == "-" and isinstance(value, Constant) and isinstance(value.value, (int, float)):
        return Constant(-value.value)
    own = operators.run_method(flow, state, value, (operators.UNARY[node.operator],), Arguments(), node.span)
    if own is not None:
        return own
    if node.operator == "~":
        return value.operated(flow, state, "~", UNKNOWN, node.span) or UNKNOWN
    return UNKNOWN


def evaluate_augmented(flow: Flow, state: State, node: p.AugmentedAssign) -> Value:
    left = flow.evaluate(state, node.target)
    right = flow.evaluate(state, node.value)
    own = operators.operated_in_place(flow, state, left, node.operator, right, node.span)
    return operate(flow, state, left, node.operator, right, node.span) if own is None else own


def evaluate_binary(flow: Flow, state: State, node: p.BinaryOperation) -> Value:
    left = flow.evaluate(state, node.left)
    right = flow.evaluate(state, node.right)
    return operate(flow, state, left, node.operator, right, node.span)


def operate(flow: Flow, state: State, left: Value, operator: str, right: Value, at: p.Span) -> Value:
    if operator == "+":
        if is_text(left) or is_text(right):
            # `User.name + "!"` is for the other to say.
            own = (right if is_text(left) else left).operated(flow, state, operator, right, at)
            return own if own is not None and own is not UNKNOWN else concatenated((left, right))
        if isinstance(left, Constant) and isinstance(right, Constant):
            if isinstance(left.value, (int, float)) and isinstance(right.value, (int, float)):
                return Constant(left.value + right.value)
            return UNKNOWN
    if operator == "-" and isinstance(left, Constant) and isinstance(right, Constant):
        if isinstance(left.value, (int, float)) and isinstance(right.value, (int, float)):
            return Constant(left.value - right.value)
        return UNKNOWN
    if operator == "%" and isinstance(left, (Constant, Text)):
        if not isinstance(left, Constant) or isinstance(left.value, str):
            given = right.elements if isinstance(right, TupleValue) else (right,)
            written = percent_formatted(flow, state, left, given, at)
            return _percent(left.value, TupleValue(written)) if isinstance(left, Constant) else UNKNOWN
    if operator in ("+", "|") and hasattr(left, "record"):
        record = left.record(state)
        if isinstance(record, (ListRecord, DictRecord)):
            return record.added(flow, state, right, at)
    if operator == "*" and isinstance(left, Reference):
        repeated = left.record(state)
        if isinstance(repeated, ListRecord):
            return flow.allocate(state, ListRecord(None, repeated.whole(), repeated.kind))
    if operator == "+" and isinstance(left, TupleValue):
        more = right.elements if isinstance(right, TupleValue) else _items(state, right)
        return UNKNOWN if more is None else TupleValue(left.elements + more)
    return (
        left.operated(flow, state, operator, right, at)
        or right.operated(flow, state, operator, left, at)
        or UNKNOWN
    )


def _items(state: State, value: Value) -> tuple[Value, ...] | None:
    """The items of a tuple that a call has made: `*names` of a parameter, `tuple(names)`."""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    return record.items if isinstance(record, ListRecord) and record.kind == "tuple" else None


def _percent(pattern: p.Scalar, right: TupleValue) -> Value:
    assert isinstance(pattern, str)
    values = right.elements
    pieces = pattern.split("%s")
    if "%" in "".join(pieces) or len(pieces) != len(values) + 1:
        return text([pieces[0].split("%")[0] or None, None])
    parts: list[Value] = [Constant(pieces[0])]
    for value, piece in zip(values, pieces[1:], strict=True):
        parts += [value, Constant(piece)]
    return concatenated(parts)
