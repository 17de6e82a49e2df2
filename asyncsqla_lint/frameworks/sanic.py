"""Sanic: handlers find what middlewares keep on a request's `ctx`, and listeners on the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Reference, Value
from asyncsqla_lint.frameworks.hooks import (
    Hooks,
    Naming,
    SharedRecord,
    hooked,
    hooks_of,
    imports,
    moment_of,
    of_the_request,
    run_themselves,
)
from asyncsqla_lint.frameworks.injection import Injection, Inside, Need
from asyncsqla_lint.frameworks.requests import Requested, request_parameter
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.semantics.sharing import Application

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

REQUESTS = ("sanic.Request", "sanic.request.Request", "sanic.request.types.Request")
_APPLICATIONS = ("sanic.Sanic", "sanic.app.Sanic")
_NAMING = Naming(
    "sanic",
    frozenset({"on_request"}),
    frozenset({"on_response"}),
    frozenset({"middleware", "register_middleware"}),
)
_APPLICATION = Application("ctx")


def register(meanings: Meanings) -> None:
    for name in _APPLICATIONS:
        meanings.calls[name] = lambda flow, state, arguments, at: _APPLICATION
        meanings.instances[name] = lambda flow, state, arguments, at: _APPLICATION
        meanings.calls[f"{name}.get_app"] = lambda flow, state, arguments, at: _APPLICATION
    for name in REQUESTS:
        meanings.instances[name] = lambda flow, state, arguments, at: request_of(flow, state)
    meanings.view_classes.add("sanic.views.HTTPMethodView")
    meanings.when_run.append(_run)


class RequestRecord(Record, frozen=True):
    ctx: Reference

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        if name == "ctx":
            return self.ctx
        return _APPLICATION if name == "app" else UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (self.ctx,)


def request_of(flow: Flow, state: State) -> Value:
    return of_the_request(flow, state, _NOTE, lambda: RequestRecord(flow.allocate(state, SharedRecord())))


_NOTE = "sanic request"


def _hooks(index: Index) -> Hooks:
    return kept(index, "sanic_hooks", lambda: hooks_of(index, _NAMING))


def _surrounded(flow: Flow, state: State, inside: Inside, at: Span) -> list[Option]:
    return hooked(flow, state, _hooks(flow.index), (request_of(flow, state),), inside, at)


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """Handlers: whatever is given a request."""
    hooks = _hooks(flow.index)
    is_hook = imports(info.module, "sanic") and moment_of(info, _NAMING)
    if is_hook or info in hooks.before or info in hooks.after:
        run_themselves(flow, state, hooks, (request_of(flow, state),), info.header.name_span)
        return True
    name = request_parameter(flow, info, "sanic", REQUESTS)
    if name is None:
        return False
    provider = Requested(request_of)
    injection = Injection(flow, lambda own, value: [], info.header.name_span, within=_surrounded)
    injection.run(state, info, [Need(name, provider)])
    return True
