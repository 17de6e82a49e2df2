"""What sessions and factories are bound to: engines of their own kind, and scopes that tell tasks apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ExternalValue, FunctionValue
from asyncsqla_lint.flow.values import NONE, Arguments, Constant, Reference, Value, alternatives
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.semantics.events import BindMismatched, ScopeUnfit
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# They are the same for every task of an event loop.
THREAD_SCOPES = frozenset(
    f"{module}.{name}"
    for module, names in (
        ("threading", "get_ident get_native_id current_thread main_thread"),
        ("_thread", "get_ident"),
        ("os", "getpid"),
        ("asyncio", "get_event_loop get_running_loop"),
    )
    for name in names.split()
)

_SOME_TASK = -1  # one of which nothing is known but that it is another than the next


def kind_of(state: State, value: Value) -> bool | None:
    """Is it async (True) or sync (False)? None: nobody knows, or it is no engine."""
    from asyncsqla_lint.semantics.connections import ConnectionRecord, SyncConnection
    from asyncsqla_lint.semantics.engines import EngineRecord, SyncEngine

    if isinstance(value, (SyncEngine, SyncConnection)):
        return False
    record = state.record(value.oid) if isinstance(value, Reference) else None
    return record.is_async if isinstance(record, (EngineRecord, ConnectionRecord)) else None


# What takes connections; a factory has none, and takes none before it makes one of these.
SESSIONS = ("AsyncSession", "Session")


def bound(flow: Flow, state: State, name: str, is_async: bool, bind: Value, at: Span) -> None:
    """`name(bind)` makes async sessions, or sync ones; on an engine of the other kind they fail."""
    from asyncsqla_lint.semantics.engines import busy

    if name in SESSIONS:
        busy(state, bind)
    kinds = {kind_of(state, one) for one in alternatives(bind) if one != NONE}
    if is_async and any(_is_only_annotated(state, one) for one in alternatives(bind)):
        return  # `engine: Engine = None`: what is done with it says that it is an AsyncEngine
    if kinds == {not is_async} and flow.listens(BindMismatched):
        flow.emit(BindMismatched(flow.site(at), flow.frame, flow.is_certain, name, is_async))


def _is_only_annotated(state: State, value: Value) -> bool:
    from asyncsqla_lint.semantics.engines import EngineRecord

    record = state.record(value.oid) if isinstance(value, Reference) else None
    return isinstance(record, EngineRecord) and record.is_given


def scoped(flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> None:
    """`async_scoped_session(factory, scopefunc)`: whom does the scope tell apart?"""
    if arguments.more is not None or arguments.more_keywords is not None:
        return
    scope = arguments.get(1, "scopefunc")
    if scope is None or scope == NONE:
        cause = "none"
    else:
        cause = _unfit(flow, state, scope, at)
    if cause and flow.listens(ScopeUnfit):
        flow.emit(ScopeUnfit(flow.site(at), flow.frame, flow.is_certain, name, cause))


def _unfit(flow: Flow, state: State, scope: Value, at: Span) -> str:
    if isinstance(scope, ExternalValue):
        return "thread" if scope.name in THREAD_SCOPES else ""
    if isinstance(scope, FunctionValue) and not scope.info.is_async:
        given = _asked(flow, state, scope, at, _SOME_TASK)
        if isinstance(given, Constant):
            # What is asked for may be there once a request has begun: `return request_id.get()`
            asks = any(isinstance(one, (p.Name, p.Attribute)) for one in walk(scope.info.body))
            if (given == NONE and asks) or given != _asked(flow, state, scope, at, _SOME_TASK - 1):
                return ""  # `return id(current_task())`
            return "constant"
        if isinstance(given, ExternalValue) and given.name in THREAD_SCOPES:
            return "thread"
    return ""


def _asked(flow: Flow, state: State, scope: FunctionValue, at: Span, task: int) -> Value:
    """What the scope answers to one that runs as this task."""
    now = around(flow)
    tasks, now.tasks = now.tasks, (*now.tasks, task)
    try:
        with flow.silently():
            return scope.call(flow, state.copy(), Arguments(), at)
    finally:
        now.tasks = tasks


def thread_scope(name: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    """What a call of `threading.get_ident` gives is known by the function's name."""

    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return ExternalValue(name)

    return meaning
