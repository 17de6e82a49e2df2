"""Functions that are handed to another thread: they run, but not on the event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import Decorated, FunctionValue, Partial
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Reference, Value, alternatives, union
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.connections import ConnectionRecord, SyncConnection
from asyncsqla_lint.semantics.events import AttributeLoad, SessionUsed, ThreadCrossed
from asyncsqla_lint.semantics.instances import PERSISTENT, InstanceRecord
from asyncsqla_lint.semantics.sessions import SessionRecord
from asyncsqla_lint.semantics.surroundings import around
from asyncsqla_lint.semantics.sync_sessions import SyncSession

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


EXECUTORS = (
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.ProcessPoolExecutor",
    "concurrent.futures.Executor",
    "concurrent.futures.thread.ThreadPoolExecutor",
    "concurrent.futures.process.ProcessPoolExecutor",
)
THREADS = ("threading.Thread", "threading.Timer", "multiprocessing.Process")
# What they give is called like the function that they are given.
WRAPS = ("asgiref.sync.sync_to_async", "asyncer.asyncify")


def register(meanings: Meanings) -> None:
    for name in HANDS_OVER:
        meanings.calls.setdefault(name, handed_over)
    for name in EXECUTORS:
        meanings.calls[name] = lambda flow, state, arguments, at: Executor()
        meanings.instances[name] = lambda flow, state, arguments, at: Executor()
    for name in THREADS:
        meanings.calls[name] = _thread
    for name in WRAPS:
        meanings.calls[name] = _wrapped


class Executor(Value, frozen=True):
    """A pool of threads or processes."""

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "submit":
            return Future(handed_over(flow, state, arguments, at))
        if name == "map" and len(arguments.positional) > 1:
            function, *rows = arguments.positional
            elements = (_element(flow, state, one, at) for one in rows)
            done = handed_over(flow, state, Arguments((function, *elements)), at)
            result = done.value if isinstance(done, Ready) else UNKNOWN
            return flow.allocate(state, ListRecord(None, result, "iterator"))
        return UNKNOWN


class Future(Value, frozen=True):
    """`executor.submit(…)`: awaited as the future that `asyncio.wrap_future` makes of it."""

    done: Value

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return self.done.awaited(flow, state, at)

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return self.done.awaited(flow, state, at) if name == "result" else UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.done,)


class InThread(Value, frozen=True):
    """`sync_to_async(function)`: calling it runs the function in a thread."""

    function: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return handed_over(flow, state, arguments.prepended(self.function), at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.function,)


def _wrapped(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return InThread(arguments.positional[0]) if arguments.positional else UNKNOWN


def _thread(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """Its function runs once it is started; what it is given crosses here."""
    function = arguments.get(1, "target") or arguments.get(1, "function") or UNKNOWN
    rows = arguments.get(3, "args") or arguments.get(2, "args")
    iteration = None if rows is None else rows.iterate(flow, state, at, False)
    given = tuple(iteration.items or ()) if iteration is not None else ()
    handed_over(flow, state, Arguments((function, *given)), at)
    return UNKNOWN


def _element(flow: Flow, state: State, value: Value, at: Span) -> Value:
    iteration = value.iterate(flow, state, at, False)
    if iteration.items is not None:
        return union(iteration.items) if iteration.items else UNKNOWN
    return iteration.element or UNKNOWN


def is_plain(function: Value) -> bool:
    """Is it a function of the project, and no coroutine's?"""
    while isinstance(function, (Partial, Decorated)):
        function = function.function
    return isinstance(function, FunctionValue) and not function.info.is_async


@contextmanager
def off_the_loop(flow: Flow) -> Iterator[None]:
    """What runs inside has a thread of its own, and may wait."""
    around(flow).threads += 1
    try:
        yield
    finally:
        around(flow).threads -= 1


def handed_over(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return UNKNOWN
    function, *rest = arguments.positional
    given = Arguments(tuple(rest), arguments.keywords, arguments.more, arguments.more_keywords)
    crossing = crosses(state, function, given)
    is_known = is_plain(function)
    is_read = is_known and crossing is not None and crossing[0] == "instance"
    if crossing is not None and not is_read:
        _emit(flow, *crossing, at)
    if not is_known:
        return flow.call_unknown(state, function, Arguments((function, *rest), arguments.keywords), at)
    used: list[SessionUsed] = []
    loads: list[AttributeLoad] = []
    since = flow.counter

    def record(event: Event) -> None:
        if isinstance(event, AttributeLoad):
            loads.append(event)
        elif isinstance(event, SessionUsed) and (
            event.session.oid <= since or event.session.oid in state.base
        ):
            used.append(event)  # what the thread itself has opened is its own

    flow.recorders.append(record)
    try:
        # What the session itself does there fails: nothing behind that is news (ASQ213/bad_also_bridged).
        with off_the_loop(flow), flow.silently() if crossing is not None and not is_read else nullcontext():
            return Ready(function.call(flow, state, given, at))
    finally:
        flow.recorders.remove(record)
        if crossing is not None:
            if is_read and loads:  # what is loaded, any thread may read
                _emit(flow, *crossing, at)
        else:
            found = next((use for use in used if use.record.is_one_for_all), None)
            if found is not None:
                _emit(flow, kind(found.record), found.record.site, at)


# --- what must not cross -------------------------------------------------------------------------


def crosses(state: State, function: Value, given: Arguments) -> tuple[str, Site | None] | None:
    """The first thing handed over that belongs to the event loop's thread."""
    more = given.all()
    while isinstance(function, Partial):
        more += function.arguments.all()
        function = function.function
    bound = (
        (function.receiver,)
        if isinstance(function, (Method, FunctionValue)) and function.receiver is not None
        else ()
    )
    for value in (*bound, *more, *_closed_over(state, function)):
        for one in alternatives(value):
            found = _belongs(state, one)
            if found is not None:
                return found
    return None


def _closed_over(state: State, function: Value) -> list[Value]:
    """What a lambda or an inner function takes along from around it."""
    if not isinstance(function, FunctionValue):
        return []
    found: dict[str, Value] = {}
    for number in function.closure:
        for name, value in (state.variables(number) or {}).items():
            if name in function.info.header.mentions:
                found.setdefault(name, value)
    return list(found.values())


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


def _emit(flow: Flow, what: str, made_at: Site | None, at: Span) -> None:
    if flow.listens(ThreadCrossed):
        flow.emit(ThreadCrossed(flow.site(at), flow.frame, flow.is_certain, what, made_at))
