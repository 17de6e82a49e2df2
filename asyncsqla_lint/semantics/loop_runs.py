"""Event loops that a program brings up itself, and jobs that a worker calls again, each under a new one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.concurrency import Loop
from asyncsqla_lint.semantics.engine_events import EngineCrossesLoops
from asyncsqla_lint.semantics.engines import EngineRecord
from asyncsqla_lint.semantics.ownership import pools
from asyncsqla_lint.semantics.surroundings import LoopRun, around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# A worker calls these again and again in one process (rq forks for each job).
TASKS = (
    "celery.Celery.task",
    "celery.shared_task",
    "celery.app.Celery.task",
    "celery.app.shared_task",
    "dramatiq.actor",
    "huey.Huey.task",
    "huey.RedisHuey.task",
    "huey.SqliteHuey.task",
)
RUNNING = ("asyncio.get_running_loop", "asyncio.get_event_loop")


def register(meanings: Meanings) -> None:
    meanings.calls["asyncio.new_event_loop"] = _new_loop
    for name in RUNNING:
        meanings.calls[name] = _running
    meanings.calls["asgiref.sync.async_to_sync"] = _async_to_sync
    meanings.when_ended.append(task_ended)


def _new_loop(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return NewLoop(flow.new_id(), flow.site(at))


class NewLoop(Loop, frozen=True, eq=False):
    """`asyncio.new_event_loop()`: whatever it runs, it runs under one and the same loop.

    Where paths meet that have made it at one place, each its own, it is one: whichever it is, it is the loop
    that has run what was run before.
    """

    made_at: Site | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NewLoop) and other.made_at == self.made_at

    def __hash__(self) -> int:
        return hash(self.made_at)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        outer, around(flow).loop = around(flow).loop, LoopRun(self.number, flow.site(at), flow.frame)
        try:
            return Loop.call_method(self, flow, state, name, arguments, at)
        finally:
            around(flow).loop = outer


def _running(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """Who keeps an engine for each loop asks for this one."""
    run = around(flow).loop
    return Loop() if run is None else Loop(run.number)


class FromSync(Value, frozen=True):
    """`async_to_sync(function)`: each call has an event loop of its own."""

    function: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        outer, around(flow).loop = around(flow).loop, LoopRun(flow.new_id(), flow.site(at), flow.frame)
        try:
            return self.function.call(flow, state, arguments, at).awaited(flow, state, at)
        finally:
            around(flow).loop = outer

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.function,)


def _async_to_sync(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return FromSync(arguments.positional[0]) if arguments.positional else UNKNOWN


def task_ended(
    flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State] = ()
) -> None:
    """The worker calls the task once more: under a new loop, with the engines that this call has filled."""
    info = frame.function
    if info is None or info is not flow.notes.get("root") or not flow.listens(EngineCrossesLoops):
        return
    if not done or not info.decorated_by(*TASKS):
        return
    state, _ = done[0]
    for reference, record in state.records(EngineRecord):
        if record.loop > frame.id > reference.oid and pools(record):
            if record.loop_site is not None:
                flow.emit(EngineCrossesLoops(record.loop_site, frame, False, record, record.loop_site))
