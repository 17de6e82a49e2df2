"""aiogram: handlers are called with what middlewares and filters have put into the update's data, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.frames import PathEnds
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    FALSE,
    NONE,
    UNKNOWN,
    Arguments,
    Reference,
    Symbol,
    Value,
    alternatives,
    join,
)
from asyncsqla_lint.frameworks.handing import Handing, handed_to
from asyncsqla_lint.frameworks.injection import Injection, Inside, Need, parameters_of
from asyncsqla_lint.frameworks.middlewares import Layer, in_order, layer_of, surround
from asyncsqla_lint.frameworks.owners import method_of
from asyncsqla_lint.frameworks.validation import evaluated
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Scoped
from asyncsqla_lint.semantics import application_state
from asyncsqla_lint.semantics.application_state import KeyedApplication, with_those_inside

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

_BASES = (
    "aiogram.BaseMiddleware",
    "aiogram.dispatcher.middlewares.base.BaseMiddleware",
)
_ITSELF = ("workflow_data", "dispatcher", "bot")
_TAKING = ("start_polling", "run_polling")
_REGISTERS = ("middleware", "outer_middleware")
_MIDDLEWARE_PARAMETERS = 3  # handler, event, data


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)
    for name in ("aiogram.Dispatcher", "aiogram.Bot"):
        meanings.calls[name] = _application
        meanings.instances[name] = lambda flow, state, arguments, at: DISPATCHER
    for name in ("Message", "CallbackQuery", "InlineQuery"):
        meanings.instances[f"aiogram.types.{name}"] = lambda flow, state, arguments, at: Event(at)


class Dispatcher(KeyedApplication, frozen=True):
    """The dispatcher, and the bot with it: `Dispatcher(sessions=…)`, `start_polling(sessions=…)`."""

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return self if name in _ITSELF else super().attribute(flow, state, name, at)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in _TAKING:
            self.take(flow, state, arguments, at)
        return super().call_method(flow, state, name, arguments, at)


DISPATCHER = Dispatcher()


class Event(Value, frozen=True):
    """What a handler is called with: it knows the bot, which was a mapping until aiogram 3."""

    is_leaf: ClassVar[bool] = True
    given_at: Span

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return DISPATCHER if name == "bot" else Symbol(f"event {self.given_at}.{name}")


def _application(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    DISPATCHER.take(flow, state, arguments, at)
    return DISPATCHER


# --- middlewares ---------------------------------------------------------------------------------


def layers_of(index: Index) -> tuple[Layer, ...]:
    """The project's middlewares that put something into the data."""
    return kept(
        index,
        "aiogram_layers",
        lambda: in_order(
            [
                layer
                for module in index.modules.values()
                if module.says("__call__", *_REGISTERS)
                for info in with_those_inside(index, module)
                if is_middleware(info)
                for layer in [layer_of(info, _entry_of(info))]
                if layer is not None
            ]
        ),
    )


def is_middleware(info: FunctionInfo) -> bool:
    if not info.is_async:
        return False
    if info.owner is not None:
        return (
            info.name == "__call__"
            and len(info.header.parameters) > _MIDDLEWARE_PARAMETERS
            and any(name in _BASES for name in info.owner.external_bases)
        )
    return len(info.header.parameters) >= _MIDDLEWARE_PARAMETERS and any(
        isinstance(symbol, External)
        and symbol.name.startswith("aiogram.")
        and symbol.name.rpartition(".")[2] in _REGISTERS
        for symbol in info.decorators
    )


class _Entries:
    """The key in `data["key"]`."""

    def __init__(self, data: str) -> None:
        self.data = data

    def __call__(self, node: p.Expression) -> str | None:
        if isinstance(node, p.Subscript) and isinstance(node.value, p.Name) and node.value.id == self.data:
            if isinstance(node.index, p.Constant) and isinstance(node.index.value, str):
                return node.index.value
        return None


