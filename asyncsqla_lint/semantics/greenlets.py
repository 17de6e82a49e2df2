"""`run_sync`: plain code in a greenlet, where whatever it does may wait; and the same without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import api_use
from asyncsqla_lint.semantics.blocking import coroutine_of
from asyncsqla_lint.semantics.engine_events import SyncHalfUsed
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


def needed(flow: Flow, state: State, what: str, half_of: str, at: Span) -> None:
    """`session.sync_session.execute(…)` in a coroutine raises: its driver awaits, and nothing takes the wait.

    `ASQ101/bad_sync_half`.
    """
    here = around(flow)
    coroutine = coroutine_of(flow.frame)
    if here.greenlets or here.threads or coroutine is None:
        return
    if flow.listens(SyncHalfUsed):
        flow.emit(SyncHalfUsed(flow.site(at), flow.frame, flow.is_certain, what, half_of, coroutine.name))
    raise PathEnds(Outcome("raise", state, ExternalValue("sqlalchemy.exc.MissingGreenlet")))
