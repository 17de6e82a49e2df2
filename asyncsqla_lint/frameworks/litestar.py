"""Litestar: handlers get their dependencies by name, from the nearest layer that provides them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame, Outcome
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import ExternalValue, Value
from asyncsqla_lint.frameworks.fastapi import Dependency, depends
from asyncsqla_lint.frameworks.injection import Injection, Need, function_of, parameters_of
from asyncsqla_lint.frameworks.litestar_dto import transfer_of, transferred
from asyncsqla_lint.frameworks.validation import evaluated
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scope, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_VERBS = frozenset(
    ["get", "post", "put", "patch", "delete", "head", "route", "websocket", "websocket_listener"]
)
_LAYERS = ("litestar.Litestar", "litestar.Router", "litestar.app.Litestar", "litestar.router.Router")
Layer = dict[str, Scoped]


def register(meanings: Meanings) -> None:
    for name in ("litestar.di.Provide", "litestar.Provide"):
        meanings.calls[name] = depends
    meanings.when_run.append(_run)


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    handler = _handler(info)
    if handler is None:
        return False
    provided: Layer = dict(application_layer(flow.index))
    scope: Scope = info.parent or info.owner
    if info.owner is not None:
        found = info.owner.find("dependencies")
        if found is not None and found[1].value is not None:
            provided.update(_entries(Scoped(found[1].value, found[0].module, found[0])))
    for word in handler.keywords:
        if word.name == "dependencies":
            provided.update(_entries(Scoped(word.value, info.module, scope)))

    def needs(own: State, parameters: tuple[p.Parameter, ...]) -> list[Need]:
        return [need for one in parameters for need in _need(flow, own, one.name, provided)]

    def needs_of(own: State, value: Value) -> list[Need]:
        return needs(own, parameters_of(own, value)[1])

    transfer = transfer_of(flow, info, handler)

    def answered(frame: Frame, outcome: Outcome) -> None:
        if transfer is not None and outcome.at >= 0:
            transferred(flow, frame, outcome, transfer)

    injection = Injection(flow, needs_of, info.header.name_span)
    injection.run(state, info, needs(state, info.header.parameters), answered)
    return True


def _handler(info: FunctionInfo) -> p.Call | None:
    for expression, symbol in zip(info.header.decorators, info.decorators, strict=True):
        if (
            isinstance(expression, p.Call)
            and isinstance(symbol, External)
            and symbol.name.startswith("litestar.")
        ):
            if symbol.name.rpartition(".")[2] in _VERBS:
                return expression
    return None


def _need(flow: Flow, state: State, name: str, provided: Layer) -> list[Need]:
    where = provided.get(name)
    if where is None:
        return []
    value = evaluated(flow, state, where)
    provider = value.provider if isinstance(value, Dependency) else value
    if provider is None or isinstance(provider, ExternalValue) or function_of(state, provider) is None:
        return []
    return [Need(name, provider)]


def application_layer(index: Index) -> Layer:
    """What the applications and routers of the project provide."""
    found: Layer | None = index.__dict__.get("litestar_layer")
    if found is None:
        found = index.__dict__["litestar_layer"] = {}
        for module in index.modules.values():
            if not any("itestar" in name or "Router" in name for name in module.names.bindings):
                continue
            index.foundation.add(module)
            bodies: list[tuple[p.Statements, Scope]] = [(module.program.statements, None)]
            bodies += [(info.body, info) for info in index.functions_of(module)]
            for body, scope in bodies:
                for call in _calls(body):
                    symbol = index.resolve(module, call.function, scope)
                    if isinstance(symbol, External) and symbol.name in _LAYERS:
                        for word in call.keywords:
                            if word.name == "dependencies":
                                found.update(_entries(Scoped(word.value, module, scope)))
    return found


def _calls(body: p.Statements) -> Iterator[p.Call]:
    """Calls whose result is kept or returned."""
    for statement in body:
        if isinstance(statement, (p.Assign, p.AnnotatedAssign, p.Return)) and isinstance(
            statement.value, p.Call
        ):
            yield statement.value


def _entries(where: Scoped) -> Layer:
    node = where.expression
    if not isinstance(node, p.DictDisplay):
        return {}
    return {
        str(item.key.value): Scoped(item.value, where.module, where.scope)
        for item in node.items
        if isinstance(item.key, p.Constant)
    }
