"""Functions that are handed to another thread: they run, but not on the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.builtins import Ready
from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ListRecord
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Decorated,
    FunctionValue,
    Method,
    Partial,
    Reference,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.connections import ConnectionRecord, SyncConnection
from asyncsqla_lint.semantics.events import SessionUsed, ThreadCrossed
from asyncsqla_lint.semantics.instances import PERSISTENT, InstanceRecord
from asyncsqla_lint.semantics.sessions import SessionRecord, SyncSession

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# The function is the first argument, its own arguments follow.
HANDS_OVER = (
    "asyncio.to_thread",
    "anyio.to_thread.run_sync",
    "trio.to_thread.run_sync",
    "starlette.concurrency.run_in_threadpool",
    "fastapi.concurrency.run_in_threadpool",
)


def register(meanings: Meanings) -> None:
    for name in HANDS_OVER:
        meanings.calls.setdefault(name, handed_over)


def handed_over(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return UNKNOWN
    function, *rest = arguments.positional
    given = Arguments(tuple(rest), arguments.keywords, arguments.more, arguments.more_keywords)
    crossing(flow, state, function, given, at)
    plain = function
    while isinstance(plain, (Partial, Decorated)):
        plain = plain.function
    if not isinstance(plain, FunctionValue) or plain.info.is_async:
        return flow.call_unknown(state, function, Arguments((function, *rest), arguments.keywords), at)
    used: list[SessionUsed] = []
    since = flow.counter

    def record(event: Event) -> None:
        if isinstance(event, SessionUsed) and (event.session.oid <= since or event.session.oid in state.base):
            used.append(event)  # what the thread itself has opened is its own

    flow.threads += 1
    flow.recorders.append(record)
    try:
        return Ready(function.call(flow, state, given, at))
    finally:
        flow.threads -= 1
        flow.recorders.remove(record)
        if not crosses(state, function, given):
            found = next((use for use in used if use.record.is_one_for_all), None)
            if found is not None:
                _emit(flow, kind(found.record), found.record.site, at)


# --- what must not cross -------------------------------------------------------------------------


def crosses(state: State, function: Value, given: Arguments) -> tuple[str, Site | None] | None:
    """The first thing handed over that belongs to the event loop's thread."""
    bound = (function.receiver,) if isinstance(function, Method) else ()
    more = given.all()
    if isinstance(function, Partial):
        more += function.arguments.all()
    for value in (*bound, *more):
        for one in alternatives(value):
            found = _belongs(state, one)
            if found is not None:
                return found
    return None


def _belongs(state: State, value: Value) -> tuple[str, Site | None] | None:
    if isinstance(value, SyncSession):
        value = value.session
    elif isinstance(value, SyncConnection):
        value = value.connection
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if isinstance(record, (SessionRecord, ConnectionRecord)):
        return (kind(record), record.site) if record.is_one_for_all else None
    if isinstance(record, InstanceRecord):
        owner = state.record(record.session.oid) if record.session is not None else None
        attached = isinstance(owner, SessionRecord) and owner.is_async and record.lifecycle == PERSISTENT
        return ("instance", record.origin) if attached else None
    if isinstance(record, ListRecord):
        elements = (one for element in record.refers_to() for one in alternatives(element))
        return next((found for one in elements if (found := _belongs(state, one)) is not None), None)
    return None


def kind(record: SessionRecord | ConnectionRecord) -> str:
    return "session" if isinstance(record, SessionRecord) else "connection"


def crossing(flow: Flow, state: State, function: Value, given: Arguments, at: Span) -> None:
    found = crosses(state, function, given)
    if found is not None:
        _emit(flow, *found, at)


def _emit(flow: Flow, what: str, made_at: Site | None, at: Span) -> None:
    if flow.listens(ThreadCrossed):
        flow.emit(ThreadCrossed(flow.site(at), flow.frame, flow.is_certain, what, made_at))
