"""What surrounds the code that is being run: a greenlet, a thread, a task, an event loop, a serialisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class LoopRun(Struct, frozen=True):
    """One call of `asyncio.run`."""

    number: int
    site: Site
    frame: Frame


class Surroundings(Struct):
    greenlets: int = 0  # inside `run_sync`: plain code may do I/O
    threads: int = 0  # inside what a worker thread runs
    tasks: tuple[int, ...] = ()  # the concurrent tasks that have started each other, down to the running one
    tasks_started: int = 0
    loop: LoopRun | None = None  # the `asyncio.run` whose coroutines are running
    serializing: int = 0
    serialized_at: tuple[Frame, Span] | None = None  # the code that set the serialisation off
    blocked: dict[tuple[object, object], Span] = {}  # where each coroutine of this root first blocks

    @property
    def task(self) -> int:
        """The task that is running; 0: none but the root's own."""
        return self.tasks[-1] if self.tasks else 0


def around(flow: Flow) -> Surroundings:
    """What surrounds the code at this moment of its root."""
    found = flow.notes.get("surroundings")
    if not isinstance(found, Surroundings):
        found = flow.notes["surroundings"] = Surroundings()
    return found
