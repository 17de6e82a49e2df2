"""Functions that a framework is handed where an application is set up: handlers at their paths, middlewares.

Whoever is asked for them never names who hands them on; so these calls are part of the outline, also where
they stand in a function.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncsqla_lint import program as p
from asyncsqla_lint.project.walking import calls, last_name, walk

DISPATCHING = "BaseHTTPMiddleware"  # it takes a function: `dispatch=`
CATCHING = ("exception_handler", "add_exception_handler", "exception_handlers")  # of errors
_APPLICATIONS = ("FastAPI", "Starlette")  # they take these by a keyword, which no header mentions
_TELLING = frozenset({DISPATCHING, *CATCHING, *_APPLICATIONS})
_ROUTING = frozenset({"aiohttp", "quart", "sanic", "starlette"})  # frameworks that a handler need not name


def names_path(call: p.Call) -> bool:
    """Is it given a constant such as `"/users"`?"""
    given = (*call.arguments, *(word.value for word in call.keywords))
    paths = (one.value for one in given if isinstance(one, p.Constant) and isinstance(one.value, str))
    return any(one.startswith("/") for one in paths)


def catches(call: p.Call) -> bool:
    """Does it say which function is called with which errors?"""
    return last_name(call.function) in CATCHING or any(word.name in CATCHING for word in call.keywords)


def handed(program: p.Program) -> Iterator[p.Call]:
    """The calls within functions that may hand one on."""
    functions = {header.name for header in program.functions}
    telling, routes = set(_TELLING), False
    for node in walk(program.statements):
        if isinstance(node, p.ImportFrom):
            functions.update(alias.asname or alias.name for alias in node.names)
            telling.update(alias.asname for alias in node.names if alias.asname and alias.name in telling)
            routes |= not node.level and node.module.partition(".")[0] in _ROUTING
        elif isinstance(node, p.Import):
            routes |= any(alias.name.partition(".")[0] in _ROUTING for alias in node.names)
        elif isinstance(node, p.ClassDefinition) and any(last_name(one) in telling for one in node.bases):
            telling.add(node.name)
    for header, body in zip(program.functions, program.bodies, strict=True):
        if routes or not telling.isdisjoint(header.mentions):
            for call in calls(body):
                if (
                    catches(call)
                    or any(word.name == "dispatch" for word in call.keywords)
                    or (names_path(call) and any(last_name(one) in functions for one in call.arguments))
                ):
                    yield call
