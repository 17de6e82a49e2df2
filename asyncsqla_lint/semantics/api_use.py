"""Uses of SQLAlchemy's own classes that their tables tell right from wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from asyncsqla_lint.flow.callables import Decorated, ExternalValue, FunctionValue, Partial
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    TupleValue,
    Value,
    alternatives,
)
from asyncsqla_lint.knowledge.api import api
from asyncsqla_lint.program import Attribute, Call, Expression, Span, Starred, Subscript
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scoped
from asyncsqla_lint.semantics import ledger
from asyncsqla_lint.semantics.api_events import (
    AttributeMissing,
    AwaitBoundLate,
    IterationMismatched,
    PlainAwaited,
    RunSyncMisused,
    WithMismatched,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# What a coroutine object itself has.
OF_COROUTINES = frozenset({"close", "send", "throw", "__await__", "__name__", "__qualname__"})
SYNC = frozenset({"sqlalchemy.orm.Session", "sqlalchemy.orm.session.Session", "sqlmodel.Session"})
_SHAPES = {"rows": "Result", "scalars": "ScalarResult", "mappings": "MappingResult"}


def class_name(state: State, value: Value) -> str | None:
    """The class of SQLAlchemy's tables that a value is an instance of."""
    subject: object = state.record(value.oid) if isinstance(value, Reference) else value
    name = _names().get(type(subject))  # most are none, and are asked about at every attribute
    return name if name is None or isinstance(name, str) else name(state, subject)


@cache
def _names() -> dict[type, str | Callable[[State, Any], str | None]]:
    """By the type of the value, or of the record of what it refers to."""
    from asyncsqla_lint.semantics.connections import (
        ConnectionRecord,
        ConnectionTransaction,
        SyncConnection,
    )
    from asyncsqla_lint.semantics.engines import EngineRecord
    from asyncsqla_lint.semantics.factories import FactoryValue
    from asyncsqla_lint.semantics.results import ResultRecord
    from asyncsqla_lint.semantics.scoped import RegistryRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord
    from asyncsqla_lint.semantics.sync_sessions import SyncSession
    from asyncsqla_lint.semantics.transaction_blocks import TransactionRecord

    def of_session(state: State, session: SessionRecord) -> str:
        if session.is_scoped:
            return "async_scoped_session" if session.is_async else "scoped_session"
        return "AsyncSession" if session.is_async else "Session"

    def of_transaction(state: State, transaction: TransactionRecord) -> str | None:
        session = state.record(transaction.session.oid)
        if not isinstance(session, SessionRecord):
            return None
        is_async = session.is_async and not transaction.is_plain
        return "AsyncSessionTransaction" if is_async else "SessionTransaction"

    def of_result(state: State, result: ResultRecord) -> str | None:
        name = _SHAPES.get(result.shape)
        return f"Async{name}" if name is not None and result.is_async else name

    return {
        SyncSession: "Session",
        SyncConnection: "Connection",
        FactoryValue: lambda _, one: "async_sessionmaker" if one.is_async else "sessionmaker",
        RegistryRecord: "async_scoped_session",
        SessionRecord: of_session,
        EngineRecord: lambda _, one: "AsyncEngine" if one.is_async else "Engine",
        ConnectionRecord: lambda _, one: "AsyncConnection" if one.is_async else "Connection",
        ConnectionTransaction: lambda _, one: "AsyncTransaction" if one.is_async else "Transaction",
        TransactionRecord: of_transaction,
        ResultRecord: of_result,
    }


def is_instance(owner: str, name: str) -> bool | None:
    """`isinstance(x, name)` for an x of the class `owner`; None when nothing is known of `name`."""
    module, _, short = name.rpartition(".")
    if not module.startswith("sqlalchemy") or api().class_(short) is None:
        return None
    return short == owner


