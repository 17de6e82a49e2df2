"""Litestar: handlers get their dependencies by name, from the nearest layer that provides them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.frames import Frame, Outcome
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.roots import receiver_of
from asyncsqla_lint.flow.values import UNKNOWN, Reference, Value
from asyncsqla_lint.frameworks.advanced_alchemy import ServiceProvider
from asyncsqla_lint.frameworks.fastapi import Dependency, depends
from asyncsqla_lint.frameworks.hooks import Hooks, hooked, run_themselves
from asyncsqla_lint.frameworks.injection import Injection, Inside, Need, Within, function_of, parameters_of
from asyncsqla_lint.frameworks.litestar_dto import transfer_of, transferred
from asyncsqla_lint.frameworks.litestar_layers import Entries, entries, layers_of
from asyncsqla_lint.frameworks.litestar_plugin import plugin_session
from asyncsqla_lint.frameworks.starlette import keep_request, request_of, surrounded
from asyncsqla_lint.frameworks.validation import evaluated
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scope, Scoped
from asyncsqla_lint.semantics.tasks import DEPENDENCIES_END_FIRST

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_VERBS = frozenset(
    ["get", "post", "put", "patch", "delete", "head", "route", "websocket", "websocket_listener"]
)
_HOOKS = ("before_request", "after_response")


def register(meanings: Meanings) -> None:
    for name in ("litestar.di.Provide", "litestar.Provide"):
        meanings.calls[name] = depends
    meanings.view_classes.update(("litestar.Controller", "litestar.controller.Controller"))
    meanings.when_run.append(_run)


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    handler = _handler(info)
    if handler is None:
        return info.is_async and _run_hooks(flow, state, info)
    provided = layers_of(flow.index).provided(flow.index)
    scope: Scope = info.parent or info.owner
    if info.owner is not None:
        found = info.owner.find("dependencies")
        if found is not None and found[1].value is not None:
            provided.update(entries(flow.index, Scoped(found[1].value, found[0].module, found[0])))
    for word in handler.keywords:
        if word.name == "dependencies":
            provided.update(entries(flow.index, Scoped(word.value, info.module, scope)))

    def needs(own: State, parameters: tuple[p.Parameter, ...]) -> list[Need]:
        return [need for one in parameters for need in _need(flow, own, one.name, provided)]

    def needs_of(own: State, value: Value) -> list[Need]:
        return needs(own, parameters_of(own, value)[1])

    flow.notes[DEPENDENCIES_END_FIRST] = True  # before the response is sent
    transfer = transfer_of(flow, info, handler)

    def answered(frame: Frame, outcome: Outcome) -> None:
        if transfer is not None and outcome.at >= 0:
            transferred(flow, frame, outcome, transfer)

    injection = Injection(flow, needs_of, info.header.name_span, within=_within(flow, info, handler))
    injection.run(state, info, needs(state, info.header.parameters), answered)
    return True


def _within(flow: Flow, info: FunctionInfo, handler: p.Call) -> Within:
    """Middlewares, and inside of them the nearest layer's hooks."""
    before, after = (_hook(flow.index, info, handler, name) for name in _HOOKS)
    hooks = Hooks(() if before is None else (before,), () if after is None else (after,))

    def within(flow: Flow, state: State, inside: Inside, at: Span) -> list[Option]:
        def between_hooks(own: State) -> list[Option]:
            return hooked(flow, own, hooks, (request_of(flow, own),), inside, at)

        if before is None and after is None:
            return surrounded(flow, state, inside, at)
        keep_request(flow, state)
        return surrounded(flow, state, between_hooks, at)

    return within


def _hook(index: Index, info: FunctionInfo, handler: p.Call, name: str) -> FunctionInfo | None:
    places = [
        Scoped(word.value, info.module, info.parent or info.owner)
        for word in handler.keywords
        if word.name == name
    ]
    found = None if info.owner is None else info.owner.find(name)
    if found is not None and found[1].value is not None:
        places.append(Scoped(found[1].value, found[0].module, found[0]))
    places += [word for layer in layers_of(index).around(info) if (word := layer.word(name)) is not None]
    hook = index.resolve(places[0].module, places[0].expression, places[0].scope) if places else None
    return hook if isinstance(hook, FunctionInfo) else None


def _run_hooks(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """A request that nobody answers: what one hook of a layer keeps, the other takes up."""
    for hooks in layers_of(flow.index).hooks(flow.index, *_HOOKS):
        if info in hooks:
            before, after = hooks
            request = keep_request(flow, state)
            both = Hooks(() if before is None else (before,), () if after is None else (after,))
            run_themselves(flow, state, both, (request,), info.header.name_span)
            return True
    return False


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


def _need(flow: Flow, state: State, name: str, provided: Entries) -> list[Need]:
    where = provided.get(name)
    if where is None:
        return [Need(name, session)] if (session := plugin_session(flow, name)) is not None else []
    value = _of_a_plugin(flow, state, where) or evaluated(flow, state, where)
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if isinstance(record, DictRecord):  # a call that makes several
        value = record.entries.get(name, UNKNOWN)
    provider = value.provider if isinstance(value, Dependency) else value
    if isinstance(provider, ServiceProvider):
        return [Need(name, provider)]
    if provider is None or isinstance(provider, ExternalValue) or function_of(state, provider) is None:
        return []
    return [Need(name, provider)]


def _of_a_plugin(flow: Flow, state: State, where: Scoped) -> Value | None:
    """`Provide(self.session)`: a method of the plugin that says so."""
    call, info = where.expression, where.scope
    if not isinstance(info, FunctionInfo) or info.owner is None or not isinstance(call, p.Call):
        return None
    method = call.arguments[0] if call.arguments else None
    if isinstance(method, p.Attribute) and isinstance(method.value, p.Name):
        if method.value.id == info.header.parameters[0].name:
            receiver = receiver_of(flow, state, info)
            return None if receiver is None else receiver.attribute(flow, state, method.name, call.span)
    return None
