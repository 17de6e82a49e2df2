"""Lifespans: generators that a framework runs once, from the start of the application to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

APPLICATIONS = ("FastAPI", "Starlette", "Litestar", "Quart", "Sanic", "Application", "FastMCP", "ContextRepo")
NAMES = ("app", "_app", "_", "application")
_OF_REGISTRIES = (
    "svcs.starlette.lifespan",
    "svcs.fastapi.lifespan",
)  # given a registry beside the application


def is_lifespan(function: FunctionInfo) -> bool:
    """An async context manager that is given an application."""
    header = function.header
    if not (header.is_generator and header.is_async and len(header.parameters) in (1, 2)):
        return False
    if function.decorated_by(*_OF_REGISTRIES):
        return True
    return function.decorated_by("contextlib.asynccontextmanager") and _is_given_application(function)


def is_run_by_application(flow: Flow, function: FunctionInfo) -> bool:
    """A lifespan, a start-up hook, aiohttp's clean-up context, a provider: if it fails, nothing starts."""
    header = function.header
    if not header.is_async:
        return False
    if not header.is_generator:
        return len(header.parameters) in (1, 2) and _is_given_application(function)
    if function.decorated_by(*flow.meanings.providers, *_OF_REGISTRIES):
        return True
    is_plain = not function.decorators or function.decorated_by("contextlib.asynccontextmanager")
    return is_plain and len(header.parameters) in (1, 2) and _is_given_application(function)


def _is_given_application(function: FunctionInfo) -> bool:
    parameter = function.header.parameters[-1]
    given = parameter.annotation
    if given is None:
        return parameter.name in NAMES
    named = function.index.type(Scoped(given, function.module, function.definition_scope))
    return (named.external() or "").rpartition(".")[2] in APPLICATIONS
