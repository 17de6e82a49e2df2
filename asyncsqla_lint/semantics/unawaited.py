"""Coroutines of the project that work with a session, and that nobody awaits: what they were to do is left.

Said of those that are given a session or a connection, or are methods of an object that has one: it is the
database that goes without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import Reference, Value, alternatives
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External
from asyncsqla_lint.semantics.api_events import CoroutineLost
from asyncsqla_lint.semantics.api_use import OF_COROUTINES, method_name, owner_of, settle
from asyncsqla_lint.semantics.connections import ConnectionRecord
from asyncsqla_lint.semantics.sessions import SessionRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_PLAIN = ("builtins.", "abc.", "typing.", "typing_extensions.", "functools.")


def register(meanings: Meanings) -> None:
    meanings.when_dropped.append(left)
    meanings.when_coroutine_read.append(read)


def left(flow: Flow, state: State, coroutine: Reference, at: Span) -> None:
    """An expression statement leaves it to nobody."""
    if function_of(state, coroutine) is not None:
        lost(flow, state, coroutine)


def read(flow: Flow, state: State, coroutine: Reference, name: str, at: Span) -> None:
    """`find_user(session).name`, `session.get(User, 1).name`: taken for its result."""
    record = state.record(coroutine.oid)
    if not isinstance(record, CoroutineRecord) or record.is_awaited or name in OF_COROUTINES:
        return  # one that `await` would have bound too early has been spoken of
    is_sqlalchemys = owner_of(state, record) and not record.is_perhaps
    if is_sqlalchemys or (flow.awaiting is None and function_of(state, coroutine) is not None):
        lost(flow, state, coroutine)


def taken(flow: Flow, state: State, value: Value, by_session: bool = False) -> None:
    """A framework takes a value for an answer, a session for an instance: neither awaits it."""
    for one in alternatives(value):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(one, Reference) and isinstance(record, CoroutineRecord) and not record.is_perhaps:
            info = function_of(state, one, by_session)
            if info is not None or (owner_of(state, record) and not record.is_awaited):
                lost(flow, state, one, by_session)


def lost(flow: Flow, state: State, coroutine: Reference, by_session: bool = False) -> None:
    record = state.record(coroutine.oid)
    if not isinstance(record, CoroutineRecord) or not flow.listens(CoroutineLost):
        return
    info = function_of(state, coroutine, by_session)
    owner, name = owner_of(state, record), method_name(record)
    if info is not None:
        owner, name = "" if info.owner is None else info.owner.name, info.name
    site = record.handed or record.site
    is_own = info is not None
    flow.emit(CoroutineLost(site, flow.frame, flow.is_certain, owner, name, record.site, is_own))
    settle(state, coroutine)


def function_of(state: State, coroutine: Reference, by_session: bool = False) -> FunctionInfo | None:
    """The function of the project that waits; None: it works with no session, or is not that plain.

    What a session is given in an instance's place is its business, whatever it works with.
    """
    record = state.record(coroutine.oid)
    if not isinstance(record, CoroutineRecord) or record.kind != "coroutine" or record.is_awaited:
        return None
    if not isinstance(record.function, FunctionValue):
        return None
    info = record.function.info
    if any(isinstance(one, External) and not one.name.startswith(_PLAIN) for one in info.decorators):
        return None  # what it makes of the function is not followed: a task, a command
    if by_session:
        return info
    for oid in state.reachable((record.function, *record.arguments.all())):
        found = state.record(oid)
        if isinstance(found, (SessionRecord, ConnectionRecord)) and found.is_async:
            return info
    return None
