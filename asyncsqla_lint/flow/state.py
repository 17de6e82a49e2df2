"""The state of one path: variables of the frames, the heap, and what tests have established.

States are copied at branches and joined where paths meet; both are cheap because frames and heap are shared
until written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.heap import Heap, R
from asyncsqla_lint.flow.leads import leads_of
from asyncsqla_lint.flow.records import FORGOTTEN, VACANT, Joins, Outside, Record
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Reference,
    Union,
    Value,
    join,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Outcome


OUTSIDE = Reference(0)
GIVEN = -1  # a frame for what is on its way

Variables = dict[str, Value]


class State:
    """Mutable, owned by one path; `copy` before going two ways."""

    __slots__ = (
        "_fresh",
        "base",
        "base_frames",
        "facts",
        "frames",
        "heap",
        "joins",
        "pending",
    )

    def __init__(self, base: dict[int, Record], base_frames: dict[int, Variables], joins: Joins) -> None:
        self.joins = joins
        self.base = base  # records made by module-level code, shared by every path
        self.base_frames = base_frames  # what module-level closures close over
        self.frames: dict[int, Variables] = {}
        self.heap = Heap()
        self.facts: dict[str, bool] = {}
        self.pending: Outcome | None = None  # how a consumer left its loop while its generator still runs
        self._fresh: set[int] = set()  # frames that nobody else shares

    def copy(self) -> State:
        twin = State.__new__(State)
        twin.joins = self.joins
        twin.base = self.base
        twin.base_frames = self.base_frames
        twin.frames = self.frames.copy()
        twin.heap = self.heap.copy()
        twin.facts = self.facts.copy()
        twin.pending = self.pending
        twin._fresh = set()
        self._fresh = set()
        return twin

    def become(self, other: State) -> None:
        """Take over everything that `other` knows (a copy of it)."""
        twin = other.copy()
        self.frames, self.heap, self.facts = twin.frames, twin.heap, twin.facts
        self.pending = twin.pending
        self._fresh = set()

    def pending_key(self) -> str | None:
        return None if self.pending is None else self.pending.kind

    # -- variables

    def open_frame(self, frame: int) -> None:
        self.frames[frame] = {}
        self._fresh.add(frame)

    def close_frame(self, frame: int, captured: frozenset[str] | None = None) -> None:
        """Its variables are gone, but for those that functions made there mention."""
        variables = self.frames.pop(frame, None)
        if captured is not None and variables is not None:
            self.restore_frame(frame, {name: value for name, value in variables.items() if name in captured})

    def variables(self, frame: int) -> Variables | None:
        found = self.frames.get(frame)
        return self.base_frames.get(frame) if found is None else found

    def assign(self, frame: int, name: str, value: Value) -> None:
        variables = self.frames.get(frame)
        if variables is None:
            variables = self.frames[frame] = dict(self.base_frames.get(frame, {}))
            self._fresh.add(frame)
        elif frame not in self._fresh:
            variables = self.frames[frame] = variables.copy()
            self._fresh.add(frame)
        variables[name] = value

    def restore_frame(self, frame: int, variables: Variables) -> None:
        self.frames[frame] = variables
        self._fresh.discard(frame)

    def unassign(self, frame: int, name: str) -> None:
        variables = self.frames.get(frame)
        if variables is not None and name in variables:
            variables = self.frames[frame] = variables.copy()
            self._fresh.add(frame)
            del variables[name]

    # -- heap

    def record(self, oid: int) -> Record:
        found = self.heap.get(oid)
        if found is None:
            found = self.base.get(oid, FORGOTTEN)
        return found

    def knows(self, reference: Reference) -> bool:
        return self.heap.get(reference.oid) is not None or reference.oid in self.base

    def put(self, reference: Reference, record: Record) -> None:
        self.heap.put(reference.oid, record)

    def records(self, kind: type[R]) -> list[tuple[Reference, R]]:
        """The records of one kind that this path has made or touched."""
        return self.heap.of_kind(kind)

    def reachable(self, roots: Iterable[Value]) -> set[int]:
        """The objects that `roots` lead to."""
        return self._reached(roots, None)

    def _reached(self, roots: Iterable[Value], wanted: set[int] | None) -> set[int]:
        """The same; what is met is taken out of `wanted`, and when nothing is left there it ends."""
        seen: set[int] = set()
        functions: set[tuple[object, tuple[int, ...]]] = set()
        first = leads_of(self, roots)
        waiting, closures = first.objects, first.closures
        leads, record = self.joins.leads, self.record
        while waiting or closures:
            while waiting:
                oid = waiting.pop()
                if oid in seen:
                    continue
                seen.add(oid)
                if wanted is not None and oid in wanted:
                    wanted.discard(oid)
                    if not wanted:
                        return seen
                next_ = leads(record(oid), self)
                waiting += next_.objects
                closures += next_.closures
            while closures:
                function = closures.pop()
                key = (function.info, function.closure)
                if key not in functions:
                    functions.add(key)
                    inner = leads_of(self, function.refers_to(self))
                elif function.receiver is not None:  # a nested function may close over itself
                    inner = leads_of(self, (function.receiver,))
                else:
                    continue
                waiting += inner.objects
                closures += inner.closures
        return seen

    def let_out(self, values: Iterable[Value]) -> None:
        """Somebody whom we do not see holds these from here on."""
        known = self.outside()
        found = self.reachable(values) - known
        if found:
            self.put(OUTSIDE, Outside(known | found))

    def outside(self) -> frozenset[int]:
        record = self.heap.get(OUTSIDE.oid)
        return record.objects if isinstance(record, Outside) else frozenset()

    def alive(self) -> set[int]:
        """The objects that some variable of some open frame still leads to."""
        return self._reached(self._held(), None)

    def unheld(self, objects: set[int]) -> set[int]:
        """Of these objects, those to which no variable of any open frame leads."""
        left = objects.copy()
        if left:
            self._reached(self._held(), left)
        return left

    def holding(self, value: Value) -> State:
        """The same path, with a value on its way."""
        twin = self.copy()
        twin.frames[GIVEN] = {"": value}
        return twin

    def differing(self, other: State) -> Iterator[tuple[Value, Value]]:
        """What this path has under the names of its variables, and that one under the same."""
        for frame, mine in self.frames.items():
            theirs = other.frames.get(frame, mine)
            if theirs is not mine:
                for name, ours in mine.items():
                    value = theirs.get(name, ours)
                    if value is not ours:
                        yield ours, value

    def _held(self) -> Iterator[Value]:
        return (value for variables in self.frames.values() for value in variables.values())

    # -- joining

    def joined(self, other: State, since: State | None = None) -> State:
        """What holds on both paths; what the other has as it was in `since` has been joined already."""
        result = self.copy()
        differing: list[tuple[Value, Value]] = []
        done: dict[int, Variables] = {} if since is None else since.frames
        for frame, variables in other.frames.items():
            mine = result.frames.get(frame)
            if mine is None:
                result.frames[frame] = variables
            elif mine is not variables:
                known = done.get(frame)
                if known is not variables:
                    result.frames[frame] = _joined_variables(mine, variables, known or {}, differing)
        if not self.heap.is_same(other.heap):
            lost: list[Value] = []
            only_theirs = self._absent(other, [theirs for _, theirs in differing])
            only_ours = other._absent(self, [ours for ours, _ in differing])

            def join_records(oid: int, ours: Record, theirs: Record) -> Record:
                if ours is VACANT or theirs is VACANT:
                    return theirs if ours is VACANT else ours
                if oid in only_theirs:
                    return theirs.on_one_path(min(only_theirs))
                if oid in only_ours:
                    return ours.on_one_path(min(only_ours))
                joined = self.joins.joined(ours, theirs)
                if joined is FORGOTTEN:
                    lost.extend((*ours.refers_to(), *theirs.refers_to()))
                return joined

            result.heap = self.heap.joined(
                other.heap, self.base, join_records, None if since is None else since.heap
            )
            if lost:
                result.let_out(lost)
        if self.pending is not None and other.pending is not None:
            both = join(self.pending.value, other.pending.value)
            result.pending = replace(self.pending, state=result, value=both)
        if self.facts != other.facts:
            result.facts = {key: fact for key, fact in self.facts.items() if other.facts.get(key) == fact}
        return result

    def _absent(self, other: State, values: list[Value]) -> set[int]:
        """What `other` has where this path has something else, and that nothing leads to here."""
        given = [value for value in values if isinstance(value, (Reference, Union))]
        found = other.reachable(given) if given else set()
        # What this path does not know at all is not joined with anything.
        ours, theirs, base = self.heap, other.heap, self.base
        differing = {
            oid
            for oid in found
            if (own := ours.get(oid)) is not theirs.get(oid) and (own is not None or oid in base)
        }
        return self.unheld(differing - self.outside()) if differing else differing


def _joined_variables(
    mine: Variables, theirs: Variables, known: Variables, differing: list[tuple[Value, Value]]
) -> Variables:
    """What either path holds; what they do not hold alike is noted, but for what was `known`."""
    merged = mine
    for name, value in theirs.items():
        ours = mine.get(name)
        if ours is value or known.get(name) is value:
            continue
        if merged is mine:
            merged = mine.copy()
        if ours is None:
            merged[name] = value
            differing.append((UNKNOWN, value))
        elif ours != value:
            merged[name] = join(ours, value)
            differing.append((ours, value))
    for name in mine.keys() - theirs.keys():  # bound here alone: there, the call that gives it has failed
        differing.append((mine[name], UNKNOWN))
    return merged
