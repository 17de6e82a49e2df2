"""Collections that are dictionaries: `relationship(collection_class=attribute_keyed_dict("sku"))`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, TupleValue, Value, union

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

READS = frozenset({"get", "items", "keys", "values"})


def read(flow: Flow, state: State, collection: ListRecord, name: str, arguments: Arguments) -> Value:
    """Under which keys its members stand nobody knows."""
    member = collection.whole()
    if name == "get":
        default = arguments.get(1, "default") or NONE
        return default if member is None else union((member, default))
    if name == "values":
        return flow.allocate(
            state, ListRecord(collection.items, collection.element, "list", collection.may_be_empty)
        )
    if member is None:
        return flow.allocate(state, ListRecord(()))
    element = UNKNOWN if name == "keys" else TupleValue((UNKNOWN, member))
    return flow.allocate(state, ListRecord(None, element, "list", collection.may_be_empty))
