"""Where paths meet: one state that holds what all of them know, and a value that comes with it.

What each path has made for itself under the same name, alike in all that matters, is one object from
there on: `session = Replica() if reads else Primary()`. As two, whatever is done to it would perhaps be
done to each. Where they are not alike, `session = session or Session()`, the paths are kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from asyncsqla_lint.flow.copies import PLAIN, Copier
from asyncsqla_lint.flow.records import VACANT
from asyncsqla_lint.flow.state import GIVEN, State
from asyncsqla_lint.flow.values import Reference, TupleValue, Union, Value, union

Option = tuple[State, Value]


def join_states(states: Sequence[State]) -> State:
    result = states[0]
    for state in states[1:]:
        result, _ = _joined(result, state)
    return result


def join_options(options: Sequence[Option]) -> Option:
    """Each path has come with a value, to which only it leads."""
    if len(options) == 1:
        return options[0]
    given = [value for _, value in options]
    leads = any(isinstance(one, (Reference, Union, TupleValue)) for one in given)
    if not leads or all(one == given[0] for one in given):
        return join_states([state for state, _ in options]), together(given)
    result, *states = [state.holding(value) for state, value in options]
    for number, state in enumerate(states, 1):
        result, copier = _joined(result, state)
        if copier is not None:
            given[number] = copier.value(given[number])
    result.close_frame(GIVEN)
    return result, together(given)


def joinable(options: Sequence[Option]) -> list[list[Option]]:
    """The options that may be joined: those on which what is done next is done to the same objects."""
    groups: list[list[Option]] = []
    for option in options:
        group = next((one for one in groups if not _are_told_apart(one[0], option)), None)
        if group is None:
            groups.append([option])
        else:
            group.append(option)
    return groups


def _are_told_apart(one: Option, another: Option) -> bool:
    (mine, value), (other, its_value) = one, another
    return any(
        mine.record(ours.oid).is_told_apart(other.record(theirs.oid))
        and not _are_twins(mine, ours, other, theirs)
        for ours, theirs in _single((*mine.differing(other), (value, its_value)))
    )


def together(values: list[Value]) -> Value:
    """One of several values; of tuples of one length it is a tuple, so that it can be unpacked."""
    tuples = [value.elements for value in values if isinstance(value, TupleValue)]
    if len(tuples) == len(values) and len({len(one) for one in tuples}) == 1:
        return TupleValue(tuple(union(column) for column in zip(*tuples, strict=True)))
    return union(tuple(values))


def _joined(mine: State, other: State) -> tuple[State, Copier | None]:
    twins: dict[int, Reference] = {}
    for ours, theirs in _single(mine.differing(other)):
        if theirs.oid not in twins and _are_twins(mine, ours, other, theirs):
            twins[theirs.oid] = ours
    if not twins:
        return mine.joined(other), None
    copier = Copier(twins, {})
    renamed = _renamed(other, twins, copier)
    return (mine.joined(other), None) if renamed is None else (mine.joined(renamed), copier)


def _single(pairs: Iterable[tuple[Value, Value]]) -> Iterator[tuple[Reference, Reference]]:
    for ours, theirs in pairs:
        if isinstance(ours, Reference) and isinstance(theirs, Reference):
            if ours.oid != theirs.oid:
                yield ours, theirs
        elif isinstance(ours, TupleValue) and isinstance(theirs, TupleValue):
            yield from _single(zip(ours.elements, theirs.elements, strict=False))


def _are_twins(mine: State, ours: Reference, other: State, theirs: Reference) -> bool:
    """Has each path made its own, which the other does not know?"""
    if not mine.record(ours.oid).is_like(other.record(theirs.oid)):
        return False
    return not (mine.knows(theirs) or other.knows(ours))


def _renamed(state: State, twins: dict[int, Reference], copier: Copier) -> State | None:
    """The path with their twins in place of these objects; None: what is not Python's own holds them."""
    result = state.copy()
    for oid, record in state.heap.items():
        if oid in twins or -oid in twins:  # what the floors above note of an object stands under its negative
            new = twins[oid] if oid in twins else Reference(-twins[-oid].oid)
            result.put(new, record)
            result.put(Reference(oid), VACANT)
        elif not twins.keys().isdisjoint(state.joins.leads(record, state).objects):
            if type(record) not in PLAIN:
                return None
            result.put(Reference(oid), copier.record(record))
    for frame, variables in state.frames.items():
        result.restore_frame(frame, {name: copier.value(value) for name, value in variables.items()})
    return result
