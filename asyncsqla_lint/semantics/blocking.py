"""Calls that wait for the database in the thread of the event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Reference, Value, alternatives
from asyncsqla_lint.knowledge.dialects import dialects
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Scoped, Symbol
from asyncsqla_lint.project.outline import SYNC_HALF
from asyncsqla_lint.project.walking import calls
from asyncsqla_lint.semantics import testing
from asyncsqla_lint.semantics.api_use import SYNC
from asyncsqla_lint.semantics.binds import kind_of
from asyncsqla_lint.semantics.engine_events import LoopBlocked
from asyncsqla_lint.semantics.surroundings import around
from asyncsqla_lint.semantics.urls import addresses

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord

DRIVERS = (
    "psycopg2.connect psycopg.connect psycopg.Connection.connect sqlite3.connect pymysql.connect "
    "MySQLdb.connect mysql.connector.connect mariadb.connect pyodbc.connect pymssql.connect "
    "cx_Oracle.connect oracledb.connect pg8000.connect pg8000.dbapi.connect"
).split()
_EXTENSION = "sqlalchemy.ext.asyncio."
# Of a Session: what asks the database at once. The others keep books, or are given a connection already.
SESSION_METHODS = frozenset(
    "execute scalar scalars get get_one refresh merge flush commit connection query exec bulk_save_objects "
    "bulk_insert_mappings bulk_update_mappings".split()
)

# Of these, what asks whatever the session holds.
ASKING = frozenset(
    "execute scalar scalars exec refresh connection bulk_save_objects bulk_insert_mappings "
    "bulk_update_mappings".split()
)


def coroutine_of(frame: Frame | None) -> FunctionInfo | None:
    """The coroutine on whose behalf a frame runs; None when it is not reached from any."""
    while frame is not None:
        if frame.function is not None and frame.function.is_async:
            return frame.function
        frame = frame.caller
    return None


def blocked(
    flow: Flow, what: str, at: Span, made_at: Site | None, key: object, value: Value = UNKNOWN
) -> None:
    """A blocking call is made; said once for each coroutine and object."""
    here = around(flow)
    if here.greenlets or here.threads or not flow.listens(LoopBlocked):
        return
    if flow.awaiting is not None and flow.awaiting[1].span == at and flow.awaiting[0] is flow.frame.module:
        return  # awaited, so it is the annotation that is wrong
    if testing.in_test(flow.frame):
        return  # the loop of a test has nobody else to serve
    coroutine = coroutine_of(flow.frame)
    if coroutine is not None and testing.is_test_module(coroutine.module):
        return
    if coroutine is None or here.blocked.get((coroutine, key), at) != at:
        return
    if any(
        found == at and owner is coroutine and other != key for (owner, other), found in here.blocked.items()
    ):
        return  # one call, of a thing that may be one of several
    here.blocked[coroutine, key] = at
    flow.emit(LoopBlocked(flow.site(at), flow.frame, flow.is_certain, what, made_at, coroutine.name, value))


def session_used(flow: Flow, state: State, me: Reference, record: SessionRecord, name: str, at: Span) -> None:
    from asyncsqla_lint.semantics import greenlets
    from asyncsqla_lint.semantics.connections import SyncConnection
    from asyncsqla_lint.semantics.engines import SyncEngine

    if isinstance(record.bind, (SyncEngine, SyncConnection)):
        if not record.is_async and name in ASKING:
            greenlets.needed(flow, state, f"Session.{name}", "AsyncEngine", at)
        return
    if record.bind == NONE or kind_of(state, record.bind) or never_connects(flow, state, record.bind):
        return  # without an engine, or on an async one, it fails before it waits
    if not record.is_async and name in SESSION_METHODS:
        if record.how == "parameter" and (
            takes_either(flow) or is_run_in_greenlets(flow) or is_given_the_half(flow)
        ):
            return
        kind = "scoped_session" if record.is_scoped else "Session"
        blocked(flow, f"{kind}.{name}", at, None if record.how == "parameter" else record.site, me.oid)


def connection_used(
    flow: Flow, state: State, me: Reference, record: ConnectionRecord, name: str, at: Span
) -> None:
    """A connection that was opened elsewhere waits here; who has opened it has waited already."""
    if record.is_given:
        blocked(flow, f"Connection.{name}", at, None, me.oid)
        return
    engines = [one for one in alternatives(record.engine) if isinstance(one, Reference)]
    coroutine = coroutine_of(flow.frame)
    has_waited = any((coroutine, one.oid) in around(flow).blocked for one in engines)
    if engines and not has_waited and not never_connects(flow, state, record.engine):
        blocked(flow, f"Connection.{name}", at, record.site, me.oid)


def never_connects(flow: Flow, state: State, bind: Value) -> bool:
    """A sync engine with an async driver (ASQ103) fails at its first connect, and holds nobody up."""
    from asyncsqla_lint.semantics.engines import EngineRecord

    known = dialects(flow.release)
    engines = [one for one in alternatives(bind) if one != NONE]
    for engine in engines:
        record = state.record(engine.oid) if isinstance(engine, Reference) else None
        if not isinstance(record, EngineRecord) or record.is_async:
            return False
        if not any(known.is_async_under_sync(url.name) for url in addresses(record.url)[0]):
            return False
    return bool(engines)


def is_run_in_greenlets(flow: Flow) -> bool:
    """`await session.run_sync(f)` of a coroutine function: its body never runs, which is what ASQ407 says."""
    coroutine = coroutine_of(flow.frame)
    if coroutine is None:
        return False
    coroutine.module.consult()
    callers = (one for one in flow.index.functions_of(coroutine.module) if "run_sync" in one.header.mentions)
    return any(coroutine in _run_in_greenlets(one) for one in callers)


def _run_in_greenlets(caller: FunctionInfo) -> list[Symbol | None]:
    """What the caller gives to `run_sync`."""

    def find() -> list[Symbol | None]:
        given = (
            call.arguments[0]
            for call in calls(caller.body)
            if isinstance(call.function, p.Attribute) and call.function.name == "run_sync" and call.arguments
        )
        return [caller.index.resolve(caller.module, one, caller) for one in given]

    return kept(caller, "given to run_sync", find)


def is_given_the_half(flow: Flow) -> bool:
    """`Service(session.sync_session)`: what its methods do with that, who calls them with it says."""
    functions: list[FunctionInfo] = []
    frame: Frame | None = flow.frame
    while frame is not None:
        if frame.function is not None:
            functions.append(frame.function)
        frame = frame.caller
    owners = [one.owner for one in functions if one.owner is not None]
    for module in flow.index.modules.values():
        if module.says(SYNC_HALF):
            module.consult()
            for one in flow.index.functions_of(module):
                for called in _called_by(one) if SYNC_HALF in one.header.mentions else ():
                    if called in functions:
                        return True
                    if isinstance(called, ClassInfo) and any(map(called.is_subclass_of, owners)):
                        return True
    return False


def _called_by(caller: FunctionInfo) -> list[Symbol | None]:
    """The functions and classes of which names tell that they are called."""

    def find() -> list[Symbol | None]:
        return [caller.index.resolve(caller.module, call.function, caller) for call in calls(caller.body)]

    return kept(caller, "called", find)


def takes_either(flow: Flow) -> bool:
    """The coroutine takes `AsyncSession | Session`: its callers choose, who may all have the one."""
    frame: Frame | None = flow.frame
    while frame is not None and frame.function is not None:
        function = frame.function
        for parameter in function.header.parameters:
            if parameter.annotation is not None:
                type_ = flow.index.type(Scoped(parameter.annotation, function.module, function))
                names = {one.symbol.name for one in type_.union if isinstance(one.symbol, External)}
                if any(name.startswith(_EXTENSION) for name in names) and not SYNC.isdisjoint(names):
                    return True
        if function.is_async:
            return False
        frame = frame.caller
    return False


def register(meanings: Meanings) -> None:
    for name in DRIVERS:
        meanings.calls[name] = _connect(name)


def _connect(name: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if arguments.get(0, "database") != Constant(":memory:"):
            blocked(flow, name, at, None, at)
        return UNKNOWN

    return meaning
