"""`run_sync`: plain code in a greenlet, where whatever it does may wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import api_use
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def run_sync(flow: Flow, state: State, given: Value, arguments: Arguments, at: Span) -> Value:
    """What the function returns, called with `given` (the plain session, or connection) and the rest."""
    if not arguments.positional:
        return UNKNOWN
    function, *rest = arguments.positional
    fits = api_use.run_sync_given(flow, state, function, at)
    around(flow).greenlets += 1
    try:
        handed = Arguments((given, *rest), arguments.keywords, arguments.more, arguments.more_keywords)
        result = function.call(flow, state, handed, at)
    finally:
        around(flow).greenlets -= 1
    api_use.run_sync_gave(flow, state, result, at, fits)
    return result
