"""The work of a run on any `concurrent.futures.Executor`, and on a Dask cluster through its own."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import contextmanager
from hashlib import blake2b
from importlib import import_module
from typing import Any

from asyncsqla_lint.about import NAME
from asyncsqla_lint.run.keys import tool
from asyncsqla_lint.run.pool import Arrived

_CHUNK = 64  # tasks that are sent together, at most
_PATIENCE = 20  # seconds for the scheduler to answer


class ClusterError(Exception):
    """Why a cluster cannot be used, in one line."""


class Executing:
    """A backend of an executor. What tasks share is sent as bytes, which `share` may spread beforehand, and
    is unpacked once by each process. (It is pickled between processes that trust each other, never stored.)
    """

    def __init__(
        self, executor: Executor, workers: int, share: Callable[[bytes], Any] = lambda data: data
    ) -> None:
        self.workers = max(workers, 2)  # even one of theirs is not here
        self._executor = executor
        self._share = share

    def map(
        self,
        function: Callable[[Any, Any], Any],
        shared: object,
        tasks: Sequence[Any],
        sizes: Sequence[int],
        arrived: Arrived,
    ) -> list[Any]:
        data = pickle.dumps(shared)
        name = blake2b(data, digest_size=16).hexdigest()
        handle = self._share(data)
        answers: list[Any] = [None] * len(tasks)
        largest_first = sorted(range(len(tasks)), key=lambda number: (-sizes[number], number))
        # What is lost with its worker, after all that the executor itself tries, is sent again one by one.
        waiting = _chunks(largest_first, sizes, self.workers)
        lost: list[int] = []
        for _ in range(2):
            lost = []
            futures: dict[Future[Any], list[int]] = {}
            for chunk in waiting:
                some = [tasks[number] for number in chunk]
                try:
                    futures[self._executor.submit(_applied, function, name, handle, some)] = chunk
                except RuntimeError:  # the executor is broken
                    lost += chunk
            for future in as_completed(futures):
                try:
                    found = future.result()
                except Exception:
                    lost += futures[future]
                    continue
                for number, answer in zip(futures[future], found, strict=True):
                    answers[number] = answer
                    arrived(number, answer)
            waiting = [[number] for number in sorted(lost)]
        for number in lost:
            arrived(number, None)
        return answers


def _chunks(numbers: Sequence[int], sizes: Sequence[int], workers: int) -> list[list[int]]:
    """Of about equal size, several for each worker, the large tasks alone."""
    enough = sum(sizes) / (workers * 8) if sizes else 0
    chunks: list[list[int]] = []
    room = 0.0
    for number in numbers:
        if room <= 0 or len(chunks[-1]) >= _CHUNK:
            chunks.append([])
            room = enough
        chunks[-1].append(number)
        room -= sizes[number]
    return chunks


_unpacked: dict[str, object] = {}


def _applied(function: Callable[[Any, Any], Any], name: str, data: bytes, tasks: Sequence[Any]) -> list[Any]:
    if name not in _unpacked:
        _unpacked.clear()
        _unpacked[name] = pickle.loads(data)
    return [function(_unpacked[name], task) for task in tasks]


@contextmanager
def dask(address: str) -> Iterator[Executing]:
    """The workers of the Dask scheduler at an address."""
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise ClusterError(f"--cluster needs Dask: pip install '{NAME}[cluster]'") from None
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(f"{address}: no scheduler answers ({type(error).__name__})") from None
    with client:
        versions = client.run(tool)
        if not versions:
            raise ClusterError(f"{address}: the cluster has no workers")
        others = sorted(worker for worker, version in versions.items() if version != tool())
        if others:
            raise ClusterError(f"{others[0]} has another version of {NAME}, LibCST or Python")
        yield Executing(
            client.get_executor(pure=False),
            sum(client.nthreads().values()),
            lambda data: client.scatter(data, broadcast=True, hash=False),
        )
