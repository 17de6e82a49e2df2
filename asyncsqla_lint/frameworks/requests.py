"""Requests: which parameter of a handler is the request, and what fills it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.values import Arguments, Value
from asyncsqla_lint.frameworks.hooks import imports
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class Requested(Value, frozen=True):
    """Provides the request."""

    find: Callable[[Flow, State], Value]

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return self.find(flow, state)


def request_parameter(flow: Flow, info: FunctionInfo, framework: str, classes: Collection[str]) -> str | None:
    """By its annotation; without one by its name, where the module knows the framework."""
    scope = info.parent or info.owner
    for parameter in info.header.parameters:
        if parameter.annotation is not None:
            type_ = flow.index.type(Scoped(parameter.annotation, info.module, scope))
            if isinstance(type_.symbol, External) and type_.symbol.name in classes:
                return parameter.name
        elif parameter.name == "request" and info.is_async and imports(info.module, framework):
            return parameter.name
    return None
