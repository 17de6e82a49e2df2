"""FastAPI's routes: functions under a decorator, and those that `add_api_route` is told of."""

from __future__ import annotations

from asyncsqla_lint import program as p
from asyncsqla_lint.frameworks.handing import Handing, handed_to
from asyncsqla_lint.frameworks.owners import method_of
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scoped

_VERBS = frozenset(
    ["get", "post", "put", "patch", "delete", "head", "options", "trace", "api_route", "route"]
)
_ONLY_FASTAPI = frozenset({"response_model", "status_code", "response_model_exclude_none"})


def response_of(info: FunctionInfo, route: Handing) -> Type | None:
    """What the response is validated as: `response_model=`, or else the return annotation."""
    for word in route.call.keywords:
        if word.name == "response_model":
            if isinstance(word.value, p.Constant) and word.value.value is None:
                return None
            return info.index.type(route.at(word.value))
    if info.header.returns is None:
        return None
    return info.index.type(Scoped(info.header.returns, info.module, info.definition_scope))


def route_of(info: FunctionInfo) -> Handing | None:
    """What makes a function a route: a decorator, or `router.add_api_route("/", read)`."""
    scope = info.definition_scope
    for expression, symbol in zip(info.header.decorators, info.decorators, strict=True):
        if isinstance(expression, p.Call) and isinstance(expression.function, p.Attribute):
            if expression.function.name not in _VERBS:
                continue
            if isinstance(symbol, External):
                name: str | None = symbol.name
            else:
                name = method_of(info.index, info.module, expression.function, scope)
            if name is None and symbol is None and _looks_like_route(expression):
                name = "fastapi"
            if name is not None and name.startswith("fastapi"):
                return Handing(expression, info.module, scope)
    return handed_to(info.index, "add_api_route").get(info)


def only_reads(route: Handing) -> bool:
    """A GET, which is to change nothing."""
    function = route.call.function
    return isinstance(function, p.Attribute) and function.name in ("get", "head")


def _looks_like_route(node: p.Call) -> bool:
    """The router comes from somewhere unknown: a path, and a keyword that only FastAPI takes."""
    words = {word.name for word in node.keywords}
    path = node.arguments[0] if node.arguments else None
    is_path = isinstance(path, p.Constant) and isinstance(path.value, str) and path.value[:1] in ("", "/")
    return is_path and bool(words & _ONLY_FASTAPI)
