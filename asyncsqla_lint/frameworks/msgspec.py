"""msgspec: `convert(row, Struct, from_attributes=True)` reads every field of the struct."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import TRUE, UNKNOWN, Arguments, Value
from asyncsqla_lint.frameworks.pydantic import name_of, validated, written_type
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.calls["msgspec.convert"] = _convert


def _convert(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value, type_ = arguments.get(0, "obj"), written_type(flow, arguments, at, 1, "type")
    if value is None or type_ is None or arguments.keywords.get("from_attributes") != TRUE:
        return UNKNOWN
    return validated(flow, state, value, type_, at, True, name_of(type_))
