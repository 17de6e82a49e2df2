"""`match`: what a pattern binds, and what is left when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.values import UNKNOWN, Constant, Value

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def match(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> tuple[State | None, State | None]:
    """The state when the pattern fits and the state when it does not; None where that cannot be."""
    fits = _fits(flow, state, subject, pattern)
    yes = None if fits is False else state.copy()
    if yes is not None:
        _bind(flow, yes, subject, pattern)
    return yes, None if fits is True else state


def _fits(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> bool | None:
    if isinstance(pattern, p.CapturePattern):
        return True if pattern.pattern is None else _fits(flow, state, subject, pattern.pattern)
    if isinstance(pattern, p.ValuePattern):
        value = flow.evaluate(state, pattern.value)
        if isinstance(value, Constant) and isinstance(subject, Constant):
            return value.value == subject.value
        return None
    if isinstance(pattern, p.OrPattern):
        answers = [_fits(flow, state, subject, one) for one in pattern.alternatives]
        return True if True in answers else None if None in answers else False
    if isinstance(pattern, p.ClassPattern):
        answer = flow.types.is_instance(state, subject, (flow.evaluate(state, pattern.cls),))
        return (
            answer
            if not pattern.positional and not pattern.keywords
            else (False if answer is False else None)
        )
    return None


def _bind(flow: Flow, state: State, subject: Value, pattern: p.Pattern) -> None:
    if isinstance(pattern, p.CapturePattern):
        if pattern.name is not None:
            state.assign(flow.frame.id, pattern.name, subject)
        if pattern.pattern is not None:
            _bind(flow, state, subject, pattern.pattern)
    elif isinstance(pattern, p.ClassPattern):
        for name, inner in pattern.keywords:
            _bind(flow, state, subject.attribute(flow, state, name, pattern.span), inner)
        for inner in pattern.positional:
            _bind(flow, state, UNKNOWN, inner)
    elif isinstance(pattern, p.SequencePattern):
        iteration = subject.iterate(flow, state, pattern.span, False)
        items = iteration.items
        for position, inner in enumerate(pattern.elements):
            known = items is not None and len(items) == len(pattern.elements)
            _bind(flow, state, items[position] if known and items else iteration.element or UNKNOWN, inner)
    elif isinstance(pattern, p.MappingPattern):
        for key, inner in pattern.items:
            _bind(flow, state, subject.item(flow, state, flow.evaluate(state, key), pattern.span), inner)
    elif isinstance(pattern, p.StarPattern):
        if pattern.name is not None:
            state.assign(flow.frame.id, pattern.name, UNKNOWN)
    elif isinstance(pattern, p.OrPattern):
        for inner in pattern.alternatives:
            _bind(flow, state, subject, inner)
