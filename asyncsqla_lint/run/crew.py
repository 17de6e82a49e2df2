"""The processes of a pool: how they begin, are handed a task, answer and end."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any

from asyncsqla_lint.run.garbage import seldom_collected


class Worker:
    def __init__(self, process: Any, connection: Connection) -> None:
        self.process = process
        self.connection = connection


class Crew:
    def __init__(self, context: BaseContext, function: Callable[[Any, Any], Any], shared: object) -> None:
        self._context = context
        self._function = function
        self._shared = shared
        self._idle: list[Worker] = []
        self.at_work: dict[Connection, tuple[Worker, int]] = {}

    def give(self, number: int, task: object) -> None:
        worker = self._idle.pop() if self._idle else self._hire()
        with suppress(OSError):  # it died while it was idle: `take` will see that
            worker.connection.send(task)
        self.at_work[worker.connection] = (worker, number)

    def ready(self) -> list[Worker]:
        return [self.at_work[one][0] for one in wait(list(self.at_work)) if isinstance(one, Connection)]

    def take(self, worker: Worker) -> tuple[int, Any, int]:
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

    def dismiss(self, worker: Worker) -> None:
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

    def _hire(self) -> Worker:
        ours, theirs = self._context.Pipe()
        others = [worker.connection for worker in self._idle]
        others += [worker.connection for worker, _ in self.at_work.values()]
        # A fork has the ends of all pipes, and would keep them open when we die.
        inherited = [ours, *others] if self._context.get_start_method() == "fork" else []
        process = self._context.Process(  # type: ignore[attr-defined]  # every real context has it
            target=_serve, args=(theirs, inherited, self._function, self._shared), daemon=True
        )
        with _safe_path():
            process.start()
        theirs.close()
        return Worker(process, ours)


@contextmanager
def _safe_path() -> Iterator[None]:
    """A process that is spawned looks for Python's own modules where it is: in the linted project."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextmanager
def crew_of(function: Callable[[Any, Any], Any], shared: object) -> Iterator[Crew]:
    # Forking beside other threads may copy a lock that nobody will ever open.
    forks = sys.platform == "linux" and threading.active_count() == 1
    crew = Crew(multiprocessing.get_context("fork" if forks else "spawn"), function, shared)
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
    at_first: int | None = None  # whoever takes its place has to learn that much, too
    with seldom_collected():
        while True:
            try:
                task = connection.recv()
            except (EOFError, OSError):
                return
            answer = function(shared, task)
            size = _size()
            at_first = size if at_first is None else at_first
            connection.send((answer, max(size - at_first, 0)))  # the kernel counts roughly


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
