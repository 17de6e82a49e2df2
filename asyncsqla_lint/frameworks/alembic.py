"""Alembic: a section of its configuration is a dict, into which environments put the URL themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.program import Scalar, Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.calls["alembic.context.config.get_section"] = _section


def _section(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    module, function = flow.frame.module, flow.frame.function
    options = {
        name: flow.scopes.at_module(module, partial(_evaluated, flow, value))
        for name, value in _main_options(module.program.statements)
    }
    if function is not None:
        options |= {name: flow.evaluate(state, value) for name, value in _main_options(function.body)}
    return flow.allocate(
        state, DictRecord({name: value for name, value in options.items() if value is not UNKNOWN}, UNKNOWN)
    )


def _main_options(body: Sequence[p.Statement]) -> Iterator[tuple[Scalar, p.Expression]]:
    """`config.set_main_option("sqlalchemy.url", settings.url)`, outside of functions or in the same one."""
    for one in body:
        call = one.value if isinstance(one, p.Evaluate) else None
        if isinstance(call, p.Call) and isinstance(call.function, p.Attribute) and len(call.arguments) > 1:
            name, value = call.arguments[:2]
            if call.function.name == "set_main_option" and isinstance(name, p.Constant):
                yield name.value, value


def _evaluated(flow: Flow, node: p.Expression, state: State, frame: Frame) -> Value:
    return flow.evaluate(state, node)
