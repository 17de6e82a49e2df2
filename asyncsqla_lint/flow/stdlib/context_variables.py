"""`contextvars.ContextVar`: what was set on this path is what is got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Method,
    Reference,
    Value,
    alternatives,
    join,
    union,
)
from asyncsqla_lint.program import Span, Subscript
from asyncsqla_lint.project.names import Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class ContextVariableRecord(Record, frozen=True):
    value: Value | None = None
    default: Value | None = None
    written: Scoped | None = (
        None  # `ContextVar[AsyncSession | None]`: what the caller has set is one of these
    )
    is_assumed: bool = False  # the caller may as well have set nothing

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ContextVariableRecord):
            return FORGOTTEN
        assumed = self.is_assumed or other.is_assumed
        if self.value is None or other.value is None:
            return replace(self, value=self.value or other.value, is_assumed=assumed)
        return replace(self, value=join(self.value, other.value), is_assumed=assumed)

    def annotated(self, where: Scoped) -> Record:
        return replace(self, written=where)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "set" and arguments.positional:
            state.put(me, replace(self, value=arguments.positional[0], is_assumed=False))
            return Token(self)
        if name == "reset":
            token = arguments.get(0, "token")
            before = token.before if isinstance(token, Token) else None
            state.put(me, before or replace(self, value=None))
            return NONE
        if name == "get":
            fallback = arguments.get(0, "default") or self.default or UNKNOWN
            held = self._promised(flow, state, at) if self.value is None else self.value
            if held is not UNKNOWN:
                several = alternatives(held)
                perhaps = self.is_assumed or (self.value is None and NONE in several)
                return flow.choose(state, [self._holding(state, me, one, perhaps) for one in several])
            if self.value is None and fallback != NONE:  # whoever calls may have set it
                return union((fallback, UNKNOWN))
            return fallback if self.value is None else UNKNOWN
        return UNKNOWN

    def _holding(self, state: State, me: Reference, value: Value, is_assumed: bool) -> tuple[State, Value]:
        """On this path the caller has set this: whoever asks again gets the same."""
        own = state.copy()
        own.put(me, replace(self, value=value, is_assumed=is_assumed))
        return own, value

    def _promised(self, flow: Flow, state: State, at: Span) -> Value:
        arguments = () if self.written is None else flow.index.type(self.written).arguments
        return flow.types.of_type(state, arguments[0], at) if arguments else UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(value for value in (self.value, self.default) if value is not None)


def is_assumed(state: State, value: Value) -> bool:
    """Is it what callers may have set, or else nothing? Code that asks for it copes with both."""
    records = (record for _, record in state.records(ContextVariableRecord))
    return any(
        one.is_assumed and one.value is not None and value in alternatives(one.value) for one in records
    )


class Token(Value, frozen=True):
    before: ContextVariableRecord | None = None


def register(meanings: Meanings) -> None:
    @meanings.defines("contextvars.ContextVar")
    def variable(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        node, written = flow.calling, None
        if node is not None and node.span == at and isinstance(node.function, Subscript):
            written = Scoped(node.function, flow.frame.module, flow.frame.function or flow.frame.owner)
        return flow.allocate(state, ContextVariableRecord(None, arguments.keywords.get("default"), written))