def _entry_of(info: FunctionInfo) -> _Entries:
    position = _MIDDLEWARE_PARAMETERS - (info.owner is None)
    return _Entries(info.header.parameters[position].name)


# --- handlers ------------------------------------------------------------------------------------


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    handler = _decorated(info) or _registered(flow.index, info)
    if handler is None:
        return False
    data = flow.allocate(state, DictRecord({}, UNKNOWN))
    scope = info.parent or info.owner
    needs = [
        Need(f"<filter {number}>", Filtered(where, data)) for number, where in enumerate(handler.filters)
    ]
    for parameter in info.header.parameters[1:]:
        type_ = None
        if parameter.annotation is not None:
            type_ = flow.index.type(Scoped(parameter.annotation, info.module, scope))
        needs.append(Need(parameter.name, Entry(data, parameter.name), type_=type_))

    def within(flow: Flow, own: State, inside: Inside, at: Span) -> list[Option]:
        layers = layers_of(flow.index)
        return surround(flow, own, layers, lambda info, onward: (onward, UNKNOWN, data), inside, at)

    Injection(flow, lambda own, value: [], info.header.name_span, within=within).run(state, info, needs)
    return True


class Handler(Struct, frozen=True):
    """A function of the project that updates reach through filters."""

    filters: tuple[Scoped, ...]


def _decorated(info: FunctionInfo) -> Handler | None:
    """`@router.message(Command("start"))`."""
    if not info.is_async or info.owner is not None:
        return None
    for expression, symbol in zip(info.header.decorators, info.decorators, strict=True):
        if isinstance(expression, p.Call) and isinstance(symbol, External) and _is_observer(symbol.name):
            scope = info.parent or info.owner
            return Handler(tuple(Scoped(node, info.module, scope) for node in expression.arguments))
    return None


def _is_observer(name: str) -> bool:
    return name.startswith("aiogram.") and name.rpartition(".")[2] not in _REGISTERS


def _registered(index: Index, info: FunctionInfo) -> Handler | None:
    """`dispatcher.message.register(start, Command("start"))`, wherever that is done."""
    found = handed_to(index, "register").get(info)
    if found is None or not info.is_async or not _observes(index, found):
        return None
    return Handler(tuple(found.at(node) for node in found.call.arguments[1:]))


def _observes(index: Index, found: Handing) -> bool:
    name = method_of(index, found.module, found.call.function, found.scope)
    return name is not None and _is_observer(name)


class Entry(Value, frozen=True):
    """Provides what stands in the data under a name."""

    data: Reference
    name: str

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        record = state.record(self.data.oid)
        found = record.entries.get(self.name) if isinstance(record, DictRecord) else None
        return found if found is not None else application_state.kept(flow, f"[{self.name}]")


class Filtered(Value, frozen=True):
    """Asks a filter; what it answers with, if that is a dict, goes into the data."""

    where: Scoped
    data: Reference

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        function = evaluated(flow, state, self.where)
        if function is UNKNOWN or isinstance(function, ExternalValue):
            return NONE
        info, parameters = parameters_of(state, function)
        if info is None:
            return NONE
        names = [one.name for one in parameters[1:]]
        given = {name: Entry(self.data, name).call(flow, state, arguments, at) for name in names}
        answer = function.call(flow, state, Arguments((UNKNOWN,), given), at)
        if info.is_async:
            answer = answer.awaited(flow, state, at)
        if answer in (FALSE, NONE):
            raise PathEnds(None)  # then another handler has its turn
        for one in alternatives(answer):
            found = state.record(one.oid) if isinstance(one, Reference) else None
            if isinstance(found, DictRecord):
                self._keep(state, found)
        return NONE

    def _keep(self, state: State, found: DictRecord) -> None:
        record = state.record(self.data.oid)
        if isinstance(record, DictRecord):
            entries = dict(record.entries)
            for name, value in found.entries.items():
                entries[name] = join(entries[name], value) if name in entries else value
            state.put(self.data, DictRecord(entries, record.other, record.other_key))
