"""What tests have established on a path, and which of it a later test can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.frames import Thrown, exactly, nullness
from asyncsqla_lint.flow.tested import Test, read_last, tests_behind
from asyncsqla_lint.flow.values import NONE, Constant, Reference, TupleValue, Union, Value
from asyncsqla_lint.project.functions import FunctionInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

Held = tuple["State", dict[str, Value]]  # a path, and its variables


def forget(state: State, name: str) -> None:
    """`name` has been assigned: what was known of it holds no longer."""
    if state.facts:
        stale = [key for key in state.facts if key == name or key.startswith((f"{name}.", f"{name} "))]
        for key in stale:
            del state.facts[key]


def signatures(flow: Flow, states: list[State], offset: int, anew: Set[str] = frozenset()) -> list[object]:
    """Paths with the same one no test after `offset` can tell apart; what all hold alike says nothing.

    What names in `anew` hold is of the turn of a loop that ends: the next one gives them something else.
    """
    function, number = flow.frame.function, flow.frame.id
    held = [(state, state.frames.get(number, {})) for state in states]
    tests = [
        test
        for test in tests_behind(function, offset)
        if test.name not in anew and _tells(held, test.key, test.name)
    ]
    read = _read_behind(function, held, offset)
    found: list[object] = []
    is_exact = any(test.against for test in tests) and flow.meanings.tell_apart(states)
    tell = exactly if is_exact else nullness
    for state, variables in held:
        parts: list[object] = [state.pending_key()]
        for test in tests:
            if test.key in state.facts:
                parts.append((test.key, state.facts[test.key]))
            value = variables.get(test.name)
            if test.field:
                value = _field(state, value, test.field)
            if value is not None:
                parts.append((test.key, *_answers(state, value, test, tell)))
        # Where a helper has failed and gives None, nothing of the object is read, whether or not somebody
        # asks. Where the error is kept, whoever is handed it can ask: `await unit.end(session, error)`.
        telling = [name for name in read if _tells_of_failure(state, variables.get(name))]
        if telling and flow.meanings.is_amiss(state):
            parts += telling
        found.append(tuple(parts))
    return found


def _answers(state: State, value: Value, test: Test, tell: Callable[[Value], str]) -> tuple[object, ...]:
    if not test.against:
        return False if value.is_something(state) else is_none(value), value.truth(state)
    told = tell(value)
    return (told == test.against if test.is_literal else told,)


def _tells(held: list[Held], key: str, name: str) -> bool:
    """May the paths differ in a test?"""
    first, variables = held[0]
    fact, value = first.facts.get(key), variables.get(name)
    for state, others in held[1:]:
        if state.facts.get(key) is not fact or others.get(name) is not value:
            return True
        if isinstance(value, Reference) and state.record(value.oid) is not first.record(value.oid):
            return True
    return isinstance(value, Union)


def _read_behind(function: FunctionInfo | None, held: list[Held], offset: int) -> list[str]:
    """The names that are read behind `offset`, and that not all paths hold alike."""
    _, variables = held[0]
    differing: set[str] = set()
    for _, others in held[1:]:
        if others is not variables:
            differing |= variables.keys() ^ others.keys()
            differing.update(name for name, value in others.items() if variables.get(name) is not value)
    last = read_last(function) if differing else {}
    return [name for name in differing if last.get(name, 0) > offset]


def _tells_of_failure(state: State, value: Value | None) -> bool:
    return value is not None and (value == NONE or _is_error(state, value))


def _is_error(state: State, value: Value) -> bool:
    return isinstance(value, Thrown) or (isinstance(value, ExternalValue) and value.truth(state) is True)


def _field(state: State, value: Value | None, field: str) -> Value | None:
    """`outcome.ok`, where the outcome is a plain record that some call has given."""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    return None if record is None else dict(record.parts()).get(field)


def is_none(value: Value) -> bool | None:
    if isinstance(value, Union):
        answers = {is_none(one) for one in value.alternatives}
        return answers.pop() if len(answers) == 1 else None
    if value == NONE:
        return True
    if isinstance(value, (Constant, Reference, ClassValue, TupleValue)):
        return False
    return None