def owner_of(state: State, coroutine: CoroutineRecord) -> str:
    """Of which class a coroutine is a method; "" when it is not SQLAlchemy's."""
    from asyncsqla_lint.semantics.awaitable import AwaitableAttribute

    if not isinstance(coroutine.function, Method):
        return ""
    if isinstance(coroutine.function.receiver, AwaitableAttribute):
        return "awaitable_attrs"
    return class_name(state, coroutine.function.receiver) or ""


def method_name(coroutine: CoroutineRecord) -> str:
    return coroutine.function.name if isinstance(coroutine.function, Method) else ""


# --- awaiting ------------------------------------------------------------------------------------


def call_awaited(flow: Flow, state: State, function: Value, at: Span) -> None:
    plain_awaited(flow, state, function, at, "")


def given_to_await(flow: Flow, state: State, given: Arguments, by: str) -> None:
    """`gather(session.add(…))`: what is no coroutine, handed to who awaits it."""
    call = flow.calling
    if call is None or not flow.listens(PlainAwaited):
        return
    for node, value in zip(call.arguments, given.positional, strict=False):
        if isinstance(node, Starred):
            return
        if value == NONE and isinstance(node, Call):
            with flow.silently():
                function = flow.evaluate(state, node.function)
            plain_awaited(flow, state, function, node.span, by)


def plain_awaited(flow: Flow, state: State, function: Value, at: Span, by: str) -> None:
    found = [one for one in alternatives(function) if one != NONE]
    for one in found:
        if not isinstance(one, Method) or not flow.listens(PlainAwaited):
            continue
        owner = class_name(state, one.receiver)
        method = None if owner is None else api(flow.release).method(owner, one.name)
        if owner is None or method is None or method.kind in ("coroutine", "startable", "property"):
            continue
        given = [api(flow.release).class_(name) for name in method.alternatives]
        if any(cls is not None and "awaitable" in cls.protocols for cls in given) or (
            "Any" in method.alternatives and not owner.endswith("Result")
        ):
            continue
        if owner in ("Session", "Connection", "Engine", "scoped_session") and _may_be_async(
            state, one.receiver
        ):
            continue
        certain = flow.is_certain and len(found) == 1
        if certain and owner == "AsyncSession":
            ledger.refused(flow, state, one.receiver, at)
        flow.emit(PlainAwaited(flow.site(at), flow.frame, certain, owner, one.name, method.kind, by))


def _may_be_async(state: State, receiver: Value) -> bool:
    """A parameter annotated with the sync class, and awaited: the annotation is what is wrong."""
    record = state.record(receiver.oid) if isinstance(receiver, Reference) else None
    return getattr(record, "how", "") in ("parameter", "promised") or bool(getattr(record, "is_given", False))


def coroutine_read(flow: Flow, state: State, coroutine: Reference, name: str, at: Span) -> None:
    record = state.record(coroutine.oid)
    if not isinstance(record, CoroutineRecord) or record.is_awaited:
        return
    if name in OF_COROUTINES:  # run, or closed, by hand
        settle(state, coroutine)
        return
    owner = owner_of(state, record)
    if not owner or flow.awaiting is None or not _binds_late(flow, at):
        return
    if flow.listens(AwaitBoundLate):
        site = record.handed or record.site
        flow.emit(AwaitBoundLate(site, flow.frame, flow.is_certain, record, owner, name))
    settle(state, coroutine)


def _binds_late(flow: Flow, at: Span) -> bool:
    """Is the attribute at `at` part of what the running `await` waits for?"""
    assert flow.awaiting is not None
    module, node = flow.awaiting
    if module is not flow.frame.module:
        return False
    following: Expression | None = node
    while following is not None:
        if following.span == at and isinstance(following, (Attribute, Subscript)):
            return True
        if isinstance(following, (Attribute, Subscript)):
            following = following.value
        else:
            following = following.function if isinstance(following, Call) else None
    return False


