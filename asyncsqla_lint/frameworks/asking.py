"""Asking: calls of methods that a library makes on the project's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value, alternatives, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def asked(flow: Flow, state: State, value: Value, name: str, at: Span, *given: Value) -> Value:
    """`value.name(*given)`."""
    results = [
        one.attribute(flow, state, name, at).call(flow, state, Arguments(given), at)
        for one in alternatives(value)
        if one is not UNKNOWN
    ]
    return union(tuple(results)) if results else UNKNOWN


def done(flow: Flow, state: State, session: Value, name: str, at: Span, *given: Value) -> Value:
    """`await session.name(*given)`."""
    return asked(flow, state, session, name, at, *given).awaited(flow, state, at)
