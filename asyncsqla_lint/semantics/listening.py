"""`sqlalchemy.event`: on what one listens, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Value, alternatives
from asyncsqla_lint.knowledge.api import api
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.api_use import class_name

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_CLASSES = {
    f"{module}.{name}": name
    for module in ("sqlalchemy.ext.asyncio",)
    for name in (
        "AsyncEngine",
        "AsyncConnection",
        "AsyncSession",
        "async_sessionmaker",
        "async_scoped_session",
    )
}


class ListenerMisplaced(Event):
    """`event.listen` on what has no events (`raises` is what happens), or with a coroutine function."""

    target: str
    is_class: bool
    raises: str
    listener: str  # the coroutine function; "" when it is the target that is wrong


class Listening(Value, frozen=True):
    """`event.listens_for(target, name)`, waiting for its function."""

    is_target_right: bool

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        function = arguments.positional[0] if arguments.positional else UNKNOWN
        if self.is_target_right:
            _check_listener(flow, function, at)
        return function


def register(meanings: Meanings) -> None:
    meanings.calls["sqlalchemy.event.listen"] = _listen
    meanings.calls["sqlalchemy.event.listens_for"] = _listens_for


def _listen(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if _check_target(flow, state, arguments.get(0, "target"), at):
        _check_listener(flow, arguments.get(2, "fn") or UNKNOWN, at)
    return NONE


def _listens_for(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Listening(_check_target(flow, state, arguments.get(0, "target"), at))


def _check_target(flow: Flow, state: State, target: Value | None, at: Span) -> bool:
    is_right = True
    for one in () if target is None else alternatives(target):
        name, is_class = class_name(state, one), False
        if isinstance(one, ExternalValue) and one.name in _CLASSES:
            name, is_class = _CLASSES[one.name], True
        elif isinstance(one, ClassValue):
            name = next((short for full, short in _CLASSES.items() if one.info.is_subclass_of(full)), None)
            is_class = True
        row = None if name is None else api(flow.release).events.get(name)
        if row is None or name is None:
            continue
        raises = row.class_ if is_class else row.instance
        if raises != "ok":
            is_right = False
            if flow.listens(ListenerMisplaced):
                flow.emit(
                    ListenerMisplaced(flow.site(at), flow.frame, flow.is_certain, name, is_class, raises, "")
                )
    return is_right


def _check_listener(flow: Flow, function: Value, at: Span) -> None:
    for one in alternatives(function):
        if isinstance(one, FunctionValue) and one.info.is_async and flow.listens(ListenerMisplaced):
            flow.emit(
                ListenerMisplaced(flow.site(at), flow.frame, flow.is_certain, "", False, "", one.info.name)
            )
