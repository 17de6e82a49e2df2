"""`contextvars.ContextVar`: what was set on this path is what is got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.state import FORGOTTEN, Record, State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Method, Reference, Value, join, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class ContextVariableRecord(Record, frozen=True):
    value: Value | None = None
    default: Value | None = None

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ContextVariableRecord):
            return FORGOTTEN
        if self.value is None or other.value is None:
            return ContextVariableRecord(self.value or other.value, self.default)
        return ContextVariableRecord(join(self.value, other.value), self.default)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "set" and arguments.positional:
            state.put(me, ContextVariableRecord(arguments.positional[0], self.default))
            return Token(self.value)
        if name == "reset":
            token = arguments.get(0, "token")
            before = token.before if isinstance(token, Token) else None
            state.put(me, ContextVariableRecord(before, self.default))
            return NONE
        if name == "get":
            fallback = arguments.get(0, "default") or self.default or UNKNOWN
            if self.value is None and fallback != NONE:  # whoever calls may have set it
                return union((fallback, UNKNOWN))
            return self.value or fallback
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(value for value in (self.value, self.default) if value is not None)


class Token(Value, frozen=True):
    before: Value | None = None


def register(meanings: Meanings) -> None:
    @meanings.defines("contextvars.ContextVar")
    def variable(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.allocate(state, ContextVariableRecord(None, arguments.keywords.get("default")))
