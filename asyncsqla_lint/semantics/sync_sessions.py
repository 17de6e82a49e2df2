"""The plain Session under an AsyncSession: what `run_sync` hands out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Method,
    Reference,
    Value,
)
from asyncsqla_lint.knowledge.api import api
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import flushing, greenlets, legacy_query
from asyncsqla_lint.semantics.blocking import ASKING
from asyncsqla_lint.semantics.sessions import SessionRecord, perform
from asyncsqla_lint.semantics.transaction_blocks import TransactionRecord
from asyncsqla_lint.semantics.transactions import FROM_MEMORY, holds_some

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


_FLUSHES = frozenset(("flush", "commit"))  # it asks the database if something waits to be written


class SyncSession(Value, frozen=True):
    """The plain Session under an AsyncSession, as `run_sync` hands it out."""

    session: Reference

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "no_autoflush":
            return Quiet(self.session)
        known = api(flow.release).method("Session", name)
        return UNKNOWN if known is None or known.kind == "property" else Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in ("begin", "begin_nested"):
            return flow.allocate(
                state,
                TransactionRecord(
                    self.session, flow.site(at), is_nested=name == "begin_nested", is_plain=True
                ),
            )
        if name == "query":
            return legacy_query.query(flow, self.session, arguments, at)
        if (
            name in ASKING
            or (name in _FLUSHES and flushing.has_waiting(state, self.session))
            or (name in FROM_MEMORY and self._is_fresh(state))
        ):
            greenlets.needed(flow, state, f"Session.{name}", "AsyncSession", at)
        return perform(flow, state, self.session, name, arguments, at)

    def _is_fresh(self, state: State) -> bool:
        """Nobody has given it an instance that a `get()` could find."""
        record = state.record(self.session.oid)
        is_own = isinstance(record, SessionRecord) and record.how != "parameter"
        return is_own and not holds_some(state, self.session)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.session,)


class Quiet(Value, frozen=True):
    """`with session.no_autoflush:`."""

    session: Reference

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        record = state.record(self.session.oid)
        if isinstance(record, SessionRecord):
            state.put(self.session, replace(record, autoflush=False))
        return self.session

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool:
        record = state.record(self.session.oid)
        if isinstance(record, SessionRecord):
            state.put(self.session, replace(record, autoflush=True))
        return False
