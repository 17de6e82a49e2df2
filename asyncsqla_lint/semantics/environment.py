"""Readers of the environment and of settings files: they give the default that is named here, or another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Value, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# A call gives the setting: its name, the default, and what the text is cast to.
FUNCTIONS = ("decouple.config", "os.environ.setdefault", "os.environ.pop")
# Their instances are called, or a method of theirs is.
READERS = (
    "decouple.AutoConfig",
    "decouple.Config",
    "dynaconf.Dynaconf",
    "dynaconf.LazySettings",
    "environ.Env",
    "environs.Env",
    "environs.FileAwareEnv",
    "starlette.config.Config",
)
METHODS = frozenset(("str", "url", "get", "get_value", "__call__"))


class Reader(Value, frozen=True):
    """`environs.Env()` and its like."""

    casts_second: bool = False  # starlette's `config(key, cast, default)`

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name) if name in METHODS else UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        default, cast = (2, 1) if self.casts_second else (1, 2)
        given = arguments.get(default, "default")
        return _read(flow, state, arguments, given, arguments.get(cast, "cast"), at)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in ("get", "get_value", "__call__"):
            return self.call(flow, state, arguments, at)
        return _read(flow, state, arguments, arguments.get(1, "default"), None, at)


def register(meanings: Meanings) -> None:
    reader, starlette = Reader(), Reader(casts_second=True)
    for name in FUNCTIONS:
        meanings.calls.setdefault(name, reader.call)
    for name in READERS:
        _reader(meanings, name, starlette if name == "starlette.config.Config" else reader)
    meanings.values.setdefault("environs.env", reader)


def _reader(meanings: Meanings, name: str, reader: Reader) -> None:
    meanings.calls.setdefault(name, lambda flow, state, arguments, at: reader)
    meanings.instances.setdefault(name, lambda flow, state, arguments, at: reader)


def _read(
    flow: Flow, state: State, arguments: Arguments, default: Value | None, cast: Value | None, at: Span
) -> Value:
    if default is None or arguments.more is not None:
        return UNKNOWN
    if cast is not None and cast is not UNKNOWN:
        default = cast.call(flow, state, Arguments((default,)), at)
    return union((default, UNKNOWN))
