"""`if team_id is not None: …`: where it is None, rows of which that is the foreign key refer to nobody."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import NONE, Symbol
from asyncsqla_lint.semantics import paths
from asyncsqla_lint.semantics.attribute_states import LOADED
from asyncsqla_lint.semantics.instances import InstanceRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.when_found_none.append(_found_none)


def _found_none(flow: Flow, state: State, symbol: Symbol) -> None:
    for reference, record in list(state.records(InstanceRecord)):
        if any(found.value == symbol for found in record.attributes.values()):
            state.put(reference, paths.on_each(record, partial(_with_null, symbol)))


def _with_null(symbol: Symbol, record: InstanceRecord) -> InstanceRecord:
    keys = {name for one in record.model.relationships.values() for name in one.local_keys}
    nulls = {
        name: replace(found, value=NONE)
        for name, found in record.attributes.items()
        if found.value == symbol and found.bits == LOADED and name in keys and _may_be_null(record, name)
    }
    return replace(record, attributes={**record.attributes, **nulls}) if nulls else record


def _may_be_null(record: InstanceRecord, name: str) -> bool:
    column = record.model.columns.get(name)
    return column is not None and not column.primary_key
