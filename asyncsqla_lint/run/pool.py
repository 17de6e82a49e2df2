"""Processes that share the work of a run.

Each worker has one task at a time, the largest that is left, so that it is known what a worker that died was
doing: that is done again, and given up when it has cost two workers. Nothing depends on who does what.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any, Protocol, TypeVar

from asyncsqla_lint.run.garbage import seldom_collected

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Answer = TypeVar("Answer")
Function = Callable[[Shared, Task], Answer]
Arrived = Callable[[int, Any], None]  # a task's number, and its answer as soon as it is there

_STRIKES = 2
# A worker that has grown to this gives its memory back: it ends, and another takes its place.
_LARGEST = 1 << 30  # bytes


class Backend(Protocol):
    """Who does the work: `function(shared, task)` for each task, in any order."""

    workers: int

    def map(
        self,
        function: Callable[[Any, Any], Any],
        shared: object,
        tasks: Sequence[Any],
        sizes: Sequence[int],
        arrived: Arrived,
    ) -> list[Any]:
        """The answers in the order of the tasks; None for a task that nobody survived."""


class Here:
    """No other process."""

    workers = 1

    def map(
        self,
        function: Function[Shared, Task, Answer],
        shared: Shared,
        tasks: Sequence[Task],
        sizes: Sequence[int],
        arrived: Arrived,
    ) -> list[Answer | None]:
        answers: list[Answer | None] = []
        for number, task in enumerate(tasks):
            answers.append(function(shared, task))
            arrived(number, answers[-1])
        return answers


class Pool:
    """Processes on this machine, started for each stage: a fork costs milliseconds and copies nothing."""

    def __init__(self, workers: int, *, largest: int = _LARGEST) -> None:
        self.workers = workers
        self._largest = largest

    def map(
        self,
        function: Function[Shared, Task, Answer],
        shared: Shared,
        tasks: Sequence[Task],
        sizes: Sequence[int],
        arrived: Arrived,
    ) -> list[Answer | None]:
        answers: list[Answer | None] = [None] * len(tasks)
        waiting = sorted(range(len(tasks)), key=lambda number: (sizes[number], -number))  # the last is next
        strikes = [0] * len(tasks)
        finished = 0
        with _crew(function, shared) as crew:
            while finished < len(tasks):
                while waiting and len(crew.at_work) < self.workers:
                    number = waiting.pop()
                    crew.give(number, tasks[number])
                for worker in crew.ready():
                    number, answer, size = crew.take(worker)
                    if size < 0:
                        strikes[number] += 1
                        if strikes[number] < _STRIKES:
                            waiting.append(number)
                            continue
                    else:
                        answers[number] = answer
                        if size > self._largest:
                            crew.dismiss(worker)
                    finished += 1
                    arrived(number, answers[number])
        return answers


def available() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker:
    def __init__(self, process: Any, connection: Connection) -> None:
        self.process = process
        self.connection = connection


class _Crew:
    def __init__(self, context: BaseContext, function: Callable[[Any, Any], Any], shared: object) -> None:
        self._context = context
        self._function = function
        self._shared = shared
        self._idle: list[_Worker] = []
        self.at_work: dict[Connection, tuple[_Worker, int]] = {}

    def give(self, number: int, task: object) -> None:
        worker = self._idle.pop() if self._idle else self._hire()
        with suppress(OSError):  # it died while it was idle: `take` will see that
            worker.connection.send(task)
        self.at_work[worker.connection] = (worker, number)

    def ready(self) -> list[_Worker]:
        return [self.at_work[one][0] for one in wait(list(self.at_work)) if isinstance(one, Connection)]

    def take(self, worker: _Worker) -> tuple[int, Any, int]:
        """The task's number, its answer and the worker's growth; one below 0 says that the worker died."""
        _, number = self.at_work.pop(worker.connection)
        try:
            answer, size = worker.connection.recv()
        except (EOFError, OSError):
            worker.connection.close()
            worker.process.join()
            return number, None, -1
        self._idle.append(worker)
        return number, answer, size

    def dismiss(self, worker: _Worker) -> None:
        self._idle.remove(worker)
        worker.connection.close()
        worker.process.join()

    def end(self) -> None:
        """At once: what is being done is wanted no more."""
        workers = [*self._idle, *(worker for worker, _ in self.at_work.values())]
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.connection.close()
            worker.process.join()

    def _hire(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        others = [worker.connection for worker in self._idle]
        others += [worker.connection for worker, _ in self.at_work.values()]
        # A fork has the ends of all pipes, and would keep them open when we die.
        inherited = [ours, *others] if self._context.get_start_method() == "fork" else []
        process = self._context.Process(  # type: ignore[attr-defined]  # every real context has it
            target=_serve, args=(theirs, inherited, self._function, self._shared), daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)


@contextmanager
def _crew(function: Callable[[Any, Any], Any], shared: object) -> Iterator[_Crew]:
    # Forking beside other threads may copy a lock that nobody will ever open.
    forks = sys.platform == "linux" and threading.active_count() == 1
    crew = _Crew(multiprocessing.get_context("fork" if forks else "spawn"), function, shared)
    if forks:
        gc.freeze()  # or each worker's collections would copy all that there is
    try:
        yield crew
    finally:
        crew.end()
        if forks:
            gc.unfreeze()


def _serve(
    connection: Connection, inherited: list[Connection], function: Callable[[Any, Any], Any], shared: object
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    for other in inherited:
        other.close()
    at_first = _size()  # a fork's own has that of its parent in it
    with seldom_collected():
        while True:
            try:
                task = connection.recv()
            except (EOFError, OSError):
                return
            answer = function(shared, task)
            connection.send((answer, _size() - at_first))


def _size() -> int:
    """The most memory that this process has had; 0 where nobody can say."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        for line in status:  # Linux counts for `getrusage` what a process was before its exec, too
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
