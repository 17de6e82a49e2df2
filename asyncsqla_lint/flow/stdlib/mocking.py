"""`unittest.mock`, and pytest's `monkeypatch`: what a test has replaced stays so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, ModuleValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Method, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
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
    meanings.calls["unittest.mock.patch"] = _patch
    meanings.calls["unittest.mock.patch.object"] = _patch_object
    for name in ("pytest.MonkeyPatch", "_pytest.monkeypatch.MonkeyPatch"):
        meanings.instances[name] = lambda flow, state, arguments, at: MONKEYPATCH


class Place(Value, frozen=True):
    """An attribute, and what stands there while the block runs."""

    owner: Value
    name: str
    value: Value

    def truth(self, state: State) -> bool | None:
        return True

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.owner, self.value)

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name) if name in ("start", "stop") else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return self.enter(flow, state, at, False) if name == "start" else self._left(flow, state)

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        put(flow, state, self.owner, self.name, self.value, at)
        return self.value

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        self._left(flow, state)
        return False

    def _left(self, flow: Flow, state: State) -> Value:
        frame = _frame(flow, self.owner)
        if frame is not None:
            state.unassign(frame.id, self.name)
        return NONE


def put(flow: Flow, state: State, owner: Value, name: str, value: Value, at: Span) -> None:
    """In a module or a class; a test that has replaced something of an object goes on with it itself."""
    frame = _frame(flow, owner)
    if frame is not None:
        owner.set_attribute(flow, state, name, value, at)
        state.assign(frame.id, name, value)


def _frame(flow: Flow, owner: Value) -> Frame | None:
    """Where what a path has put there is kept."""
    if isinstance(owner, ModuleValue):
        return flow.scopes.module_frame(owner.module)
    return flow.scopes.class_frame(owner.info) if isinstance(owner, ClassValue) else None


def _patch(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`patch("shop.mail.send")`"""
    return _place(flow, state, _named(flow, state, arguments.get(0, "target"), at), arguments, 1, at)


def _patch_object(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`patch.object(mail, "send")`"""
    target, name = arguments.get(0, "target"), _text(arguments.get(1, "attribute"))
    found = None if target is None or name is None else (target, name)
    return _place(flow, state, found, arguments, 2, at)


def _place(
    flow: Flow, state: State, found: tuple[Value, str] | None, arguments: Arguments, new: int, at: Span
) -> Value:
    unknown = flow.call_unknown(state, UNKNOWN, arguments, at)
    return unknown if found is None else Place(*found, arguments.get(new, "new") or MOCK)


def _named(flow: Flow, state: State, target: Value | None, at: Span) -> tuple[Value, str] | None:
    """`"shop.mail.send"` is an attribute of a module of the project, or of something in one."""
    parts = (_text(target) or "").split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = flow.index.module(".".join(parts[:count]), flow.frame.module)
        if module is not None:
            owner: Value = ModuleValue(module)
            for name in parts[count:-1]:
                owner = owner.attribute(flow, state, name, at)
            return owner, parts[-1]
    return None


def _text(value: Value | None) -> str | None:
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


class MonkeyPatch(Value, frozen=True):
    """What it has replaced stays so to the end of the test."""

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "context":
            return self
        given = arguments.positional
        if name == "setattr" and len(given) == 2:
            found = _named(flow, state, given[0], at)
            if found is not None:
                put(flow, state, *found, given[1], at)
        elif name == "setattr" and len(given) > 2 and (attribute := _text(given[1])) is not None:
            put(flow, state, given[0], attribute, given[2], at)
        flow.call_unknown(state, UNKNOWN, arguments, at)
        return NONE


MONKEYPATCH = MonkeyPatch()
