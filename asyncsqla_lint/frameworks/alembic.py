"""Alembic: a section of its configuration is a dict, into which environments put the URL themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Scalar, Span
from asyncsqla_lint.project.names import Module

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.calls["alembic.context.config.get_section"] = _section


def _section(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    set_before = {
        name: value for name, value in _main_options(flow, flow.frame.module) if value is not UNKNOWN
    }
    return flow.allocate(state, DictRecord(set_before, UNKNOWN))


def _main_options(flow: Flow, module: Module) -> Iterator[tuple[Scalar, Value]]:
    """`config.set_main_option("sqlalchemy.url", settings.url)`, outside of functions."""
    for one in module.program.statements:
        call = one.value if isinstance(one, p.Evaluate) else None
        if isinstance(call, p.Call) and isinstance(call.function, p.Attribute) and len(call.arguments) > 1:
            name, value = call.arguments[:2]
            if call.function.name == "set_main_option" and isinstance(name, p.Constant):
                yield name.value, flow.scopes.at_module(module, partial(_evaluated, flow, value))


def _evaluated(flow: Flow, node: p.Expression, state: State, frame: Frame) -> Value:
    return flow.evaluate(state, node)
