"""Starlette: what middlewares keep on a request's `state` is there for whoever has the request in hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Symbol,
    Text,
    Unknown,
    UnknownCall,
    Value,
    alternatives,
    join,
)
from asyncsqla_lint.frameworks import authentication
from asyncsqla_lint.frameworks.asgi import (
    around_the_application,
    has_context_variables,
    in_a_context,
    is_asgi,
    keeps_in_scope,
    scope_of,
)
from asyncsqla_lint.frameworks.authentication import USER, user_of
from asyncsqla_lint.frameworks.catching import caught, handlers_of
from asyncsqla_lint.frameworks.hooks import calls_of, function_given
from asyncsqla_lint.frameworks.injection import Injection, Inside, Need
from asyncsqla_lint.frameworks.middlewares import Layer, in_order, layer_of, surround, targets
from asyncsqla_lint.frameworks.requests import Requested, request_parameter
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.applications import STATE
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.handed import DISPATCHING
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Module
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.semantics import ledger
from asyncsqla_lint.semantics.application_state import lent, with_those_inside
from asyncsqla_lint.semantics.sessions import SessionRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

REQUESTS = (
    "litestar.Request",
    "litestar.WebSocket",
    "litestar.connection.ASGIConnection",
    "litestar.connection.Request",
    "litestar.connection.WebSocket",
    "fastapi.Request",
    "fastapi.requests.Request",
    "fastapi.requests.HTTPConnection",
    "starlette.requests.Request",
    "starlette.requests.HTTPConnection",
    "fastapi.WebSocket",
    "fastapi.websockets.WebSocket",
    "starlette.websockets.WebSocket",
)
_APPLICATION = "starlette.applications.Starlette"
_USER = f"<{USER}>"
_MIDDLEWARE = f"starlette.middleware.base.{DISPATCHING}"


def register(meanings: Meanings) -> None:
    for name in REQUESTS:
        meanings.instances[name] = lambda flow, state, arguments, at: request_of(flow, state)
        meanings.calls[name] = lambda flow, state, arguments, at: _known(flow, state) or UNKNOWN
    meanings.view_classes.add("starlette.endpoints.HTTPEndpoint")
    meanings.when_run.append(_run)
    authentication.register(meanings)


class StateRecord(Record, frozen=True):
    """`request.state`."""

    kept: dict[str, Value] = {}

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        if name not in self.kept and name == "get":
            return Method(me, name)
        return self.kept[name] if name in self.kept else lent(flow, name)

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        return True if name in self.kept else None

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        """`request.state.get("session")`: Litestar's is a mapping, too."""
        key = arguments.first
        return self.item(flow, state, me, key, at) if name == "get" else UNKNOWN

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        if not isinstance(key, Constant) or not isinstance(key.value, str):
            return UNKNOWN
        return self.attribute(flow, state, me, key.value, at)

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        state.put(me, StateRecord({**self.kept, name: value}))
        if name in found_by_middlewares(flow.index):
            for one in alternatives(value):
                if isinstance(one, Reference) and isinstance(state.record(one.oid), SessionRecord):
                    ledger.found(state, one)

    def joined(self, other: Record) -> Record:
        """Where it is read it was kept, on whichever path."""
        if not isinstance(other, StateRecord):
            return FORGOTTEN
        both = self.kept.keys() & other.kept.keys()
        either = {name: join(self.kept[name], other.kept[name]) for name in both}
        return StateRecord({**self.kept, **other.kept, **either})

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(self.kept.values())