def awaited_again(flow: Flow, state: State, operand: Value, at: Span) -> None:
    """`await (await connection.run_sync(f))`."""
    record = state.record(operand.oid) if isinstance(operand, Reference) else None
    if not isinstance(record, CoroutineRecord) or not flow.listens(RunSyncMisused):
        return
    if method_name(record) == "run_sync" and owner_of(state, record):
        flow.emit(RunSyncMisused(flow.site(at), flow.frame, flow.is_certain, "awaited", ""))


def settle(state: State, coroutine: Reference) -> None:
    """Nothing more is to be said of this coroutine."""
    from msgspec.structs import replace

    record = state.record(coroutine.oid)
    if isinstance(record, CoroutineRecord):
        state.put(coroutine, replace(record, is_awaited=True))


# --- with and for --------------------------------------------------------------------------------


def entered(flow: Flow, state: State, manager: Value, at: Span, is_async: bool) -> None:
    from asyncsqla_lint.semantics.connections import Connecting, Streaming
    from asyncsqla_lint.semantics.sync_sessions import Quiet

    if not flow.listens(WithMismatched):
        return
    for one in alternatives(manager):
        if isinstance(one, Quiet) and is_async:
            flow.emit(
                WithMismatched(flow.site(at), flow.frame, flow.is_certain, "session.no_autoflush", True)
            )
            continue
        owner = class_name(state, one)
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(record, Connecting):
            owner = "AsyncConnection" if record.is_async else "Connection"
        elif isinstance(record, Streaming):
            owner = "AsyncResult"
            if is_async:
                continue
        cls = None if owner is None else api(flow.release).class_(owner)
        if owner is None or cls is None or getattr(record, "cls", None) is not None:
            continue
        wanted, other = ("async_context", "context") if is_async else ("context", "async_context")
        if wanted not in cls.protocols and other in cls.protocols:
            if is_async and _may_be_async(state, one):
                continue
            flow.emit(WithMismatched(flow.site(at), flow.frame, flow.is_certain, owner, is_async))
        elif wanted not in cls.protocols and _is_made_by_project(one, record):
            flow.emit(WithMismatched(flow.site(at), flow.frame, flow.is_certain, owner, is_async, True))


def _is_made_by_project(value: Value, record: object) -> bool:
    """A factory or an engine that the project has made. (What an annotation calls so may be a session.)"""
    from asyncsqla_lint.semantics.engines import EngineRecord
    from asyncsqla_lint.semantics.factories import FactoryValue

    if isinstance(value, FactoryValue):
        return value.is_async and value.bind is not UNKNOWN
    return isinstance(record, EngineRecord) and record.is_async and not record.is_given


def iterated(flow: Flow, state: State, result: Reference, at: Span, is_async: bool) -> None:
    owner = class_name(state, result)
    cls = None if owner is None else api(flow.release).class_(owner)
    if owner is None or cls is None or not flow.listens(IterationMismatched):
        return
    wanted, other = ("async_iterable", "iterable") if is_async else ("iterable", "async_iterable")
    if wanted not in cls.protocols and other in cls.protocols:
        flow.emit(IterationMismatched(flow.site(at), flow.frame, flow.is_certain, owner, is_async))


# --- attributes ----------------------------------------------------------------------------------


def read(flow: Flow, state: State, me: Value, name: str, at: Span) -> None:
    """An attribute of one of SQLAlchemy's objects is read."""
    if not flow.listens(AttributeMissing) or flow.is_caught("AttributeError"):
        return  # who expects that it is missing asks for something else (`ASQ406/good_asked_either_way`)
    owner = class_name(state, me)
    if owner is None:
        return
    known = api(flow.release)
    if known.is_missing(owner, name):
        cls = known.class_(owner)
        sync = "" if cls is None else cls.sync
        flow.emit(AttributeMissing(flow.site(at), flow.frame, flow.is_certain, owner, sync, name))
    elif owner.endswith(("ScalarResult", "MappingResult")) and known.method(owner, name) is None:
        # `(await session.scalars(query)).scalar_one()`: scalars are taken out already
        whole = "AsyncResult" if owner.startswith("Async") else "Result"
        if known.method(whole, name) is not None:
            flow.emit(AttributeMissing(flow.site(at), flow.frame, flow.is_certain, owner, whole, name))


