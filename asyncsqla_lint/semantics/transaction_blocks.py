"""Transactions: `begin()`, `begin_nested()` and `async_sessionmaker.begin()`, entered, awaited, left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Method,
    Reference,
    Value,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import (
    blocking,
    expiry,
    failures,
    ledger,
    unit_of_work,
)
from asyncsqla_lint.semantics.sessions import SessionRecord, leave_block, perform
from asyncsqla_lint.semantics.transactions import BLOCK

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class TransactionRecord(Record, frozen=True):
    """`session.begin()`, `session.begin_nested()`, `async_sessionmaker.begin()`."""

    session: Reference
    site: Site
    is_nested: bool = False
    owns_session: bool = False  # `Session.begin()`: the block closes the session too
    is_done: bool = False
    is_plain: bool = False  # of the plain Session under an AsyncSession

    def joined(self, other: Record) -> Record:
        same = isinstance(other, TransactionRecord) and other.session == self.session
        return self if same else FORGOTTEN

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return self.session if name == "session" else Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        session = state.record(self.session.oid)
        if isinstance(session, SessionRecord) and session.is_async and not self.is_plain:
            return flow.allocate_watched(state, CoroutineRecord(Method(me, name), arguments, flow.site(at)))
        return self.await_method(flow, state, me, name, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "start":
            return me
        if name in ("commit", "rollback", "close"):
            state.put(me, replace(self, is_done=True))
            unit_of_work.end(flow, state, self.session, name, self.is_nested, at)
            return NONE
        return UNKNOWN

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        unit_of_work.begin(flow, state, self.session, self.is_nested, at)
        return me

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        unit_of_work.begin(flow, state, self.session, self.is_nested, at)
        session = state.record(self.session.oid)
        if isinstance(session, SessionRecord) and not self.is_nested:
            state.put(self.session, replace(session, begun=BLOCK))
        if self.owns_session:
            ledger.entered(state, self.session)
        return self.session if self.owns_session else me

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        current = state.record(me.oid)
        done = isinstance(current, TransactionRecord) and current.is_done
        before = state.record(self.session.oid)
        if isinstance(before, SessionRecord) and not done and not raised and not before.is_async:
            if any(True for _ in expiry.held(state, self.session)):
                blocking.session_used(flow, state, self.session, before, "commit", at)
        if not done:
            if self.is_nested and isinstance(before, SessionRecord):
                # The flush that failed in it has rolled the savepoint back; then the block only closes it.
                state.put(self.session, replace(before, failure=failures.over(before.failure)))
            unit_of_work.end(
                flow, state, self.session, "rollback" if raised else "commit", self.is_nested, at, block=True
            )
        session = state.record(self.session.oid)
        if isinstance(session, SessionRecord) and not self.is_nested:
            state.put(self.session, replace(session, begun=""))
            if not flow.muted:  # committed inside of it or not: an exception there gives the connection back
                ledger.book(flow).guarded.add(session.site)
        if self.owns_session:
            leave_block(flow, state, self.session, at, raised)
            perform(flow, state, self.session, "close", Arguments(), at)
        return False

    def refers_to(self) -> tuple[Value, ...]:
        return (self.session,)
