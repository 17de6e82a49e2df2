"""Paths that have met: what an instance was on each, for as long as what happens to it happens on each.

Where one path has expired an instance, or its session has let it go, attributes belong together: all of them
are there, or none. The sum of both says of each by itself that it may be gone, and what a `get()`, a flush or
a rollback makes of that is true of neither. So the paths are kept beside it (`ASQ301/bad_loaded_again`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.values import NONE
from asyncsqla_lint.semantics.attribute_states import LOOKED_AT

if TYPE_CHECKING:
    from asyncsqla_lint.flow.values import Value
    from asyncsqla_lint.semantics.attribute_states import AttributeState
    from asyncsqla_lint.semantics.instances import InstanceRecord

MOST_PATHS = 3  # that are told apart
Some = tuple["InstanceRecord", ...]


def of(record: InstanceRecord) -> Some:
    """What it is on each of them; none when something has happened to the sum alone, or nothing has met."""
    if not record.met or any(a is not b for a, b in zip(record.met_as, _stand(record), strict=True)):
        return ()
    return record.met


def of_both(some: InstanceRecord, others: InstanceRecord) -> Some:
    """Two that meet are told apart if all of the object has gone on one, or the object from its session.

    Or if one of two new ones has been given what the other has not: after the flush that is there, or not.
    Or if one is known to lead nowhere, whose key is NULL, and the other has been loaded for where it leads.
    """
    mine, theirs = of(some), of(others)
    is_same = some.expired == others.expired and some.lifecycle == others.lifecycle
    if some.expired is not None and some.is_modified != others.is_modified:
        is_same = False  # to write one of them, a flush loads it
    if not mine and not theirs and is_same and not _part_over_a_key(some, others):
        if some.has_identity or _given(some) == _given(others):
            return ()
    found: list[InstanceRecord] = []
    for one in (*(mine or (some,)), *(theirs or (others,))):
        plain = replace(one, met=(), met_as=()) if one.met else one
        if plain not in found:
            found.append(plain)
    return tuple(found)


def _part_over_a_key(some: InstanceRecord, others: InstanceRecord) -> bool:
    """`if user.team_id is not None: await session.refresh(user, ["team"])`"""
    if some.attributes is others.attributes:
        return False
    nowhere = [
        {name for name, found in one.attributes.items() if found.value == NONE} for one in (some, others)
    ]
    told = nowhere[0] ^ nowhere[1]
    return bool(told) and any(
        not told.isdisjoint(one.local_keys) and some.state_of(name) != others.state_of(name)
        for name, one in some.model.relationships.items()
    )


def _given(record: InstanceRecord) -> list[str]:
    """The relationships of a new object that the program has set."""
    relationships = record.model.relationships
    return sorted(
        name
        for name, found in record.attributes.items()
        if name in relationships and found.cause is not LOOKED_AT
    )


def told_apart(record: InstanceRecord, some: Some) -> InstanceRecord:
    return replace(record, met=some, met_as=_stand(record)) if 1 < len(some) <= MOST_PATHS else record


def on_each(record: InstanceRecord, change: Callable[[InstanceRecord], InstanceRecord]) -> InstanceRecord:
    """What happens to it happens to what it is on each path."""
    some = of(record)
    return together(record, tuple(change(one) for one in some)) if some else change(record)


def together(record: InstanceRecord, some: Some) -> InstanceRecord:
    """The same instance, where only these paths go on; what has been told apart stays so."""
    result = some[0]
    for one in some[1:]:
        joined = result.joined(one)
        assert isinstance(joined, type(result))
        result = joined
    whole = replace(
        result,
        absent=record.absent,
        many=record.many,
        is_whole=record.is_whole,
        singles=record.singles,
        may_be_held=record.may_be_held,
        key=record.key,
        parent=record.parent,
    )
    return told_apart(whole, some) if not whole.met and some[0] != some[-1] else whole


def with_value(record: InstanceRecord, name: str, known: AttributeState, value: Value) -> InstanceRecord:
    """Somebody has looked at an attribute: its value has a name now, on every path."""
    some = tuple(
        one.with_attribute(name, replace(one.state_of(name) or known, value=value)) for one in of(record)
    )
    return told_apart(record.with_attribute(name, replace(known, value=value)), some)


def _stand(record: InstanceRecord) -> tuple[object, ...]:
    return (
        record.model,
        record.plan,
        record.replayed,
        record.session,
        record.lifecycle,
        record.attributes,
        record.extras,
        record.expired,
        record.is_modified,
        record.only_collections,
        record.is_directed,
        record.referring,
        record.is_written,
        record.is_uncommitted,
        record.is_recent,
        record.left,
        record.blank,
        record.detached_by,
    )