class RequestRecord(Record, frozen=True):
    state: Reference
    application: Value

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        if name == STATE:
            return self.state
        if name == USER:
            return self._user(flow, state, me, at)
        return self.application if name == "app" else UNKNOWN

    def _user(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        """Whoever is asked first for it has authenticated: it is the same for all of the request."""
        record = state.record(self.state.oid)
        if not isinstance(record, StateRecord):
            return UNKNOWN
        if _USER not in record.kept:
            found = user_of(flow, state, me, at)
            record = state.record(self.state.oid)
            if isinstance(record, StateRecord):
                state.put(self.state, StateRecord({**record.kept, _USER: found}))
            return found
        return record.kept[_USER]

    def refers_to(self) -> tuple[Value, ...]:
        return (self.state, self.application)


def request_of(flow: Flow, state: State) -> Value:
    """The request that this root answers: there is one, whoever asks for it."""
    known = _known(flow, state)
    if known is not None:
        return known
    promise = flow.meanings.instance(_APPLICATION)
    application = UNKNOWN if promise is None else promise(flow, state, (), -1)
    return flow.allocate(state, RequestRecord(flow.allocate(state, StateRecord()), application))


def keep_request(flow: Flow, state: State) -> Value:
    """From here on whoever asks for the request has this one."""
    request = flow.notes[_NOTE] = request_of(flow, state)
    return request


def _known(flow: Flow, state: State) -> Value | None:
    known = flow.notes.get(_NOTE)
    return known if isinstance(known, Reference) and known.oid in state.heap else None


_NOTE = "asgi request"


# --- middlewares ---------------------------------------------------------------------------------


def layers_of(index: Index) -> tuple[Layer, ...]:
    """The project's middlewares that keep something on the request's state, or in a context variable."""
    return kept(index, "starlette_layers", lambda: in_order(list(_layers(index))))


def _layers(index: Index) -> Iterator[Layer]:
    in_contexts = has_context_variables(index)
    for info in _middlewares(index):
        mentions_it = STATE in info.header.mentions
        if mentions_it or in_contexts or info.name == "__call__":
            layer = layer_of(info, _kept_as) if mentions_it else None
            layer = layer or keeps_in_scope(info)
            if layer is None and in_contexts:
                layer = in_a_context(info)
            if layer is not None:
                yield layer


def _middlewares(index: Index) -> Iterator[FunctionInfo]:
    """Those that may leave something behind: they say `state`, or there are context variables."""
    in_contexts = has_context_variables(index)
    for module in index.modules.values():
        if (in_contexts or module.says(STATE)) and (module.signs is None or module.signs.surrounds):
            for info in with_those_inside(index, module):
                if (
                    in_contexts or info.name == "__call__" or STATE in info.header.mentions
                ) and is_middleware(info):
                    yield info
    for module in index.modules.values():
        if module.says(DISPATCHING):
            yield from _dispatching(index, module)


def _dispatching(index: Index, module: Module) -> Iterator[FunctionInfo]:
    """`app.add_middleware(BaseHTTPMiddleware, dispatch=with_session)`"""
    for call, scope in calls_of(index, module):
        for word in call.keywords:
            if word.name == "dispatch" and any(
                _is_its_class(index.resolve(module, one, scope)) for one in (call.function, *call.arguments)
            ):
                function = function_given(index, module, word.value, scope)
                if function is not None and function.is_async:
                    yield function


def _is_its_class(found: object) -> bool:
    if isinstance(found, ClassInfo):
        return _MIDDLEWARE in found.external_bases
    return isinstance(found, External) and found.name == _MIDDLEWARE


def found_by_middlewares(index: Index) -> frozenset[str]:
    """The names under which a middleware looks for what the rest of the way has left on the request's state.

    It has its turn before a dependency goes on behind its `yield`, from FastAPI 0.118 on.
    """
    return kept(index, "found_by_middlewares", lambda: frozenset(_found(index)))


def _found(index: Index) -> Iterator[str]:
    for info in _middlewares(index):
        if STATE in info.header.mentions:
            index.foundation.add(info)
            yield from filter(None, map(_asked_for, walk(info.body)))


def _asked_for(node: p.Node) -> str | None:
    """The name in `….state.name`, `getattr(….state, "name")`."""
    if not isinstance(node, p.Call):
        return _kept_as(node) if isinstance(node, p.Attribute) else None
    if not (isinstance(node.function, p.Name) and node.function.id == "getattr" and len(node.arguments) > 1):
        return None
    where, name = node.arguments[:2]
    is_state = isinstance(where, p.Attribute) and where.name == STATE
    return name.value if is_state and isinstance(name, p.Constant) and isinstance(name.value, str) else None


def is_middleware(info: FunctionInfo) -> bool:
    """`dispatch` of a `BaseHTTPMiddleware`, a function under `@app.middleware("http")`, or an object."""
    if not info.is_async:
        return False
    if info.owner is not None:
        return (info.name == "dispatch" and _MIDDLEWARE in info.owner.external_bases) or is_asgi(info)
    return any(
        isinstance(decorator, p.Call)
        and isinstance(decorator.function, p.Attribute)
        and decorator.function.name == "middleware"
        and len(decorator.arguments) == 1
        and isinstance(decorator.arguments[0], p.Constant)
        and decorator.arguments[0].value == "http"
        for decorator in info.header.decorators
    )


def _kept_as(node: p.Expression) -> str | None:
    """The name in `….state.name`."""
    if isinstance(node, p.Attribute) and isinstance(node.value, p.Attribute) and node.value.name == STATE:
        return node.name
    return None


def layers_that_matter(flow: Flow) -> tuple[Layer, ...]:
    """Without those that leave nothing but plain values: `request.state.started = time()`."""
    layers = layers_of(flow.index)
    if not layers or has_context_variables(flow.index):
        return layers
    return flow.remembered("starlette layers that matter", _mattering, layers)


def _mattering(flow: Flow) -> tuple[Layer, ...]:
    return tuple(one for one in layers_of(flow.index) if _matters(flow, one))


def _matters(flow: Flow, layer: Layer) -> bool:
    from asyncsqla_lint.flow.interpreter import Flow

    scout = Flow(flow.index, flow.meanings, flow.world)  # of its own: nothing is heard of what it runs
    scout.release = flow.release
    state, info = scout.start(), layer.info
    left: list[Value] | None = None

    def inside(own: State) -> list[Option]:
        nonlocal left
        request = _known(scout, own)
        record = own.record(request.oid) if isinstance(request, Reference) else None
        kept = own.record(record.state.oid) if isinstance(record, RequestRecord) else None
        left = [*(left or ()), *(kept.kept.values() if isinstance(kept, StateRecord) else ())]
        return [(own, UNKNOWN)]

    with scout.entered(Frame(scout.new_id(), info.module, None)):
        scout.guard(lambda: _surrounded_by(scout, state, (layer,), inside, info.header.name_span))
    return left is None or not all(isinstance(one, _PLAIN) for one in left) or _looks_again(info)


def _looks_again(info: FunctionInfo) -> bool:
    """At what others leave: `request.state.db = None`, and in the end `await request.state.db.commit()`."""
    given = {id(one) for node in walk(info.body) for one in targets(node)}
    return any(_asked_for(node) for node in walk(info.body) if id(node) not in given)


_PLAIN = (Constant, Symbol, Text, Unknown, UnknownCall)


def surrounded(flow: Flow, state: State, inside: Inside, at: Span) -> list[Option]:
    """Run `inside` as the handler of a request that has come through the middlewares."""
    layers = layers_that_matter(flow)

    def within(own: State) -> list[Option]:
        return caught(flow, own, keep_request(flow, own), inside, at)

    innermost = within if handlers_of(flow.index) else inside
    return _surrounded_by(flow, state, layers, innermost, at) if layers else innermost(state)


def _surrounded_by(
    flow: Flow, state: State, layers: tuple[Layer, ...], inside: Inside, at: Span
) -> list[Option]:
    request = keep_request(flow, state)
    scope = scope_of(flow, state, request.attribute(flow, state, STATE, at))

    def receiver(own: State, info: FunctionInfo, onward: Value) -> Value | None:
        return around_the_application(flow, own, info, onward)

    def given(info: FunctionInfo, onward: Value) -> tuple[Value, ...]:
        return (scope, UNKNOWN, UNKNOWN) if is_asgi(info) else (request, onward)

    return surround(flow, state, layers, given, inside, at, receiver)


# --- roots ---------------------------------------------------------------------------------------


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """An endpoint: whatever is given a request, and is no middleware itself."""
    layers, handlers = layers_of(flow.index), handlers_of(flow.index)
    if not (layers or handlers) or is_middleware(info) or any(one.info is info for one in layers):
        return False
    name = request_parameter(flow, info, "starlette", REQUESTS)
    if name is None or info in handlers.values() or not (handlers or layers_that_matter(flow)):
        return False
    Injection(flow, lambda own, value: [], info.header.name_span, within=surrounded).run(
        state, info, [Need(name, Requested(request_of))]
    )
    return True
