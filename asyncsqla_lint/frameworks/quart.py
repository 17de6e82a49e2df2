"""Quart: what hooks keep on `g` or on the application is there for the views, and for whom these ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.frames import Frame, Outcome
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference, Value
from asyncsqla_lint.frameworks.hooks import (
    Hooks,
    Naming,
    SharedRecord,
    decorators_of,
    hooked,
    hooks_of,
    imports,
    moment_of,
    of_the_request,
    run_themselves,
)
from asyncsqla_lint.frameworks.injection import Injection, Inside
from asyncsqla_lint.frameworks.requests import is_handler
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.semantics import background
from asyncsqla_lint.semantics.sharing import PlainApplication

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

_APPLICATIONS = ("quart.Quart", "quart.app.Quart")
_NAMING = Naming(
    "quart",
    frozenset({"before_request", "before_app_request"}),
    frozenset({"teardown_request", "teardown_app_request", "teardown_appcontext"}),
    answered=frozenset({"after_request", "after_app_request"}),
)
_OF_THE_SERVER = ("before_serving", "after_serving", "while_serving")
_APPLICATION = PlainApplication()


def register(meanings: Meanings) -> None:
    for name in _APPLICATIONS:
        meanings.calls[name] = lambda flow, state, arguments, at: _APPLICATION
        meanings.instances[name] = lambda flow, state, arguments, at: _APPLICATION
    meanings.values["quart.current_app"] = _APPLICATION
    meanings.values["quart.g"] = Globals()
    meanings.view_classes.update(("quart.views.View", "quart.views.MethodView"))
    meanings.when_run.append(_run)


class Globals(Value, frozen=True):
    """`g`: there is one for each request."""

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return globals_of(flow, state).attribute(flow, state, name, at)

    def has_attribute(self, flow: Flow, state: State, name: str, at: Span) -> bool | None:
        return globals_of(flow, state).has_attribute(flow, state, name, at)

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        return globals_of(flow, state).contains(flow, state, item, at)

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        globals_of(flow, state).set_attribute(flow, state, name, value, at)

    def delete_attribute(self, flow: Flow, state: State, name: str, at: Span) -> None:
        globals_of(flow, state).delete_attribute(flow, state, name, at)


def globals_of(flow: Flow, state: State) -> Reference:
    return of_the_request(flow, state, _NOTE, SharedRecord)


_NOTE = "quart globals"


def _hooks(index: Index) -> Hooks:
    return kept(index, "quart_hooks", lambda: hooks_of(index, _NAMING))


def _surrounded(flow: Flow, state: State, inside: Inside, at: Span) -> list[Option]:
    globals_of(flow, state)
    return hooked(flow, state, _hooks(flow.index), (), inside, at)


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """Whatever may run for a request, but the hooks themselves."""
    if not info.is_async or info.header.is_generator or not imports(info.module, "quart"):
        return False
    hooks = _hooks(flow.index)
    if info in hooks.before or info in hooks.after or moment_of(info, _NAMING):
        globals_of(flow, state)
        run_themselves(flow, state, hooks, (), info.header.name_span)
        return True
    if any(name in _OF_THE_SERVER for name in decorators_of(info)):
        return False

    def answered(frame: Frame, outcome: Outcome) -> None:
        if is_handler(flow.index, info, "quart"):
            with flow.entered(frame):
                background.sent(flow, outcome.state, outcome.value, outcome.at)

    injection = Injection(flow, lambda own, value: [], info.header.name_span, within=_surrounded)
    injection.run(state, info, [], answered)
    return True
