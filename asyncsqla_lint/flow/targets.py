"""Targets: what an assignment, a `for` or a `with … as` writes to, and `del`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import facts, tested
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Iteration,
    Union,
    Value,
    alternatives,
    union,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


IN_PLACE = frozenset(
    "append add extend insert remove discard clear pop update sort reverse "
    "appendleft popleft setdefault".split()
)


def changing(flow: Flow, state: State, node: p.Expression, act: Callable[[], Value]) -> Value:
    """Evaluate while the attribute `node` is read only to be changed in place, or asked what it holds."""
    if not isinstance(node, p.Attribute):
        return act()
    before, flow.changing = flow.changing, node.span
    try:
        return act()
    finally:
        flow.changing = before


def assign(flow: Flow, state: State, target: p.Expression, value: Value) -> None:
    if isinstance(target, p.Name):
        frame = flow.scopes.frame_of_assignment(flow.frame, target.id)
        state.assign(frame, target.id, value)
        facts.forget(state, target.id)
    elif isinstance(target, p.Attribute):
        flow.evaluate(state, target.value).set_attribute(flow, state, target.name, value, target.span)
        facts.forget(state, tested.key_of(target) or target.name)
    elif isinstance(target, p.Subscript):
        container = changing(flow, state, target.value, partial(flow.evaluate, state, target.value))
        key = UNKNOWN if isinstance(target.index, p.Slice) else flow.evaluate(state, target.index)
        container.set_item(flow, state, key, value, target.span)
    elif isinstance(target, (p.TupleDisplay, p.ListDisplay)):
        _unpack(flow, state, target, value)
    elif isinstance(target, p.Starred):
        assign(flow, state, target.value, value)


def _unpack(flow: Flow, state: State, target: p.TupleDisplay | p.ListDisplay, value: Value) -> None:
    wanted = len(target.elements)
    star = next((i for i, one in enumerate(target.elements) if isinstance(one, p.Starred)), None)
    if isinstance(value, Union) and star is None:
        iteration = _one_of_several(flow, state, value, wanted, target.span)
    else:
        iteration = value.iterate(flow, state, target.span, False)
    if iteration.items is not None and (
        len(iteration.items) == wanted if star is None else len(iteration.items) >= wanted - 1
    ):
        items = list(iteration.items)
        if star is not None:
            tail = wanted - star - 1
            end = len(items) - tail
            middle = flow.allocate(state, ListRecord.of(Iteration(items=tuple(items[star:end]))))
            items = [*items[:star], middle, *items[end:]]
        for one, item in zip(target.elements, items, strict=True):
            assign(flow, state, one, item)
        return
    element = iteration.one() or UNKNOWN
    for turn, one in enumerate(target.elements):
        if isinstance(one, p.Starred):
            assign(flow, state, one, flow.allocate(state, ListRecord.of(Iteration(element=element))))
        else:  # what happens to one of them does not happen to the next
            assign(flow, state, one, element.individual(flow, state, turn))


def _one_of_several(flow: Flow, state: State, value: Union, wanted: int, at: p.Span) -> Iteration:
    """`scheme, rest = url.split("://")` of a text that may be one of several: place by place."""
    known = value.without(NONE)
    with flow.hedged(True):
        found = [one.iterate(flow, state, at, False) for one in alternatives(known)]
    rows = [
        (one.one() or UNKNOWN,) * wanted if one.items is None else one.items
        for one in found
        if one.items is None or len(one.items) == wanted
    ]
    if not rows:
        return Iteration(element=UNKNOWN)
    return Iteration(items=tuple(map(union, zip(*rows, strict=True))))


def delete(flow: Flow, state: State, target: p.Expression) -> None:
    if isinstance(target, p.Name):
        state.unassign(flow.frame.id, target.id)
    elif isinstance(target, p.Attribute):
        flow.evaluate(state, target.value).delete_attribute(flow, state, target.name, target.span)
    elif isinstance(target, p.Subscript):
        whole = changing(flow, state, target.value, partial(flow.evaluate, state, target.value))
        key = flow.evaluate(state, target.index)
        whole.call_method(flow, state, "__delitem__", Arguments((key,)), target.span)
    elif isinstance(target, (p.TupleDisplay, p.ListDisplay)):
        for one in target.elements:
            delete(flow, state, one)
