"""Inner joins: a row to which nothing is joined is not given, and what comes in one row belongs together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference, Value
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.semantics.identity import identity_of
from asyncsqla_lint.semantics.instances import InstanceRecord
from asyncsqla_lint.semantics.planning import is_whole_but_for_joins
from asyncsqla_lint.semantics.references import is_linked, link_of
from asyncsqla_lint.semantics.statements import Statement, entity_class

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

Pairs = tuple[tuple[int, str, int], ...]  # of the elements of a row, which refers to which, and how


def leaves_out(flow: Flow, state: State, record: InstanceRecord, statement: Statement) -> bool:
    """Is it a row made here that has nothing which could be joined to it?"""
    if not statement.joins or not record.is_new:
        return False
    cls = record.model.cls
    for one in _relationships(flow, statement):
        target = one.target
        if target is None or _is_one_of(target.cls, one.model.cls):
            continue
        is_at_its_end = cls.is_subclass_of(target.cls)
        if not is_at_its_end and not cls.is_subclass_of(one.model.cls):
            continue
        up = one.inverse if is_at_its_end else one
        if up is not None and up.direction == "many-to-one":
            if up.name in record.blank:
                return True
            continue
        other = one.model.root if is_at_its_end else target.root
        is_named = is_linked(record, other, one, at_its_end=is_at_its_end)
        if (
            not is_named
            and (up is not None or one.direction != "one-to-many")
            and not _has_made(state, record, other)
        ):
            return True
    return False


def all_linked(flow: Flow, statement: Statement) -> str:
    """The link by which it gives all rows of its class that have the other side; "": it does not."""
    if len(statement.joins) != 1 or not is_whole_but_for_joins(statement):
        return ""
    cls = entity_class(statement.entities[0])
    return next(
        (
            link_of(one)
            for one in _relationships(flow, statement)
            if cls and cls.is_subclass_of(one.model.cls)
        ),
        "",
    )


def _has_made(state: State, record: InstanceRecord, root: ClassInfo) -> bool:
    """Rows of that table that were made here may refer to it by their keys alone."""
    return any(
        one.is_made and one.session == record.session and one.model.root is root
        for _, one in state.records(InstanceRecord)
    )


def pairs(flow: Flow, statement: Statement) -> Pairs:
    """Whom a many-to-one of a row's element leads to: another element of the row."""
    found: list[tuple[int, str, int]] = []
    classes = [one.info if isinstance(one, ClassValue) else None for one in statement.entities]
    for one in _relationships(flow, statement) if len(classes) > 1 else ():
        down = one.inverse if one.direction == "one-to-many" else one
        if down is None or down.direction != "many-to-one" or down.target is None:
            continue
        above = down.target.cls
        if _is_one_of(above, down.model.cls):
            continue
        who = [at for at, cls in enumerate(classes) if cls is not None and cls.is_subclass_of(down.model.cls)]
        whom = [at for at, cls in enumerate(classes) if cls is not None and cls.is_subclass_of(above)]
        if len(who) == len(whom) == 1:
            found.append((who[0], down.name, whom[0]))
    return tuple(found)


def together(state: State, elements: tuple[Value, ...], joined: Pairs) -> None:
    """One row is told: its elements are those that belong together."""
    for who, name, whom in joined:
        child, parent = elements[who], elements[whom]
        if not isinstance(child, Reference) or not isinstance(parent, Reference):
            continue
        record, above = state.record(child.oid), state.record(parent.oid)
        if not isinstance(record, InstanceRecord) or not isinstance(above, InstanceRecord):
            continue
        key = None if record.many or above.many else identity_of(parent, above)
        if key is not None:
            state.put(child, replace(record, leads={**record.leads, name: key}))


def _relationships(flow: Flow, statement: Statement) -> Iterator[Relationship]:
    for along in statement.joins:
        model = flow.index.model(along.cls)
        one = None if model is None else model.relationships.get(along.name)
        if one is not None:
            yield one


def _is_one_of(one: ClassInfo, other: ClassInfo) -> bool:
    """Do both stand for rows of one table, as in a tree?"""
    return one.is_subclass_of(other) or other.is_subclass_of(one)
