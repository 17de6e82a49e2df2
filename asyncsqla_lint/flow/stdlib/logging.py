"""Loggers: their methods format what they are given, so they read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.strings import percent_formatted
from asyncsqla_lint.flow.values import NONE, Arguments, Method, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

WRITES = frozenset("debug info warning warn error exception critical log fatal trace success".split())
GETTERS = ("logging.getLogger", "structlog.get_logger", "structlog.getLogger", "structlog.stdlib.get_logger")


class Logger(Value, frozen=True):
    is_leaf: ClassVar[bool] = True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in WRITES:
            percent_formatted(flow, state, arguments.first, arguments.positional[1:], at)
            for value in (*arguments.positional[:1], *arguments.keywords.values()):
                value.formatted(flow, state, at)
            return NONE
        return self  # bind, getChild, opt …


def register(meanings: Meanings) -> None:
    for name in GETTERS:
        meanings.calls[name] = lambda *_: Logger()
    for name in ("loguru.logger",):
        meanings.values[name] = Logger()
    for name in WRITES:
        meanings.calls[f"logging.{name}"] = lambda flow, state, arguments, at, name=name: (
            Logger().call_method(  # type: ignore[misc]
                flow, state, name, arguments, at
            )
        )
    for name in ("logging.Logger", "structlog.stdlib.BoundLogger"):
        meanings.instances[name] = lambda *_: Logger()
