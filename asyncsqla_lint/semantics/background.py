"""What web frameworks run when the handler has returned: background tasks, and the bodies of streams."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Method,
    Reference,
    TupleValue,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.tasks import DEPENDENCIES_END_FIRST, finish, start
from asyncsqla_lint.semantics.threads import is_plain, off_the_loop

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

COLLECTIONS = (
    "fastapi.BackgroundTasks",
    "fastapi.background.BackgroundTasks",
    "starlette.background.BackgroundTasks",
)
SINGLE = ("starlette.background.BackgroundTask", "litestar.background_tasks.BackgroundTask")


STREAMS = (
    "fastapi.responses.StreamingResponse",
    "starlette.responses.StreamingResponse",
    "sse_starlette.EventSourceResponse",
    "sse_starlette.sse.EventSourceResponse",
    "litestar.response.Stream",
    "litestar.response.ServerSentEvent",
    "quart.Response",
    "quart.wrappers.Response",
)


class BackgroundTasksRecord(Record, frozen=True):
    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "add_task":
            _later(flow, state, arguments, at)
            return NONE
        return UNKNOWN


class Later(Value, frozen=True):
    """A function that is called with its arguments when its time has come: in a thread, if it is plain."""

    function: Value
    arguments: Arguments

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        if is_plain(self.function):
            with off_the_loop(flow):
                return self.function.call(flow, state, self.arguments, at)
        return self.function.call(flow, state, self.arguments, at).awaited(flow, state, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())


class Drained(Value, frozen=True):
    """A generator that is run to its end when its time has come: in a thread, if it is plain."""

    generator: CoroutineRecord

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        function, site = self.generator.function, self.generator.site
        if isinstance(function, FunctionValue):
            with nullcontext() if function.info.is_async else off_the_loop(flow):
                run_function(flow, state, function, self.generator.arguments, site.span, yielded=[])
        return NONE

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.generator.function, *self.generator.arguments.all())


class Streamed(Value, frozen=True):
    """The response: who asks for its body by hand (another route, a test) drains it himself, and at once."""

    task: Reference
    arguments: Arguments

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "body_iterator":
            finish(state, self.task)
        return UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.task, *self.arguments.all())


def sent(flow: Flow, state: State, value: Value, at: Span) -> None:
    """A view has answered with an async generator: it runs when the response is sent."""
    for one in value.elements if isinstance(value, TupleValue) else alternatives(value):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(record, CoroutineRecord) and record.kind == "generator":
            start(flow, state, Drained(record), flow.site(at), is_later=True)


def _stream(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    content = arguments.get(0, "content") or UNKNOWN
    record = state.record(content.oid) if isinstance(content, Reference) else None
    answer = flow.call_unknown(state, UNKNOWN, arguments, at)
    if isinstance(record, CoroutineRecord) and record.kind == "generator":
        return Streamed(start(flow, state, Drained(record), flow.site(at), is_later=True), arguments)
    return answer


def _later(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if arguments.positional:
        function, *rest = arguments.positional
        given = Arguments(tuple(rest), arguments.keywords, arguments.more, arguments.more_keywords)
        start(flow, state, Later(function, given), flow.site(at), is_later=True)
    return UNKNOWN


def _collection(flow: Flow, state: State) -> Value:
    return flow.allocate(state, BackgroundTasksRecord())


def told(flow: Flow) -> None:
    """The project's FastAPI ends what a request depends on before it sends the response."""
    flow.memory[DEPENDENCIES_END_FIRST] = True


def register(meanings: Meanings) -> None:
    for name in COLLECTIONS:
        meanings.calls[name] = lambda flow, state, arguments, at: _collection(flow, state)
        meanings.instances[name] = lambda flow, state, arguments, at: _collection(flow, state)
    for name in SINGLE:
        meanings.calls[name] = _later
    for name in STREAMS:
        meanings.calls[name] = _stream
