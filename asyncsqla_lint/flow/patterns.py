"""`match`: which of the values of a subject fit a pattern, what it binds, and what is left for the next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import narrowing
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Constant,
    Reference,
    TupleValue,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# `case str(name)`: of these the one positional pattern is for the whole subject.
_WHOLE = frozenset(
    f"builtins.{name}" for name in "bool bytearray bytes dict float frozenset int list set str tuple".split()
)


def split(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> tuple[Value | None, Value | None]:
    """What the subject may be where the pattern fits, and where it does not; None where that cannot be."""
    answers = [(one, _fits(flow, state, one, pattern)) for one in alternatives(subject)]
    yes = tuple(one for one, fits in answers if fits is not False)
    no = tuple(one for one, fits in answers if fits is not True)
    return union(yes) if yes else None, union(no) if no else None


def narrow(flow: Flow, state: State, node: p.Expression, subject: Value) -> None:
    """The variable that is matched holds no more than what the pattern leaves."""
    held = narrowing.current(flow, state, node)
    if held is not None and held != subject:
        narrowing.put(flow, state, node, subject)


def _fits(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> bool | None:
    if isinstance(pattern, p.CapturePattern):
        return True if pattern.pattern is None else _fits(flow, state, subject, pattern.pattern)
    if isinstance(pattern, p.ValuePattern):
        return narrowing.are_same(state, subject, flow.evaluate(state, pattern.value))
    if isinstance(pattern, p.OrPattern):
        return _any(_of_any(flow, state, subject, one) for one in pattern.alternatives)
    if isinstance(pattern, p.ClassPattern):
        answer = flow.types.is_instance(state, subject, (flow.evaluate(state, pattern.cls),))
        inner = [*pattern.positional, *(one for _, one in pattern.keywords)]
        return None if answer and not all(map(_takes_all, inner)) else answer
    if isinstance(pattern, p.SequencePattern):
        if isinstance(subject, TupleValue):
            return _sequence_fits(flow, state, subject, pattern)
        return False if isinstance(subject, Constant) else None
    if isinstance(pattern, p.MappingPattern):
        return False if isinstance(subject, (Constant, TupleValue)) else None
    return None


def _of_any(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> bool | None:
    answers = {_fits(flow, state, one, pattern) for one in alternatives(subject)}
    return answers.pop() if len(answers) == 1 else None


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return True if True in found else None if None in found else False


def _sequence_fits(flow: Flow, state: State, subject: TupleValue, pattern: p.SequencePattern) -> bool | None:
    star = _star(pattern)
    wanted, items = len(pattern.elements), subject.elements
    if (len(items) != wanted) if star is None else (len(items) < wanted - 1):
        return False
    answers = [
        _of_any(flow, state, item, inner) for inner, item in _paired(pattern, items) if item is not None
    ]
    return False if False in answers else None if None in answers else True


def _star(pattern: p.SequencePattern) -> int | None:
    return next((at for at, inner in enumerate(pattern.elements) if isinstance(inner, p.StarPattern)), None)


def _paired(pattern: p.SequencePattern, items: tuple[Value, ...]) -> list[tuple[p.Pattern, Value | None]]:
    """Each pattern with its item; None beside the star."""
    star = _star(pattern)
    if star is None:
        return list(zip(pattern.elements, items, strict=True))
    behind = len(pattern.elements) - star - 1
    taken = (*items[:star], None, *items[len(items) - behind :])
    return list(zip(pattern.elements, taken, strict=True))


def _takes_all(pattern: p.Pattern) -> bool:
    return isinstance(pattern, p.CapturePattern) and (pattern.pattern is None or _takes_all(pattern.pattern))


def bind(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> Value:
    """Names get what the pattern takes out of the subject; gives the subject as it now is known."""
    if isinstance(pattern, p.CapturePattern):
        if pattern.pattern is not None:
            subject = bind(flow, state, subject, pattern.pattern)
        if pattern.name is not None:
            state.assign(flow.frame.id, pattern.name, subject)
    elif isinstance(pattern, p.ClassPattern):
        cls = flow.evaluate(state, pattern.cls)
        subject = _as_instance(flow, state, subject, cls)
        for name, inner in _named(flow, state, cls, subject, pattern):
            value = UNKNOWN if name is None else subject.attribute(flow, state, name, pattern.span)
            _bind_within(flow, state, subject if name == "" else value, inner)
    elif isinstance(pattern, p.SequencePattern):
        _bind_sequence(flow, state, subject, pattern)
    elif isinstance(pattern, p.MappingPattern):
        for key, inner in pattern.items:
            value = subject.item(flow, state, flow.evaluate(state, key), pattern.span)
            _bind_within(flow, state, value, inner)
        if pattern.rest is not None:
            state.assign(flow.frame.id, pattern.rest, UNKNOWN)
    elif isinstance(pattern, p.StarPattern):
        if pattern.name is not None:
            state.assign(flow.frame.id, pattern.name, UNKNOWN)
    elif isinstance(pattern, p.OrPattern):
        taken = []
        for inner in pattern.alternatives:
            fitting, left = split(flow, state, subject, inner)
            if fitting is not None:
                taken.append(bind(flow, state, fitting, inner))
            if left is None:
                break
            subject = left
        return union(tuple(taken)) if taken else subject
    return subject


def _bind_within(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> None:
    fitting, _ = split(flow, state, subject, pattern)
    bind(flow, state, UNKNOWN if fitting is None else fitting, pattern)


def _as_instance(flow: Flow, state: State, subject: Value, cls: Value) -> Value:
    """`case Car():`, of what was asked for as a Vehicle; of what nobody knows."""
    if isinstance(subject, Reference):
        state.record(subject.oid).specialised(flow, state, subject, cls)
        return subject
    return flow.types.specialise(flow, state, subject, cls) or subject


def _named(
    flow: Flow, state: State, cls: Value, subject: Value, pattern: p.ClassPattern
) -> list[tuple[str | None, p.Pattern]]:
    """The attribute that each inner pattern is for: "" the whole subject, None nobody knows which."""
    names: list[str | None] = []
    if pattern.positional:
        if isinstance(cls, ExternalValue) and cls.name in _WHOLE:
            names = [""]
        else:  # a library's class is known by its instances
            names = _match_args(flow, state, cls if isinstance(cls, ClassValue) else subject, pattern.span)
    missing = len(pattern.positional) - len(names)
    names += [None] * missing
    return [*zip(names, pattern.positional, strict=False), *pattern.keywords]


def _match_args(flow: Flow, state: State, asked: Value, at: Span) -> list[str | None]:
    found = asked.attribute(flow, state, "__match_args__", at)
    if not isinstance(found, TupleValue):
        return []
    return [
        one.value if isinstance(one, Constant) and isinstance(one.value, str) else None
        for one in found.elements
    ]


def _bind_sequence(flow: Flow, state: State, subject: Value, pattern: p.SequencePattern) -> None:
    iteration = subject.iterate(flow, state, pattern.span, False)
    items, star, wanted = iteration.items, _star(pattern), len(pattern.elements)
    if items is not None and (len(items) == wanted if star is None else len(items) >= wanted - 1):
        for inner, item in _paired(pattern, items):
            _bind_within(flow, state, UNKNOWN if item is None else item, inner)
        return
    for inner in pattern.elements:
        _bind_within(flow, state, iteration.element or UNKNOWN, inner)
