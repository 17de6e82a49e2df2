"""`unittest.mock`: a mock is an object, whatever else it plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import Arguments, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

MAKERS = ("Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock", "create_autospec")


class Mock(Value, frozen=True):
    """What it answers its test has told it; no annotation promises more of it."""

    def truth(self, state: State) -> bool | None:
        return True


MOCK = Mock()


def _mock(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if flow.watched:
        state.let_out(arguments.all())  # `Mock(return_value=engine)`: whoever calls it has it in hand
    return MOCK


def register(meanings: Meanings) -> None:
    for name in MAKERS:
        meanings.calls[f"unittest.mock.{name}"] = _mock
