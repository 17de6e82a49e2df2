"""Comprehensions: run once for each known item, with the variables of the frame put back afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import calls, narrowing, operators
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.iterators import hold
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.stdlib.lazily import LazyRecord
from asyncsqla_lint.flow.targets import assign
from asyncsqla_lint.flow.values import (
    NONE,
    Arguments,
    Iteration,
    TupleValue,
    Value,
    is_short,
    union,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def evaluate_comprehension(flow: Flow, state: State, node: p.Comprehension) -> Value:
    """A generator expression runs when it is gone over; of it, only the first iterable is evaluated here."""
    used = _used(flow, node) if node.kind == "generator" else None
    if used is None:
        return _evaluated(flow, state, node, None)
    first = flow.evaluate(state, node.clauses[0].iterable)
    variables = {name: value for name, value in state.frames.get(flow.frame.id, {}).items() if name in used}
    later = _Later(node, flow.frame, tuple(variables))
    return flow.allocate(state, LazyRecord(later, Arguments((first, *variables.values()))))


def _used(flow: Flow, node: p.Comprehension) -> frozenset[str] | None:
    """The names in a generator expression; None: an asynchronous one, who goes over it awaits."""
    known = flow.memory.setdefault(_Later, {})
    assert isinstance(known, dict)
    found = known.get(id(node))
    if found is None:
        inside = list(walk((node,)))
        waits = any(clause.is_async for clause in node.clauses) or any(
            isinstance(one, p.Await) for one in inside
        )
        names = None if waits else frozenset(one.id for one in inside if isinstance(one, p.Name))
        found = known[id(node)] = (node, names)  # held, so that no id is used twice
    used: frozenset[str] | None = found[1]
    return used


class _Later(Struct, frozen=True):
    """A generator expression, with what its frame held."""

    node: p.Comprehension
    frame: Frame
    names: tuple[str, ...]

    def __call__(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        first, *values = arguments.positional
        number = self.frame.id
        is_over = number not in state.frames
        if is_over:
            state.open_frame(number)
            for name, value in zip(self.names, values, strict=True):
                state.assign(number, name, value)
        try:
            with flow.entered(self.frame):
                return _evaluated(flow, state, self.node, first)
        finally:
            if is_over:
                state.close_frame(number)


def _evaluated(flow: Flow, state: State, node: p.Comprehension, first: Value | None) -> Value:
    """Runs in the enclosing frame, whose variables are put back afterwards, once for each known item."""
    outside = state.frames.get(flow.frame.id, {})
    since = flow.counter
    flow.joining += 1
    try:
        items, certain = _comprehend(flow, state, node, 0, first)
    finally:
        flow.joining -= 1
    if not certain:
        flow.repeated(state, since)
    state.restore_frame(flow.frame.id, outside)
    if node.kind == "dict":
        record = DictRecord()
        for pair in items:
            assert isinstance(pair, TupleValue)
            record = record.with_item(pair.elements[0], pair.elements[1])
        return flow.allocate(state, record)
    if certain:
        iteration = Iteration(items=tuple(items), may_be_empty=not items)
    else:
        iteration = Iteration(element=union(tuple(items)) if items else None)
    if node.kind == "set":
        operators.hashed(flow, state, iteration, node.span)
    return flow.allocate(state, ListRecord.of(iteration, node.kind))


def _comprehend(
    flow: Flow, state: State, node: p.Comprehension, depth: int, first: Value | None = None
) -> tuple[list[Value], bool]:
    flow.step(state)
    if depth == len(node.clauses):
        made = flow.evaluate(state, node.element)
        if node.value is not None:
            made = TupleValue((made, flow.evaluate(state, node.value)))
        return [made], True
    clause = node.clauses[depth]
    iterated = flow.evaluate(state, clause.iterable) if first is None else first
    iterated = calls.iterated(flow, state, iterated, clause.iterable.span, clause.is_async)
    generator = calls.generator_of(state, iterated)
    if generator is not None:
        return _comprehend_generator(flow, state, node, depth, generator), False
    iteration = iterated.iterate(flow, state, clause.iterable.span, clause.is_async)
    hold(flow, state, clause, iteration)
    known = iteration.items is not None and is_short(iteration.items)
    elements: Sequence[Value | None] = (iteration.one(),)
    if known and iteration.items is not None:
        elements = iteration.items
    elif elements[0] is not None:
        elements = (*elements[0].set_apart(state), *elements)
    result: list[Value] = []
    for element in elements:
        if element is not None:
            inner, all_known = _comprehend_one(flow, state, node, depth, element)
            known = known and all_known
            result.extend(inner)
    return result, known


def _comprehend_one(
    flow: Flow, state: State, node: p.Comprehension, depth: int, element: Value
) -> tuple[list[Value], bool]:
    clause = node.clauses[depth]
    assign(flow, state, clause.target, element)
    own, known = state, True
    result: list[Value] = []
    for condition in clause.conditions:
        truth = narrowing.test(flow, own, condition)
        if truth is None:
            known = False
            own = state.copy() if own is state else own
            if narrowing.narrow(flow, own, condition, True):
                continue
        elif truth:
            continue
        break
    else:
        flow.loops.append((flow.frame, (element,)))
        try:
            result, all_known = _comprehend(flow, own, node, depth + 1)
        finally:
            flow.loops.pop()
        known = known and all_known
    if own is not state:
        state.become(state.joined(own))
    return result, known


def _comprehend_generator(
    flow: Flow, state: State, node: p.Comprehension, depth: int, generator: calls.Generator
) -> list[Value]:
    """A generator of the project has what it opened open still, when it yields."""
    consumer = flow.frame
    result: list[Value] = []

    def use(own: State, value: Value) -> list[Option]:
        with flow.entered(consumer):
            result.extend(_comprehend_one(flow, own, node, depth, value)[0])
        return [(own, NONE)]

    calls.run_generator(flow, state, generator, use)
    return result
