"""Processes that share the work of a run.

Each worker has one task at a time, the largest that is left, so that it is known what a worker that died was
doing: that is done again, and given up when it has cost two workers. Nothing depends on who does what.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Answer = TypeVar("Answer")
Function = Callable[[Shared, Task], Answer]
Arrived = Callable[[int, Any], None]  # a task's number, and its answer as soon as it is there

_STRIKES = 2
# A worker that has grown by this since its first answer gives its memory back: it ends, and another takes its
# place. That comes after some 200,000 lines, so what the other has to find out anew is little beside that.
_LARGEST = 3 << 26  # bytes


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
        from asyncsqla_lint.run.crew import crew_of  # most runs need no other process

        with crew_of(function, shared) as crew:
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
