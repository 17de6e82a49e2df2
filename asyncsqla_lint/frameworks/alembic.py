"""Alembic: a section of its configuration is a dict, into which environments put the URL themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.calls["alembic.context.config.get_section"] = _section


def _section(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return flow.allocate(state, DictRecord({}, UNKNOWN))
