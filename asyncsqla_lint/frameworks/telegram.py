"""python-telegram-bot: the application's `bot_data` is a mapping, which callbacks have as their context's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.application_state import APPLICATION

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_HOLDERS = ("Application", "CallbackContext", "ContextTypes.DEFAULT_TYPE")


def register(meanings: Meanings) -> None:
    for name in _HOLDERS:
        meanings.instances[f"telegram.ext.{name}"] = lambda flow, state, arguments, at: Holder()


class Holder(Value, frozen=True):
    """The application, or the context of one of its callbacks."""

    is_leaf: ClassVar[bool] = True

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "bot_data":
            return APPLICATION
        return self if name == "application" else UNKNOWN