def has(flow: Flow, state: State, me: Value, name: str) -> bool | None:
    """`hasattr(session, "query")`; None where a program may have set what the tables do not know."""
    owner, known = class_name(state, me), api(flow.release)
    found = None if owner is None else known.class_(owner)
    if owner is None or found is None:
        return None
    return False if known.is_missing(owner, name) else name in found.methods or None


def class_has(flow: Flow, cls: ExternalValue, name: str) -> bool | None:
    """`hasattr(AsyncSession, "after_commit")`: the tables have all the public names of a class."""
    found = api(flow.release).class_(cls.name) if cls.name.startswith("sqlalchemy.") else None
    return None if found is None or name.startswith("_") or name in found.methods else False


# --- run_sync ------------------------------------------------------------------------------------


def run_sync_given(flow: Flow, state: State, function: Value, at: Span) -> bool:
    """Is what `run_sync` is given fit to be called?"""
    if not flow.listens(RunSyncMisused):
        return True
    certain, fits = flow.is_certain, True
    for one in alternatives(function):
        plain = one
        while isinstance(plain, (Partial, Decorated)):
            plain = plain.function
        what = name = ""
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(plain, FunctionValue) and plain.info.is_async and not plain.info.header.is_generator:
            what, name = "async", plain.info.name
        elif isinstance(record, CoroutineRecord) and record.kind == "coroutine":
            called = record.function
            what, name = (
                "coroutine",
                called.info.name if isinstance(called, FunctionValue) else method_name(record),
            )
            settle(state, one)  # type: ignore[arg-type]  # only a reference has a record
        elif isinstance(one, (Constant, TupleValue)) or isinstance(record, ListRecord):
            what = "called"
        elif isinstance(one, Method) and _is_coroutine_method(flow, state, one):
            what, name = "async", one.name
        if what:
            fits = False
            plainly = isinstance(plain, FunctionValue) and _asks_for_sync(flow, plain.info)
            flow.emit(RunSyncMisused(flow.site(at), flow.frame, certain, what, name, plainly))
    return fits


def _asks_for_sync(flow: Flow, function: FunctionInfo) -> bool:
    for parameter in function.header.parameters:
        if parameter.annotation is not None:
            type_ = flow.index.type(Scoped(parameter.annotation, function.module, function))
            promised = (one.symbol for one in type_.union or (type_,))
            if any(isinstance(one, External) and one.name in SYNC for one in promised):
                return True
    return False


def run_sync_gave(flow: Flow, state: State, result: Value, at: Span, fits: bool) -> None:
    """`run_sync(lambda session: load(session))`: what the function returns is an async one's coroutine."""
    record = state.record(result.oid) if isinstance(result, Reference) else None
    if not isinstance(record, CoroutineRecord) or record.kind != "coroutine" or record.is_awaited:
        return
    if isinstance(result, Reference) and isinstance(record.function, FunctionValue):
        if fits and flow.listens(RunSyncMisused):
            name = record.function.info.name
            flow.emit(RunSyncMisused(flow.site(at), flow.frame, flow.is_certain, "async", name))
        settle(state, result)


def _is_coroutine_method(flow: Flow, state: State, method: Method) -> bool:
    owner = class_name(state, method.receiver)
    found = None if owner is None else api(flow.release).method(owner, method.name)
    return found is not None and found.kind == "coroutine"


def register(meanings: Meanings) -> None:
    meanings.when_looked_for.append(class_has)
    meanings.when_awaited.append(call_awaited)
    meanings.when_entered.append(entered)
    meanings.when_coroutine_read.append(coroutine_read)
    meanings.when_awaited_again.append(awaited_again)
