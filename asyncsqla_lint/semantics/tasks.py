"""Tasks: what runs at the same time as what, and which sessions they touch meanwhile.

A task's coroutine is run where the task starts, on the state of whoever starts it, with a recorder that
notes the sessions it uses. From there until it is certainly finished (awaited, its group left), any other
use of one of those sessions by the code that started it, or by a task beside it, may overlap with its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Frame, PathEnds, Site
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.stdlib import context_variables
from asyncsqla_lint.flow.stdlib.signals import Signalled
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Method,
    Reference,
    Value,
    join,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import ledger, locks
from asyncsqla_lint.semantics.events import SessionOutlived, SessionShared, SessionUsed
from asyncsqla_lint.semantics.ledger import AT_ONCE, CLEANS_UP
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.events import Event
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.locks import Hold
    from asyncsqla_lint.semantics.sessions import SessionRecord


DEPENDENCIES_END_FIRST = "dependencies end first"  # FastAPI's, before the response is sent: said by the run
FIRST = frozenset({"coro", "coro_or_future", "main", "fut", "arg", "func", "async_fn"})
AFTERWARDS = -1  # the parent of what runs once its starter has answered: it overlaps with nothing


class TaskRecord(Record, frozen=True):
    """A coroutine that runs by itself since `site`."""

    number: int
    site: Site
    result: Value
    uses: tuple[SessionUsed, ...]
    parent: int  # the task that started it
    frames: tuple[tuple[int, Site], ...]  # the frame that started it, and its callers, with the place in each
    named: int = 1  # so many of the frames name what they call; who calls them has been handed them
    group: Reference | None = None
    is_done: bool = False
    is_endless: bool = False
    behind: tuple[tuple[int, tuple[SessionUsed, ...]], ...] = ()  # what it uses when it has said so, by oid
    reported: frozenset[int] = frozenset()  # the sessions of which it has been said

    @property
    def may_be_awaited(self) -> bool:
        """At once, where it starts? Not what runs for ever, nor what talks to others meanwhile."""
        return not self.is_endless and not self.behind

    def joined(self, other: Record) -> Record:
        if not isinstance(other, TaskRecord):
            return FORGOTTEN
        return replace(
            self,
            result=join(self.result, other.result),
            is_done=self.is_done and other.is_done,
            reported=self.reported | other.reported,
        )

    def over(self) -> Record:
        return self if self.is_done else replace(self, is_done=True)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        finish(state, me)
        return self.result

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "result":
            return self.result
        if name == "cancel":
            finish(state, me)
        if name in ("wait", "close"):
            return me  # of a Job of aiojobs, which is not awaited itself
        return UNKNOWN

    def repeated(self, flow: Flow, state: State, me: Reference, since: int) -> None:
        if not self.is_done:
            _share_among_alike(flow, state, me, self, since, flow.frame)

    def refers_to(self) -> tuple[Value, ...]:
        return (self.result,)


class Gathered(Value, frozen=True):
    """What `gather` gives: the tasks run already, and awaiting it waits for all of them."""

    tasks: tuple[Reference, ...]
    result: Value

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        for task in self.tasks:
            finish(state, task)
        return self.result

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return self.result if name == "result" else UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (*self.tasks, self.result)


# --- starting and finishing ----------------------------------------------------------------------


def positioned(arguments: Arguments) -> Arguments:
    """`create_task(coro=work())`: what is to run stands first, by whatever name it is handed over."""
    name = next((one for one in arguments.keywords if one in FIRST), None)
    if arguments.positional or name is None:
        return arguments
    rest = {other: value for other, value in arguments.keywords.items() if other != name}
    return replace(arguments, positional=(arguments.keywords[name],), keywords=rest)


def tasks_of(state: State) -> list[tuple[Reference, TaskRecord]]:
    return state.records(TaskRecord)


def start(
    flow: Flow,
    state: State,
    awaitable: Value,
    place: Site,
    group: Reference | None = None,
    *,
    is_awaited: bool = False,
    is_later: bool = False,
) -> Reference:
    """Run `awaitable` as a task beside the running code. `is_awaited`: who starts it waits for it at once.

    `is_later`: it does not begin before whoever starts it is done.
    """
    if isinstance(awaitable, Reference) and isinstance(state.record(awaitable.oid), TaskRecord):
        return awaitable
    around(flow).tasks_started += 1
    since, many = flow.counter, stands_for_many(state, awaitable)
    uses: list[SessionUsed] = []
    said: dict[int, int] = {}  # by then it had used so many

    def record(event: Event) -> None:
        if isinstance(event, SessionUsed):
            uses.append(event)
        elif isinstance(event, Signalled) and (event.is_one_of_many or event.what.oid not in said):
            said[event.what.oid] = len(uses)

    own, outer, tries = flow.new_id(), around(flow).tasks, flow.tries
    around(flow).tasks = (*outer, own)
    flow.recorders.append(record)
    if not is_awaited:
        flow.tries = []  # what it raises, nobody here catches
    before, is_endless = state.copy(), False
    try:
        result = awaitable.awaited(flow, state, place.span)
    except PathEnds as end:
        result = UNKNOWN
        is_endless = end.outcome is None
        state.become(before if end.outcome is None else end.outcome.state)
        if isinstance(awaitable, Reference):  # it runs all the same
            state.put(awaitable, state.record(awaitable.oid).over())
    finally:
        flow.recorders.remove(record)
        around(flow).tasks, flow.tries = outer, tries
    left = _left_running(flow, state, own)
    starters = {0, *outer}

    def own_since(first: int) -> tuple[SessionUsed, ...]:
        return distinct(
            [
                replace_locks(use, frozenset(hold for hold in use.locks if hold[0] not in starters))
                for use in uses[first:]
                if left.isdisjoint(use.tasks)
            ]
        )

    mine, behind = own_since(0), tuple((oid, own_since(first)) for oid, first in said.items())
    parent = AFTERWARDS if is_later else around(flow).task
    frames, named = chain(flow.frame, place), named_calls(flow.frame)
    task = TaskRecord(
        own, place, result, mine, parent, frames, named, group, is_endless=is_endless, behind=behind
    )
    reference = flow.allocate(state, task)
    if is_later:
        return reference
    _share_with_siblings(flow, state, reference, task)
    if many:
        _share_among_alike(flow, state, reference, task, since, flow.frame)
    return reference


def _left_running(flow: Flow, state: State, own: int) -> set[int]:
    """The tasks that this one has started and not waited for go on beside it, and beside its starter."""
    left = set()
    for child, found in tasks_of(state):
        if found.parent == own and not found.is_done:
            left.add(found.number)
            state.put(child, replace(found, parent=around(flow).task))
        elif found.parent == AFTERWARDS:
            left.add(found.number)
    return left


def finish(state: State, task: Reference) -> None:
    record = state.record(task.oid)
    if isinstance(record, TaskRecord) and not record.is_done:
        state.put(task, replace(record, is_done=True))


def waited(flow: Flow, state: State, what: Reference | None) -> None:
    """Who has waited for what a task says goes on beside what the task does behind that."""
    for task, record in tasks_of(state):
        if record.is_done or record.parent != around(flow).task:
            continue
        rest = () if what is None else dict(record.behind).get(what.oid)
        if rest is not None:
            state.put(task, replace(record, uses=rest, is_done=not rest))


def stands_for_many(state: State, value: Value) -> bool:
    record = state.record(value.oid) if isinstance(value, Reference) else None
    return isinstance(record, CoroutineRecord) and record.is_many


def chain(frame: Frame | None, site: Site) -> tuple[tuple[int, Site], ...]:
    found: list[tuple[int, Site]] = []
    while frame is not None:
        found.append((frame.id, site))
        if frame.caller is not None:
            site = Site(frame.caller.module, frame.call_span)
        frame = frame.caller
    return tuple(found)


def named_calls(frame: Frame) -> int:
    """How many frames lie below the first that was called by whom does not name it: a middleware, a table."""
    count, at = 1, frame
    while at.caller is not None and at.function is not None:
        caller = at.caller.function
        if caller is None or at.function.name not in caller.header.mentions:
            break
        count, at = count + 1, at.caller
    return count


def distinct(uses: Sequence[SessionUsed]) -> tuple[SessionUsed, ...]:
    """One use of each kind is enough to tell what may overlap."""
    found: dict[tuple[int, bool, frozenset[Hold]], SessionUsed] = {}
    for use in uses:
        found.setdefault((use.session.oid, is_at_once(use), use.locks), use)
    return tuple(found.values())


# --- sharing -------------------------------------------------------------------------------------


def is_at_once(use: SessionUsed) -> bool:
    return use.method in AT_ONCE


def overlap(first: SessionUsed, second: SessionUsed) -> bool:
    if first.session != second.session:
        return False
    if {lock for _, lock in first.locks} & {lock for _, lock in second.locks}:
        return False
    if is_at_once(first) and is_at_once(second):
        return False
    return first.record.is_one_for_all


def _overlapping(
    first: Sequence[SessionUsed], second: Sequence[SessionUsed]
) -> Iterator[tuple[SessionUsed, SessionUsed]]:
    """For each session, the first two uses that may overlap."""
    seen: set[int] = set()
    for one in first:
        for other in second:
            if one.session.oid not in seen and overlap(one, other):
                seen.add(one.session.oid)
                yield one, other


def _share_with_siblings(flow: Flow, state: State, me: Reference, task: TaskRecord) -> None:
    if not task.uses:
        return
    for sibling, other in list(tasks_of(state)):
        if sibling == me or other.is_done or other.parent != task.parent:
            continue
        for first, second in _overlapping(other.uses, task.uses):
            if first.session.oid not in other.reported:
                mine, theirs, frame = _parted(flow, task, other)
                awaited = task.may_be_awaited and other.may_be_awaited
                _emit(flow, mine, frame, first, second, theirs, awaited)
            _mark(state, sibling, first)
            _mark(state, me, first)


def _parted(flow: Flow, task: TaskRecord, other: TaskRecord) -> tuple[Site, Site, Frame]:
    """Where the innermost code that led to both has started them: not in the helper that starts any task."""
    theirs, mine = dict(other.frames), dict(task.frames)
    frame: Frame | None = flow.frame
    while frame is not None:
        if frame.id in theirs and frame.id in mine:
            return mine[frame.id], theirs[frame.id], frame
        frame = frame.caller
    return task.site, other.site, flow.frame


def _share_among_alike(
    flow: Flow, state: State, me: Reference, task: TaskRecord, since: int, frame: Frame
) -> None:
    """Many tasks are made alike: what was there before them, they share."""
    outer = [
        replace_locks(use, frozenset(one for one in use.locks if one[1] <= since or one[1] in state.base))
        for use in task.uses
        if (use.session.oid <= since or use.session.oid in state.base) and not use.record.is_each
    ]
    for first, second in _overlapping(outer, outer):
        now = state.record(me.oid)
        if isinstance(now, TaskRecord) and first.session.oid not in now.reported:
            site = dict(task.frames).get(frame.id, task.site)
            _emit(flow, site, frame, first, second, None, task.may_be_awaited)
        _mark(state, me, first)


def replace_locks(use: SessionUsed, kept: frozenset[Hold]) -> SessionUsed:
    return use if kept == use.locks else replace(use, locks=kept)


def _mark(state: State, task: Reference, use: SessionUsed) -> None:
    """One cause, one finding: a third task beside these two adds nothing."""
    record = state.record(task.oid)
    if isinstance(record, TaskRecord):
        state.put(task, replace(record, reported=record.reported | {use.session.oid}))


def _emit(
    flow: Flow,
    site: Site,
    frame: Frame,
    first: SessionUsed,
    second: SessionUsed,
    started: Site | None,
    may_be_awaited: bool,
    is_further_use: bool = False,
) -> None:
    if flow.listens(SessionShared):
        certain = flow.is_certain
        flow.emit(SessionShared(site, frame, certain, first, second, started, is_further_use, may_be_awaited))


def used(
    flow: Flow,
    state: State,
    session: Reference,
    record: SessionRecord | ConnectionRecord,
    method: str,
    at: Span,
    *,
    ends_block: bool = False,
) -> None:
    """The running code uses a session: say so, and whether an unfinished task may be using it too."""
    concurrent = around(flow).task or around(flow).tasks_started
    held: frozenset[Hold] = locks.held(state) if concurrent else frozenset()
    tasks = around(flow).tasks
    use = SessionUsed(flow.site(at), flow.frame, flow.is_certain, session, record, method, held, tasks)
    ledger.used(flow, state, session, record.site, use)
    if flow.muted or (concurrent and context_variables.is_assumed(state, session)):
        return
    flow.emit(use)
    if not concurrent or method in CLEANS_UP or method in AT_ONCE:
        return  # `add` lets no other task run meanwhile: what is added is flushed later
    for task, other in list(tasks_of(state)):
        if other.is_done or other.parent != around(flow).task:
            continue
        for first, second in _overlapping(other.uses, (use,)):
            if first.session.oid not in other.reported:
                site, frame = (other.site, flow.frame) if ends_block else _seen_from(other, use)
                awaited = other.may_be_awaited
                _emit(flow, site, frame, first, second, other.site, awaited, is_further_use=True)
            _mark(state, task, first)


def _seen_from(task: TaskRecord, use: SessionUsed) -> tuple[Site, Frame]:
    """The place in the code that started the task, under which the use lies.

    Where a framework has called both (a dependency and its route), that is where the task starts.
    """
    started = {number for number, _ in task.frames}
    site, frame = use.site, use.frame
    while frame.id not in started and frame.caller is not None:
        site, frame = Site(frame.caller.module, frame.call_span), frame.caller
    if frame.id not in started:
        return use.site, use.frame
    return (site, frame) if site.span else (task.site, use.frame)


def outlive(flow: Flow, state: State, session: Reference, left_at: Site) -> None:
    """The session's block ends: a finding about a task that goes on stands where this code started it."""
    for task, record in list(tasks_of(state)):
        use = next((use for use in record.uses if use.session == session), None)
        if record.is_done or use is None:
            continue
        frame: Frame | None = flow.frame
        places = dict(record.frames)
        while frame is not None and frame.id not in places:
            frame = frame.caller
        if record.parent == AFTERWARDS and (frame is None or frame.function is None):
            of_fastapi = flow.memory.get(DEPENDENCIES_END_FIRST) and flow.notes.get("request")
            if not of_fastapi and not flow.notes.get(DEPENDENCIES_END_FIRST):
                continue  # whether a dependency ends before or after, depends on the framework's release
        site = record.site if frame is None else places[frame.id]
        if frame is not None and [number for number, _ in record.frames].index(frame.id) >= record.named:
            site = record.frames[record.named - 1][1]  # the block is in other hands: a middleware's
        how = "later" if record.parent == AFTERWARDS else "task"
        if flow.listens(SessionOutlived) and session.oid not in record.reported:
            event_frame = flow.frame if frame is None else frame
            flow.emit(SessionOutlived(site, event_frame, flow.is_certain, session, use.record, left_at, how))
        _mark(state, task, use)
