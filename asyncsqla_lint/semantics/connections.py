"""Connections: what `connect()` and `begin()` of an engine give, and what a connection's methods do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Value,
)
from asyncsqla_lint.knowledge.api import api
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import aborted, api_use, blocking, failures, ledger, tasks, transactions
from asyncsqla_lint.semantics.engine_events import ConnectionLeft, ConnectionOpened, ConnectionUsed
from asyncsqla_lint.semantics.events import StatementExecuted
from asyncsqla_lint.semantics.greenlets import needed, run_sync
from asyncsqla_lint.semantics.results import ResultRecord
from asyncsqla_lint.semantics.statements import Statement
from asyncsqla_lint.semantics.transactions import BLOCK, ENDED

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_EXECUTES = frozenset("execute scalar scalars exec_driver_sql stream stream_scalars".split())


class Connecting(Record, frozen=True):
    """`engine.connect()`, `engine.begin()`: a connection once it is awaited or entered."""

    engine: Value
    site: Site
    begins: bool = False
    is_async: bool = True
    connection: Reference | None = None

    def suits(self, is_async: bool) -> bool:
        return self.is_async == is_async

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def _opened(self, flow: Flow, state: State, me: Reference, at: Span, is_block: bool) -> Reference:
        from asyncsqla_lint.semantics.engines import EngineRecord

        engine = state.record(self.engine.oid) if isinstance(self.engine, Reference) else None
        if isinstance(engine, EngineRecord) and isinstance(self.engine, Reference):
            engine.used(flow, state, self.engine, "begin" if self.begins else "connect", at)
        record = ConnectionRecord(
            self.is_async,
            self.site,
            self.engine,
            is_block=is_block,
            begins=self.begins,
            begun=BLOCK if self.begins else "",
        )
        connection = flow.allocate(state, record)
        state.put(me, replace(self, connection=connection))
        ledger.opened(flow, state, connection, self.engine)
        if is_block:
            ledger.entered(state, connection)
        if flow.listens(ConnectionOpened):
            flow.emit(ConnectionOpened(self.site, flow.frame, flow.is_certain, connection, record))
        return connection

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "start" and self.is_async:
            return me
        return UNKNOWN

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        return UNKNOWN if self.begins else self._opened(flow, state, me, at, is_block=False)

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        return self._opened(flow, state, me, at, is_block=True)

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        current = state.record(me.oid)
        if isinstance(current, Connecting) and current.connection is not None:
            if self.begins:
                told(
                    flow,
                    state,
                    current.connection,
                    "rollback" if raised else "commit",
                    Arguments(),
                    at,
                    block=True,
                )
            close(flow, state, current.connection, at, block=True, raised=raised)
        return False

    def refers_to(self) -> tuple[Value, ...]:
        return (self.engine,) if self.connection is None else (self.engine, self.connection)


class ConnectionRecord(Record, frozen=True):
    is_async: bool
    site: Site
    engine: Value = UNKNOWN
    is_block: bool = False  # closed by its `with`
    begins: bool = False  # commits by its `with`
    is_given: bool = False
    is_open: bool = True
    is_each: bool = False  # it stands for one of many connections, made alike
    begun: str = ""  # as a session's: BLOCK in a transaction's `with`, ENDED when that is over already
    failure: failures.Failure | None = None  # of a statement (see `aborted`)

    @property
    def is_one_for_all(self) -> bool:
        return self.is_async

    def individual(self, flow: Flow, state: State, me: Reference) -> Value:
        return flow.allocate(state, self) if self.is_each else me

    def repeated(self, flow: Flow, state: State, me: Reference, since: int) -> None:
        state.put(me, replace(self, is_each=True))

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ConnectionRecord) or other.is_async != self.is_async:
            return FORGOTTEN
        begun = transactions.begun(self.begun, other.begun)
        return replace(
            self,
            is_open=self.is_open or other.is_open,
            engine=self.engine,
            begun=begun,
            failure=failures.either(self.failure, other.failure),
        )

    def left_out(self, flow: Flow, state: State, me: Reference) -> None:
        ledger.left_out(flow, state, me, self.site)

    def suits(self, is_async: bool) -> bool:
        return self.is_async == is_async

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        return api_use.has(flow, state, me, name)

    def is_external(self, name: str) -> bool | None:
        return api_use.is_instance("AsyncConnection" if self.is_async else "Connection", name)

    def is_callable(self) -> bool | None:
        return False

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        api_use.read(flow, state, me, name, at)
        if name == "engine":
            return self.engine
        if name == "sync_connection":
            return SyncConnection(me)
        if name in ("dialect", "info", "sync_engine", "closed", "default_isolation_level", "invalidated"):
            return UNKNOWN
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        method = api(flow.release).method("AsyncConnection" if self.is_async else "Connection", name)
        if name in ("begin", "begin_nested"):
            return flow.allocate(
                state, ConnectionTransaction(me, flow.site(at), self.is_async, name == "begin_nested")
            )
        if method is None:
            return UNKNOWN
        if method.kind == "coroutine" and self.is_async:
            ledger.meant(flow, state, me, self.site, name)
            return flow.allocate_watched(state, CoroutineRecord(Method(me, name), arguments, flow.site(at)))
        if method.kind == "startable" and self.is_async:
            return flow.allocate(state, Streaming(me, name, arguments, flow.site(at)))
        return self.await_method(flow, state, me, name, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return perform(flow, state, me, name, arguments, at)

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        return me

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        ledger.entered(state, me)
        return me

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        close(flow, state, me, at, block=True, raised=raised)
        return False

    def refers_to(self) -> tuple[Value, ...]:
        return () if self.engine is UNKNOWN else (self.engine,)


class SyncConnection(Value, frozen=True):
    """The plain Connection under an AsyncConnection, as `run_sync` hands it out."""

    connection: Reference

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return UNKNOWN if name in ("dialect", "info", "engine") else Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in ("begin", "begin_nested"):
            transaction = ConnectionTransaction(self.connection, flow.site(at), False, name == "begin_nested")
            return flow.allocate(state, transaction)
        if name == "execution_options":
            return self
        if name in ("execute", "scalar", "scalars", "exec_driver_sql"):
            needed(flow, state, f"Connection.{name}", "AsyncConnection", at)
        return perform(flow, state, self.connection, name, arguments, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.connection,)


class Streaming(Record, frozen=True):
    """`connection.stream(…)`: awaited, or entered by `async with`."""

    connection: Reference
    method: str
    arguments: Arguments
    site: Site

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        return perform(flow, state, self.connection, self.method, self.arguments, self.site.span)

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        return self.awaited(flow, state, me, at)

    def refers_to(self) -> tuple[Value, ...]:
        return (self.connection, *self.arguments.all())


class ConnectionTransaction(Record, frozen=True):
    """`connection.begin()`, `connection.begin_nested()`."""

    connection: Reference
    site: Site
    is_async: bool = True
    is_nested: bool = False

    def suits(self, is_async: bool) -> bool:
        return self.is_async == is_async

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return self.connection if name == "connection" else Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if self.is_async and name in ("commit", "rollback", "close", "start"):
            return flow.allocate_watched(state, CoroutineRecord(Method(me, name), arguments, flow.site(at)))
        return self.await_method(flow, state, me, name, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "start":
            return me
        told(flow, state, self.connection, self._named(name), arguments, at)
        if not self.is_nested:
            _over(state, self.connection)
        return NONE

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        record = state.record(self.connection.oid)
        if isinstance(record, ConnectionRecord) and not self.is_nested:
            transactions.connection_begun(flow, state, self.connection, record, at)
        told(flow, state, self.connection, "begin_nested" if self.is_nested else "begin", Arguments(), at)
        return me

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        self.awaited(flow, state, me, at)
        record = state.record(self.connection.oid)
        if isinstance(record, ConnectionRecord) and not self.is_nested:
            state.put(self.connection, replace(record, begun=BLOCK))
        return me

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        _left(state, self.connection, self.is_nested)
        told(
            flow,
            state,
            self.connection,
            self._named("rollback" if raised else "commit"),
            Arguments(),
            at,
            block=True,
        )
        return False

    def _named(self, how: str) -> str:
        return f"{how} of a savepoint" if self.is_nested else how

    def refers_to(self) -> tuple[Value, ...]:
        return (self.connection,)


def told(
    flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span, *, block: bool = False
) -> None:
    record = state.record(me.oid)
    if not isinstance(record, ConnectionRecord):
        return
    tasks.used(flow, state, me, record, name, at, ends_block=block)
    if not record.is_async and name in _EXECUTES:
        blocking.connection_used(flow, state, me, record, name, at)
    if flow.listens(ConnectionUsed):
        flow.emit(ConnectionUsed(flow.site(at), flow.frame, flow.is_certain, me, record, name, arguments))


def _over(state: State, me: Reference) -> None:
    """Its transaction is committed or rolled back: in what is left of the block nothing can be executed."""
    record = state.record(me.oid)
    if isinstance(record, ConnectionRecord):
        begun = ENDED if record.begun == BLOCK else record.begun
        state.put(me, replace(record, begun=begun, failure=failures.over(record.failure)))


def _left(state: State, me: Reference, is_nested: bool) -> None:
    """The block of a transaction, or of a savepoint: what has failed in it is rolled back."""
    record = state.record(me.oid)
    if isinstance(record, ConnectionRecord):
        begun = record.begun if is_nested else ""
        state.put(me, replace(record, begun=begun, failure=failures.over(record.failure)))


def close(
    flow: Flow, state: State, me: Reference, at: Span, *, block: bool = False, raised: bool = False
) -> None:
    record = state.record(me.oid)
    if not isinstance(record, ConnectionRecord):
        return
    ledger.closed(flow, state, me, record.site, record.is_given, at, block=block, raised=raised)
    if flow.listens(ConnectionLeft):
        flow.emit(ConnectionLeft(flow.site(at), flow.frame, flow.is_certain, me, record))
    state.put(me, replace(record, is_open=False))


def perform(flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span) -> Value:
    """Do what the (awaited, or plain) method does."""
    record = state.record(me.oid)
    if not isinstance(record, ConnectionRecord):
        return UNKNOWN
    if name in ("close", "aclose"):
        close(flow, state, me, at)
        return NONE
    if name == "run_sync":
        transactions.connection_asked(flow, state, me, record, name, at)
        return run_sync(flow, state, SyncConnection(me), arguments, at)
    if name == "execution_options" and arguments.keywords.get("isolation_level") == Constant("AUTOCOMMIT"):
        ledger.autocommits(state, me)
    if name in ("start", "execution_options"):
        return me
    method = api(flow.release).method("Connection", name)
    if method is not None and method.kind == "property":
        return UNKNOWN
    told(flow, state, me, name, arguments, at)
    if name in ("commit", "rollback"):
        _over(state, me)
    if name in _EXECUTES and record.begun == ENDED:
        transactions.connection_ended(flow, me, record, name, at)
        state.put(me, replace(record, begun=""))
    elif name in _EXECUTES:
        transactions.connection_asked(flow, state, me, record, name, at)
    if name in _EXECUTES:
        return _execute(flow, state, me, name, arguments, at)
    return NONE if method is not None and method.returns == "None" else UNKNOWN


def _execute(flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span) -> Value:
    argument = arguments.get(0, "statement") or UNKNOWN
    found = argument if isinstance(argument, Statement) else None
    if flow.listens(StatementExecuted):
        flow.emit(StatementExecuted(flow.site(at), flow.frame, flow.is_certain, me, found, argument, name))
    if flow.is_caught_somewhere:
        given = [Statement("text", flow.site(at))] if name == "exec_driver_sql" else [found] if found else []
        aborted.may_fail(flow, state, me, given, at)
    if found is not None and (found.is_write or found.is_written_text):
        ledger.written(flow, state, me, name, at)
    if name == "scalar":
        return UNKNOWN
    # Rows of a connection are columns, never instances: nothing is known of their elements.
    statement = Statement("select" if found is None else found.kind, flow.site(at))
    shape = "scalars" if name.endswith("scalars") else "rows"
    streams = name.startswith("stream")
    result = ResultRecord(statement, None, flow.site(at), shape=shape, is_async=streams, executor=me)
    return flow.allocate(state, result)


def register(meanings: Meanings) -> None:
    for module in ("sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio.engine"):
        meanings.instances[f"{module}.AsyncConnection"] = _given(True)
    for module in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.base"):
        meanings.instances[f"{module}.Connection"] = _given(False)


def _given(is_async: bool):  # type: ignore[no-untyped-def]  # the type is InstanceMeaning
    def meaning(flow: Flow, state: State, arguments: tuple[Value, ...], at: Span) -> Value:
        return flow.allocate(state, ConnectionRecord(is_async, flow.site(at), is_given=True))

    return meaning
