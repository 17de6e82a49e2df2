"""Paths: a statement run once for each way it can go, and the paths that nothing tells apart joined."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TYPE_CHECKING

from asyncsqla_lint.flow import facts
from asyncsqla_lint.flow.frames import Frame, Oracle, Outcome, PathEnds
from asyncsqla_lint.flow.joining import Option, join_options, join_states, joinable
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    Value,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


MOST_STATES = 4  # paths kept apart side by side in one function
Result = tuple[list[State], list[Outcome]]


def merged(flow: Flow, states: list[State], offset: int, anew: Set[str] = frozenset()) -> list[State]:
    """Join the paths that no later test of this function can tell apart."""
    if len(states) < 2:
        return states
    groups: dict[object, list[Option]] = {}
    for state, signature in zip(states, facts.signatures(flow, states, offset, anew), strict=True):
        groups.setdefault(signature, []).append((state, NONE))
    kept = [join_options(one)[0] for group in groups.values() for one in joinable(group)]
    return kept if len(kept) <= MOST_STATES else _fewer(flow, kept)


def _fewer(flow: Flow, states: list[State]) -> list[State]:
    """The last are joined; those on which something has gone amiss have their tests come out otherwise."""
    kept, rest = states[: MOST_STATES - 2], states[MOST_STATES - 2 :]
    amiss = [flow.meanings.is_amiss(state) for state in rest]
    if all(amiss) or not any(amiss):
        return [*kept, rest[0], join_states(rest[1:])]
    halves = [
        [one for one, answer in zip(rest, amiss, strict=True) if answer is half] for half in (False, True)
    ]
    return [*kept, *map(join_states, halves)]


def paths(flow: Flow, state: State, act: Callable[[State], Value]) -> tuple[list[Option], list[Outcome]]:
    """Run `act` once for each combination of the choices it meets; `state` is used up."""
    outer, joining, counter = flow.oracle, flow.joining, flow.counter
    oracle = flow.oracle = Oracle()
    flow.joining = 0
    options: list[Option] = []
    exits: list[Outcome] = []
    try:
        while True:
            own = state.copy()
            flow.counter = counter  # a replay meets the same ids up to its last choice
            try:
                value = act(own)
            except PathEnds as end:
                if end.outcome is not None:
                    exits.append(end.outcome)
            else:
                options.append((own, value))
            if flow.counter > oracle.highest:
                oracle.highest = flow.counter
            if not oracle.choices or not oracle.advance():
                break
    finally:
        flow.counter = max(flow.counter, oracle.highest)
        flow.oracle = outer
        flow.joining = joining
    return options, exits


def consumer_paths(
    flow: Flow, state: State, act: Callable[[State], Value]
) -> tuple[list[Option], list[Outcome]]:
    """Run a generator to its end; where its consumer has left meanwhile, the consumer leaves now."""
    options, exits = paths(flow, state, act)
    kept: list[Option] = []
    for own, value in options:
        left = own.pending
        if left is not None and left.frame == flow.frame.id:
            own.pending = None
            exits.append(Outcome(left.kind, own, left.value, left.at))
        else:
            kept.append((own, value))
    return kept, exits


def left_pending(
    flow: Flow,
    exits: list[Outcome],
    consumer: Frame,
    *,
    closes: bool = False,
    suspends: Callable[[Outcome], bool] = lambda outcome: False,
) -> list[Option]:
    options: list[Option] = []
    for outcome in exits:
        state = outcome.state.copy()
        stays = suspends(outcome)
        state.pending = Outcome(outcome.kind, state, outcome.value, outcome.at, consumer.id, closes, stays)
        options.append((state, NONE))
    return options
