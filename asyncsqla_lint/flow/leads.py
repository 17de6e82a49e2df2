"""Leads: where one step from values goes.

Objects are followed by their numbers, and of what is between two of them only closures depend on the path: so
where a record leads is found out once for all paths that have it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.values import Reference, Value

if TYPE_CHECKING:
    from asyncsqla_lint.flow.records import Record
    from asyncsqla_lint.flow.state import State


class Leads(Struct, frozen=True):
    """The objects that values name, and the functions among them that close over frames."""

    objects: list[int]
    closures: list[FunctionValue]
    record: Record | None  # held, so that no id is used twice


def leads_of(state: State, values: Iterable[Value], record: Record | None = None) -> Leads:
    objects: list[int] = []
    closures: list[FunctionValue] = []
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Reference):
            objects.append(value.oid)
        elif type(value).refers_to is Value.refers_to:
            continue  # it leads nowhere: most values do not
        elif isinstance(value, FunctionValue) and value.closure:
            closures.append(value)
        else:
            waiting.extend(value.refers_to(state))
    return Leads(objects, closures, record)
