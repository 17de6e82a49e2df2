"""aiohttp: what an application keeps under a key, each request finds there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Symbol, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.application_state import APPLICATION, AppKey

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_MODULES = ("aiohttp.web", "aiohttp.web_app", "aiohttp.web_request", "aiohttp.helpers")


def register(meanings: Meanings) -> None:
    for module in _MODULES:
        meanings.origins.update((f"{module}.Application", f"{module}.Request"))
        meanings.calls[f"{module}.Application"] = lambda flow, state, arguments, at: APPLICATION
        meanings.instances[f"{module}.Application"] = lambda flow, state, arguments, at: APPLICATION
        meanings.instances[f"{module}.Request"] = lambda flow, state, arguments, at: REQUEST
        meanings.calls[f"{module}.AppKey"] = _key


class Request(Value, frozen=True):
    is_leaf: ClassVar[bool] = True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return APPLICATION if name in ("app", "config_dict") else Symbol(f"request.{name}")


REQUEST = Request()


def _key(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    name = arguments.get(0, "name")
    if isinstance(name, Constant) and isinstance(name.value, str):
        return AppKey(name.value)
    return UNKNOWN
