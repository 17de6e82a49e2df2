"""Locks: what a task that holds one does, no other holder of it does at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    TRUE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Value,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

LOCKS = (
    "asyncio.Lock",
    "asyncio.Condition",
    "anyio.Lock",
    "trio.Lock",
    "trio.StrictFIFOLock",
    "threading.Lock",
    "threading.RLock",
)
SEMAPHORES = (
    "asyncio.Semaphore",
    "asyncio.BoundedSemaphore",
    "anyio.Semaphore",
    "anyio.CapacityLimiter",
    "trio.Semaphore",
    "trio.CapacityLimiter",
)

Hold = tuple[int, int]  # a task, and the lock that it holds


class LockRecord(Record, frozen=True):
    """A lock, or a semaphore that lets one in at a time.

    Of several holders one waits for it, and the others for that one: a task does not hold what the task that
    started it holds.
    """

    is_leaf: ClassVar[bool] = True
    is_safe_to_enter: ClassVar[bool] = True
    holders: frozenset[int] = frozenset()  # tasks

    def joined(self, other: Record) -> Record:
        return LockRecord(self.holders & other.holders) if isinstance(other, LockRecord) else FORGOTTEN

    def taken(self, flow: Flow, state: State, me: Reference) -> None:
        state.put(me, LockRecord(self.holders | {around(flow).task}))

    def released(self, flow: Flow, state: State, me: Reference) -> None:
        state.put(me, LockRecord(self.holders - {around(flow).task}))

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "acquire":
            return Acquiring(me)
        if name == "release":
            self.released(flow, state, me)
            return NONE
        return UNKNOWN

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        self.taken(flow, state, me)
        return NONE

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        self.released(flow, state, me)
        return False


class Acquiring(Value, frozen=True):
    """`lock.acquire()`, not awaited yet."""

    lock: Reference

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        self.lock.enter(flow, state, at, True)
        return TRUE

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self.lock.enter(flow, state, at, is_async)

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        return self.lock.leave(flow, state, at, is_async, raised)


def held(state: State) -> frozenset[Hold]:
    """The locks that the running code holds, and those that whoever waits for it holds."""
    return frozenset(
        (task, reference.oid) for reference, record in state.records(LockRecord) for task in record.holders
    )


def register(meanings: Meanings) -> None:
    for name in LOCKS:
        meanings.calls[name] = _lock
        meanings.instances[name] = lambda flow, state, arguments, at: flow.allocate(state, LockRecord())
    for name in SEMAPHORES:
        meanings.calls[name] = _semaphore
    meanings.harmless.update((*LOCKS, *SEMAPHORES))


def _lock(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return flow.allocate(state, LockRecord())


def _semaphore(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """asyncio's default is 1."""
    count = (
        arguments.positional[0]
        if arguments.positional
        else next(iter(arguments.keywords.values()), Constant(1))
    )
    return flow.allocate(state, LockRecord()) if count == Constant(1) else UNKNOWN
