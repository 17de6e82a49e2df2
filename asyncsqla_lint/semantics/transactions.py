"""Transactions: failed ones that nobody rolls back, a `begin()` too many, blocks that outlive theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import failures
from asyncsqla_lint.semantics.events import FailedSessionUsed, TransactionMisused
from asyncsqla_lint.semantics.ledger import AT_ONCE, CLEANS_UP, ledger

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord

# Methods that leave the transaction as it is, or need none.
IDLE = AT_ONCE | CLEANS_UP | {"run_sync", "connection"}
# These wait for nothing, and begin a transaction all the same.
BEGINS = frozenset({"add", "add_all"})


def used(
    flow: Flow, state: State, session: Reference, record: SessionRecord, method: str, at: Span
) -> SessionRecord:
    """One of the session's methods runs. Gives the record as it is then: one mistake is one finding."""
    from asyncsqla_lint.semantics.sessions import BLOCK, ENDED

    if not record.is_async:
        return record
    changed = record
    if method not in IDLE:
        if record.failure is not None:
            if record.failure.is_waiting and flow.listens(FailedSessionUsed):
                certain = flow.is_certain and not record.failure.is_doubtful
                flow.emit(
                    FailedSessionUsed(
                        flow.site(at), flow.frame, certain, session, record, method, record.failure
                    )
                )
            changed = replace(changed, failure=None)
    if record.begun == ENDED and (method not in IDLE or method in BEGINS):
        _misused(flow, session, record, method, "ended", at)
        changed = replace(changed, begun="")
    if method == "rollback":
        changed = replace(changed, failure=failures.over(changed.failure))
    if method in ("commit", "rollback") and record.begun == BLOCK:
        changed = replace(changed, begun=ENDED)
    if changed is not record:
        state.put(session, changed)
    return changed


def begun_twice(flow: Flow, session: Reference, record: SessionRecord, at: Span) -> None:
    _misused(flow, session, record, "begin", "begun", at)


def connection_begun(
    flow: Flow, state: State, connection: Reference, record: ConnectionRecord, at: Span
) -> None:
    """A connection begins a transaction with its first statement, as a session does."""
    page = ledger(state, connection)
    if page.holds and not page.is_doubtful:
        _misused(flow, connection, record, "begin", "begun", at)


def _misused(
    flow: Flow,
    session: Reference,
    record: SessionRecord | ConnectionRecord,
    method: str,
    cause: str,
    at: Span,
) -> None:
    if flow.listens(TransactionMisused):
        flow.emit(
            TransactionMisused(flow.site(at), flow.frame, flow.is_certain, session, record, method, cause)
        )
