"""aiohttp: applications and requests keep things as items; middlewares stand around handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, Reference, Symbol, Value, join
from asyncsqla_lint.frameworks.injection import Injection, Inside, Need
from asyncsqla_lint.frameworks.middlewares import Layer, in_order, layer_of, surround
from asyncsqla_lint.frameworks.requests import Requested, request_parameter
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.semantics.application_state import APPLICATION, AppKey, key_name

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

REQUESTS = ("aiohttp.web.Request", "aiohttp.web_request.Request", "aiohttp.web.BaseRequest")
_VIEWS = ("aiohttp.web.View", "aiohttp.web_urldispatcher.View")
_MIDDLEWARES = ("aiohttp.web.middleware", "aiohttp.web_middlewares.middleware")
_MODULES = ("aiohttp.web", "aiohttp.web_app", "aiohttp.helpers")


def register(meanings: Meanings) -> None:
    for name in REQUESTS:
        meanings.instances[name] = lambda flow, state, arguments, at: request_of(flow, state)
    for module in _MODULES:
        meanings.calls[f"{module}.Application"] = lambda flow, state, arguments, at: APPLICATION
        meanings.instances[f"{module}.Application"] = lambda flow, state, arguments, at: APPLICATION
        for kind in ("AppKey", "RequestKey"):
            meanings.calls[f"{module}.{kind}"] = _key
        meanings.calls[f"{module}.json_response"] = _answered
    meanings.when_inherited.append(_of_a_view)
    meanings.view_classes.update(_VIEWS)
    meanings.when_run.append(_run)


def _key(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    name = arguments.get(0, "name")
    if isinstance(name, Constant) and isinstance(name.value, str):
        return AppKey(name.value, arguments.get(1, "t") or UNKNOWN)
    return UNKNOWN


def _answered(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`json_response(rows, dumps=dump)`: the data is written when the response is made."""
    dump = arguments.keywords.get("dumps")
    data = arguments.get(0, "data")
    if dump is not None and data is not None:
        dump.call(flow, state, Arguments((data,)), at)
    return flow.call_unknown(state, UNKNOWN, arguments, at)


class RequestRecord(Record, frozen=True):
    kept: dict[str, Value] = {}

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        if name in ("app", "config_dict"):
            return APPLICATION
        return Method(me, name) if name == "get" else Symbol(f"request.{name}")

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return self.item(flow, state, me, arguments.first, at)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        found = self.kept.get(key_name(key) or "", UNKNOWN)
        return key.promised(flow, state, at) if found is UNKNOWN and isinstance(key, AppKey) else found

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        name = key_name(key)
        if name is not None:
            state.put(me, replace(self, kept={**self.kept, name: value}))

    def joined(self, other: Record) -> Record:
        """What is read was kept, on whichever path."""
        if not isinstance(other, RequestRecord):
            return FORGOTTEN
        both = self.kept.keys() & other.kept.keys()
        either = {name: join(self.kept[name], other.kept[name]) for name in both}
        return RequestRecord({**self.kept, **other.kept, **either})

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(self.kept.values())


def request_of(flow: Flow, state: State) -> Value:
    """The request that this root answers: there is one, whoever asks for it."""
    known = flow.notes.get(_NOTE)
    if isinstance(known, Reference) and known.oid in state.heap:
        return known
    return flow.allocate(state, RequestRecord())


_NOTE = "aiohttp request"


def _of_a_view(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    """`self.request` of a view."""
    if name == "request" and is_view(cls):
        return request_of(flow, state)
    return None


def is_view(cls: ClassValue) -> bool:
    return any(name in _VIEWS for name in cls.info.external_bases)


# --- middlewares ---------------------------------------------------------------------------------


def layers_of(index: Index) -> tuple[Layer, ...]:
    """The project's middlewares that keep something on the request."""
    return kept(
        index,
        "aiohttp_layers",
        lambda: in_order(
            [
                layer
                for module in index.modules.values()
                if module.says("aiohttp") and module.says("middleware")
                for info in index.functions_of(module)
                if is_middleware(info)
                for layer in [layer_of(info, _Items(info.header.parameters[-2].name))]
                if layer is not None
            ]
        ),
    )


def is_middleware(info: FunctionInfo) -> bool:
    return info.is_async and len(info.header.parameters) > 1 and info.decorated_by(*_MIDDLEWARES)


class _Items:
    """The key in `request["key"]`, `request[KEY]`."""

    def __init__(self, request: str) -> None:
        self.request = request

    def __call__(self, node: p.Expression) -> str | None:
        if not isinstance(node, p.Subscript) or not isinstance(node.value, p.Name):
            return None
        if node.value.id != self.request:
            return None
        index = node.index
        if isinstance(index, p.Constant):
            return str(index.value)
        return index.id if isinstance(index, p.Name) else None


def _surrounded(flow: Flow, state: State, inside: Inside, at: Span) -> list[Option]:
    request = request_of(flow, state)
    flow.notes[_NOTE] = request
    return surround(flow, state, layers_of(flow.index), lambda info, onward: (request, onward), inside, at)


# --- roots ---------------------------------------------------------------------------------------


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """Handlers, the methods of views among them."""
    if is_middleware(info):
        return False
    name = request_parameter(flow, info, "aiohttp", REQUESTS)
    if name is None and (info.owner is None or not is_view(ClassValue(info.owner))):
        return False
    given = [] if name is None else [Need(name, Requested(request_of))]
    Injection(flow, lambda own, value: [], info.header.name_span, within=_surrounded).run(state, info, given)
    return True
