"""Requests: which parameter of a handler is the request, and what fills it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.values import Arguments, Value
from asyncsqla_lint.frameworks.hooks import calls_of, function_given, imports
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.handed import names_path
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index


class Requested(Value, frozen=True):
    """Provides the request."""

    find: Callable[[Flow, State], Value]

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return self.find(flow, state)


def request_parameter(flow: Flow, info: FunctionInfo, framework: str, classes: Collection[str]) -> str | None:
    """By its annotation; without one it is what a handler is given first."""
    scope = info.parent or info.owner
    parameters = info.header.parameters
    for parameter in parameters:
        if parameter.annotation is not None:
            type_ = flow.index.type(Scoped(parameter.annotation, info.module, scope))
            if isinstance(type_.symbol, External) and type_.symbol.name in classes:
                return parameter.name
    first = parameters[info.owner is not None :][:1]
    if not first or first[0].annotation is not None or not info.is_async:
        return None
    return first[0].name if is_handler(flow.index, info, framework) else None


def is_handler(index: Index, info: FunctionInfo, framework: str) -> bool:
    """Does it answer at a path? `@routes.get("/")`, `app.router.add_get("/", handler)`."""
    decorators = (one for one in info.header.decorators if isinstance(one, p.Call))
    if any(map(names_path, decorators)) and imports(info.module, framework):
        return True
    handlers = kept(index, f"{framework} handlers", lambda: frozenset(_registered(index, framework)))
    return info in handlers


def _registered(index: Index, framework: str) -> Iterator[FunctionInfo]:
    for module in index.modules.values():
        if module.says(framework) and imports(module, framework):
            for call, scope in calls_of(index, module):
                for argument in call.arguments if names_path(call) else ():
                    function = function_given(index, module, argument, scope)
                    if function is not None:
                        yield function
