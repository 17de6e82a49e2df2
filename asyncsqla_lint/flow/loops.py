"""Loops: a known sequence item by item, else a few passes over one that stands for all."""

from __future__ import annotations

from collections.abc import Set
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint.flow import calls, narrowing, polling
from asyncsqla_lint.flow.expressions import evaluate
from asyncsqla_lint.flow.frames import Outcome
from asyncsqla_lint.flow.iterators import hold
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.paths import Result, consumer_paths, left_pending, merged, paths
from asyncsqla_lint.flow.records import VACANT
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.targets import assign
from asyncsqla_lint.flow.tested import assigned_in
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Iteration,
    Reference,
    TupleValue,
    Value,
    alternatives,
    is_short,
    union,
)
from asyncsqla_lint.program import (
    Call,
    Expression,
    For,
    While,
    end_of,
    start_of,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


LOOP_PASSES = 2  # a second pass shows what one iteration does to the next
MOST_APART = 6  # elements that a loop comes to one by one
MOST_PASSES = 4  # of a loop that goes up or down a tree


def _split_exits(exits: list[Outcome]) -> tuple[list[State], list[State], list[Outcome]]:
    breaks = [exit_.state for exit_ in exits if exit_.kind == "break"]
    continues = [exit_.state for exit_ in exits if exit_.kind == "continue"]
    return breaks, continues, [exit_ for exit_ in exits if exit_.kind not in ("break", "continue")]


def execute_while(flow: Flow, state: State, node: While) -> Result:
    exits: list[Outcome] = []
    done: list[State] = []
    broken: list[State] = []
    states = [state]
    end, anew = end_of(node.span) + 1, assigned_in(flow.frame.function, node)
    steps: set[Value] = set()
    for position in range(MOST_PASSES):
        before, steps = steps, _steps(flow, states)
        if position >= LOOP_PASSES and steps <= before:
            break
        entering: list[State] = []
        for own in states:
            true, false, left = narrowing.test_paths(flow, own, node.test)
            entering.extend(true)
            done.extend(false)
            exits.extend(left)
        after, left = flow.execute(merged(flow, entering, start_of(node.span), anew), node.body)
        breaks, continues, rest = _split_exits(left)
        broken.extend(breaks)
        exits.extend(rest)
        states = merged(flow, after + continues, start_of(node.span), anew)
        if not states:
            break
    for own in states:
        _, false, left = narrowing.test_paths(flow, own, node.test)
        done.extend(false)
        exits.extend(left)
    if polling.polls(flow, node):
        polling.left(flow, node, done, broken, exits)
    after, left = flow.execute(merged(flow, done, end), node.otherwise)
    return after + broken, exits + left


def _steps(flow: Flow, states: list[State]) -> set[Value]:
    """The nodes of trees that the variables hold."""
    return {
        value
        for own in states
        for value in (own.variables(flow.frame.id) or {}).values()
        if value.is_step(own)
    }


def execute_for(flow: Flow, state: State, node: For) -> Result:
    def value_of(own: State) -> Value:
        value = evaluate(flow, own, node.iterable)
        return calls.iterated(flow, own, value, node.iterable.span, node.is_async)

    values, exits = paths(flow, state, value_of)
    reached: list[State] = []
    for own, value in values:
        several = _generators(own, value)
        with flow.hedged(several != (value,)):
            for one in several:
                generator = calls.generator_of(own, one)
                each = own if one is several[-1] else own.copy()
                if generator is not None:
                    after, left = _for_generator(flow, each, node, generator, one)
                else:
                    after, left = _for_each(flow, each, node, one)
                reached.extend(after)
                exits.extend(left)
    return reached, exits


def _generators(state: State, value: Value) -> tuple[Value, ...]:
    """`async for session in (override or get_session)():` runs one of the generators that it may be.

    What is not known beside one is taken for another that does the same.
    """
    found = tuple(one for one in alternatives(value) if calls.generator_of(state, one) is not None)
    if not found or any(one not in found and one is not UNKNOWN for one in alternatives(value)):
        return (value,)
    return found


def _for_each(flow: Flow, state: State, node: For, value: Value) -> Result:
    iterations: list[Iteration] = []

    def once(own: State) -> Value:
        iterations.append(value.iterate(flow, own, node.iterable.span, node.is_async))
        return NONE

    options, exits = paths(flow, state, once)
    reached: list[State] = []
    for (own, _), iteration in zip(options, iterations, strict=True):
        after, left = _loop(flow, own, node, iteration)
        reached.extend(after)
        exits.extend(left)
    return reached, exits


def _loop(flow: Flow, state: State, node: For, iteration: Iteration) -> Result:
    exits: list[Outcome] = []
    broken: list[State] = []
    done: list[State] = []
    states = [state]
    items = iteration.items
    if items is not None and not is_short(items):
        iteration = Iteration(element=union(items), may_be_empty=False)
        items = None
    if items is None and iteration.element is None:
        return flow.execute(states, node.otherwise)
    iterator = hold(flow, state, node, iteration)
    rounds: tuple[Value, ...] = items if items is not None else (iteration.element or UNKNOWN,) * LOOP_PASSES
    first = 0  # of those that stand for all
    are_several = False
    if items is None and iteration.element is not None:
        several = _one_or_other(state, iteration.element)
        are_several = bool(several)
        known = several or iteration.element.set_apart(state)
        first, rounds = len(known), several or (*known, *rounds)
    if items is None and iteration.may_be_empty and (are_several or not first):
        done.append(_without(state.copy(), iteration.element, are_several))
    processed: list[Value] = []
    anew = assigned_in(flow.frame.function, node)
    for position, element in enumerate(rounds):
        entering: list[State] = []
        if 0 < first == position:
            processed.clear()
            if iteration.may_be_empty:  # there are no others
                done.extend(_without(own.copy(), iteration.element) for own in states)
        for own in states:
            one = element if items is not None else element.individual(flow, own, position)
            processed.append(one)
            options, left = paths(flow, own, partial(_bind, flow, target=node.target, value=one))
            entering.extend(option[0] for option in options)
            exits.extend(left)
        one_by_one = are_several and position < first  # no one query has given them
        flow.loops.append((flow.frame, () if one_by_one else tuple(processed[-len(states) :])))
        try:
            with flow.hedged(one_by_one):
                after, left = flow.execute(merged(flow, entering, start_of(node.span), anew), node.body)
        finally:
            flow.loops.pop()
        breaks, continues, rest = _split_exits(left)
        broken.extend(breaks)
        exits.extend(rest)
        states = merged(flow, after + continues, start_of(node.span), anew)
        if not states:
            break
        if items is None and first <= position < len(rounds) - 1:
            done.extend(_absorbed(flow, own.copy(), element, processed) for own in states)
    if polling.polls(flow, node):
        polling.left(flow, node, done, broken, exits)
    if items is None:
        states = [_absorbed(flow, own, element, processed) for own in states]
    if are_several:
        for own in states:
            _one_of_them(flow, own, iteration.element or UNKNOWN, anew)
    for own in (*done, *states, *broken, *(exit_.state for exit_ in exits)):
        own.unassign(flow.frame.id, iterator)
    finished = merged(flow, done + states, end_of(node.span) + 1)
    after, left = flow.execute(finished, node.otherwise)
    return after + broken, exits + left


def _one_or_other(state: State, element: Value) -> tuple[Value, ...]:
    """An element is one of these, as different turns of another loop have left it: this one comes to each.

    `ASQ302/good_each_of_them`.
    """
    found = alternatives(element)
    several = 1 < len(found) <= MOST_APART and all(
        isinstance(one, Reference) and not state.record(one.oid).is_one_for_many() for one in found
    )
    return found if several else ()


def _without(state: State, element: Value | None, are_several: bool = False) -> State:
    """There was none: what stands for the elements says nothing on this path, nor does what would be one."""
    named: set[int] = set()
    if are_several:  # (somebody may hold one by another name)
        held = (value for variables in state.frames.values() for value in variables.values())
        named = {value.oid for value in held if isinstance(value, Reference)}
    for value in alternatives(element) if element is not None else ():
        for one in value.elements if isinstance(value, TupleValue) else (value,):
            if isinstance(one, Reference) and (
                state.record(one.oid).is_one_for_many() or (are_several and one.oid not in named)
            ):
                state.put(one, VACANT)
    return state


def _one_of_them(flow: Flow, state: State, element: Value, names: Set[str]) -> None:
    """Nobody knows which of them came last."""
    variables = state.variables(flow.frame.id) or {}
    for name in [one for one, value in variables.items() if one in names and value in alternatives(element)]:
        state.assign(flow.frame.id, name, element)


def _bind(flow: Flow, state: State, target: Expression, value: Value) -> Value:
    assign(flow, state, target, value)
    return NONE


def _absorbed(flow: Flow, state: State, element: Value, processed: list[Value]) -> State:
    """The loop has dealt with every element: what stands for them all is now as it left each."""
    for value in alternatives(element):
        if isinstance(value, Reference):
            state.record(value.oid).absorb(flow, state, value, tuple(processed))
        elif isinstance(value, TupleValue):
            for position, part in enumerate(value.elements):
                if isinstance(part, Reference):
                    parts = tuple(
                        one.elements[position]
                        for one in processed
                        if isinstance(one, TupleValue) and len(one.elements) > position
                    )
                    state.record(part.oid).absorb(flow, state, part, parts)
    return state


def _for_generator(
    flow: Flow, state: State, node: For, generator: calls.Generator, iterated: Value
) -> Result:
    """A loop over a generator of the project: the body runs where the generator yields."""
    consumer = flow.frame

    def body(own: State, value: Value) -> list[Option]:
        with flow.entered(consumer):
            assign(flow, own, node.target, value)
            after, left = flow.execute([own], node.body)
        breaks, continues, rest = _split_exits(left)
        options: list[Option] = [(one, NONE) for one in after + continues]
        left_by = [Outcome("break", one, NONE) for one in breaks] + rest
        return options + left_pending(flow, left_by, consumer, closes=True, suspends=is_held)

    def is_held(outcome: Outcome) -> bool:
        """A generator that a variable holds is not closed when its consumer leaves the loop."""
        if isinstance(node.iterable, Call) or outcome.kind not in ("break", "return"):
            return False
        gone = consumer.id if outcome.kind == "return" else 0
        return any(
            iterated in alternatives(value)
            for number, variables in outcome.state.frames.items()
            if number != gone
            for value in variables.values()
        )

    options, exits = consumer_paths(flow, state, lambda own: calls.run_generator(flow, own, generator, body))
    broken, _, exits = _split_exits(exits)
    after, left = flow.execute(merged(flow, [own for own, _ in options], start_of(node.span)), node.otherwise)
    return after + broken, exits + left
