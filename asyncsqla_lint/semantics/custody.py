"""In whose hands a coroutine or an engine ends when the function that had it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Frame, Option, Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import Reference, Value
from asyncsqla_lint.semantics.api_events import CoroutineLost
from asyncsqla_lint.semantics.api_use import method_name, owner_of, settle

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

MOST_PENDING = 12  # kept by somebody and not awaited: beyond it, unions of them have been forgotten


def register(meanings: Meanings) -> None:
    meanings.when_ended.append(coroutines_lost)


def held_by_others(
    flow: Flow, state: State, frame: Frame, more: tuple[Value, ...] = (), but: Value | None = None
) -> set[int]:
    """What can still be reached once the frame is gone, by way of others than `but`.

    What a generator has yielded is still its own.
    """
    lends = frame.function is not None and frame.function.header.is_generator
    modules = flow.scopes.module_frame_ids()
    roots: list[Value] = [*more, *frame.given]
    if frame.receiver is not None:
        roots.append(frame.receiver)
    roots.extend(Reference(oid) for oid in state.heap if oid in flow.base)  # objects of modules
    for number, variables in state.frames.items():
        if (number < frame.id and not lends) or number in modules:
            roots.extend(variables.values())
    if but is not None:
        roots = [root for root in roots if root != but]
    return state.reachable(roots) | state.outside()


def _is_open(state: State, oid: int) -> bool:
    record = state.record(oid)
    return isinstance(record, CoroutineRecord) and not record.is_awaited


def coroutines_lost(
    flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State]
) -> None:
    mine = [oid for oid in flow.watched if oid > frame.id]
    if not any(_is_open(state, oid) for state in (*(state for state, _ in done), *raised) for oid in mine):
        return
    lost: dict[Site, list[tuple[State, Reference, CoroutineRecord]]] = {}
    dealt_with: set[Site] = set()
    for state, value in done:
        pending = [
            (Reference(oid), record)
            for oid in mine
            if isinstance(record := state.record(oid), CoroutineRecord) and owner_of(state, record)
        ]
        if not pending:
            continue
        returned = state.reachable((value,))
        others: set[int] | None = None
        waiting = [record for _, record in pending if not record.is_awaited]
        if waiting and sum(not record.is_dropped for record in waiting) <= MOST_PENDING:
            others = held_by_others(flow, state, frame, (*frame.lent, value))
        for reference, record in pending:
            place = record.handed or record.site
            if record.is_awaited or record.is_perhaps or others is None or reference.oid in others:
                dealt_with.add(place)
                if (
                    reference.oid in returned
                    and frame.caller is not None
                    and frame.caller.function is not None
                ):
                    handed = Site(frame.caller.module, frame.call_span)
                    state.put(reference, replace(record, handed=handed))
            else:
                lost.setdefault(place, []).append((state, reference, record))
    for state in raised:
        # An exception may well take an unfinished coroutine with it; one dropped before was lost anyway.
        dropped = [
            (Reference(oid), record)
            for oid in mine
            if isinstance(record := state.record(oid), CoroutineRecord)
            and record.is_dropped
            and not (record.is_awaited or record.is_perhaps)
            and owner_of(state, record)
        ]
        others = held_by_others(flow, state, frame) if dropped else set()
        for reference, record in dropped:
            if reference.oid not in others:
                lost.setdefault(record.handed or record.site, []).append((state, reference, record))
    for place, found in lost.items():
        if place in dealt_with:
            continue
        state, _, record = found[0]
        if flow.listens(CoroutineLost):
            owner, name = owner_of(state, record), method_name(record)
            flow.emit(CoroutineLost(place, frame, True, owner, name, record.site))
        for own, reference, _ in found:
            settle(own, reference)
