"""PostgreSQL: a statement that fails ends the transaction that it is in. Until somebody rolls back, or a
savepoint around it does, the server refuses every other (`tests/postgres/aborted.py`). Others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.values import UNKNOWN, Constant, Reference, Value, alternatives
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import assumptions
from asyncsqla_lint.semantics.expiry import held
from asyncsqla_lint.semantics.failures import DATABASE_ERROR, STATEMENT_ERROR, Failure
from asyncsqla_lint.semantics.flushing import has_waiting
from asyncsqla_lint.semantics.ledger import ledger
from asyncsqla_lint.semantics.statements import Statement
from asyncsqla_lint.semantics.urls import Address, addresses

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord

POSTGRESQL = "postgresql"
AUTOCOMMIT = Constant("AUTOCOMMIT")
ASKS = frozenset({"execute", "scalar", "scalars", "stream", "stream_scalars", "exec", "refresh", "merge"})
FLUSHES = frozenset({"flush", "commit"})
FROM_MEMORY = frozenset({"get", "get_one"})  # unless the session holds what they ask for


def may_fail(flow: Flow, state: State, subject: Reference, given: list[Statement], at: Span) -> None:
    """A session or a connection executes these."""
    failed = _after(flow, state, subject, given, at)
    flow.may_raise(failed, DATABASE_ERROR if failed is state else STATEMENT_ERROR)


def _after(flow: Flow, state: State, subject: Reference, given: list[Statement], at: Span) -> State:
    """What is so where they fail. A query that is written with `select()` is taken to work."""
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord

    record = state.record(subject.oid)
    if not isinstance(record, (SessionRecord, ConnectionRecord)) or not record.is_async:
        return state
    if not given or not all(one.is_write or one.kind == "text" for one in given):
        return state
    if isinstance(record, SessionRecord):
        server = _server(flow, state, record, given)
    else:
        server = _of_connection(state, subject, record)
    if server is None:
        return state
    failed = state.copy()
    failure = Failure(flow.site(at), is_doubtful=bool(server), of="statement", assumption=server)
    failed.put(subject, replace(record, failure=failure))
    return failed


def refuses(state: State, session: Reference, failure: Failure, method: str) -> bool:
    """Does the method ask the server for anything? A commit with nothing to flush rolls back, silently.

    While the error is on its way (in a `finally`), nobody has swallowed it.
    """
    if failure.handled_at is None:
        return False
    if method in FLUSHES:
        return has_waiting(state, session)
    return method in ASKS or (method in FROM_MEMORY and not any(True for _ in held(state, session)))


def _server(flow: Flow, state: State, record: SessionRecord, given: list[Statement]) -> str | None:
    """What is assumed for it to be PostgreSQL's; "" where that is known. None: it may be another."""
    if record.how == "parameter" and record.bind is UNKNOWN:
        if all(one.dialect == POSTGRESQL for one in given):  # `sqlalchemy.dialects.postgresql.insert`
            return ""
        return _assumed(flow)
    return _server_of(state.record, record.bind)


def _of_connection(state: State, connection: Reference, record: ConnectionRecord) -> str | None:
    return None if ledger(state, connection).is_autocommit else _server_of(state.record, record.engine)


def _server_of(record: Callable[[int], Record | None], bind: Value) -> str | None:
    from asyncsqla_lint.semantics.engines import EngineRecord

    known: list[Address] = []
    is_whole = True
    for one in alternatives(bind):
        engine = record(one.oid) if isinstance(one, Reference) else None
        if not isinstance(engine, EngineRecord) or engine.options.get("isolation_level") == AUTOCOMMIT:
            return None
        urls, is_all = addresses(engine.url)
        known += urls
        is_whole = is_whole and is_all
    if {url.backend for url in known} != {POSTGRESQL}:
        return None
    return "" if is_whole else "assuming that the URL's default is in use"


class _Assumed(Struct, frozen=True):
    server: str | None = None


def _assumed(flow: Flow) -> str | None:
    """A session that the code is given is of one of the factories at the project's top levels."""
    if flow.is_world:
        return None
    known = flow.memory.get(_Assumed)
    if not isinstance(known, _Assumed):
        known = flow.memory[_Assumed] = _Assumed(_of_factories(flow))
    return known.server


def _of_factories(flow: Flow) -> str | None:
    from asyncsqla_lint.semantics.factories import FactoryValue

    modules = {module.name: module for module, _ in assumptions.factories(flow.index)}
    for module in modules.values():
        made = [one for one in flow.scopes.module_values(module).values() if isinstance(one, FactoryValue)]
        if not made:
            return None  # a function makes it, or it is an attribute of something
        if any(one.is_async and _server_of(flow.base.get, one.bind) is None for one in made):
            return None
    first = next(iter(modules.values()), None)
    return None if first is None else f"assuming a session of the factory in {first.path}"
