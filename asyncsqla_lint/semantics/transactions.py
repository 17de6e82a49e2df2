"""Transactions: failed ones that nobody rolls back, a `begin()` too many, blocks that outlive theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.trying import may_catch
from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import calls, last_name, statements, walk
from asyncsqla_lint.semantics import aborted, expiry, failures, testing
from asyncsqla_lint.semantics.events import FailedSessionUsed, TransactionMisused
from asyncsqla_lint.semantics.instances import PENDING
from asyncsqla_lint.semantics.ledger import AT_ONCE, CLEANS_UP, ENTERING, ledger

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord

BLOCK, ENDED = "block", "ended"  # in a transaction's `with`; and when its transaction is over already


def begun(mine: str, theirs: str) -> str:
    """Where paths meet."""
    return mine if mine == theirs else ENDED if ENDED in (mine, theirs) else ""


# Methods that leave the transaction as it is, or need none.
IDLE = AT_ONCE | CLEANS_UP | ENTERING | {"run_sync", "connection"}
# These wait for nothing, and begin a transaction all the same.
BEGINS = frozenset({"add", "add_all"})


def _is_only_tried_out(flow: Flow, failure: failures.Failure) -> bool:
    """A test's session often stands in for one that each call opens for itself. Whether a handler of the code
    that is tried out may go on is for those to say who call it in earnest."""
    test = testing.test_of(flow.frame) or flow.notes.get("root")
    if not isinstance(test, FunctionInfo) or not testing.is_test(test):
        return False
    return (failure.handled_at or failure.site).module is not test.module


REFUSED = ExternalValue("sqlalchemy.exc.PendingRollbackError")


def _is_tried(flow: Flow, state: State, session: Reference, failure: failures.Failure, at: Span) -> bool:
    """A commit in a `try` of its own, whose handler rolls back and goes on, and for which nothing new waits:
    it is there that the failed flush is dealt with (`ASQ207/good_committed_in_a_try`)."""
    function = flow.frame.function
    around = [
        one
        for one in (() if function is None else statements(function.body))
        if isinstance(one, p.Try) and one.handlers and p.holds(one.body, at)
    ]
    if not around:
        return False
    tried = around[-1]
    swallowed = failure.handled_at or failure.site
    if swallowed.module is flow.frame.module and p.holds((tried,), swallowed.span):
        return False
    if any(record.lifecycle == PENDING or record.is_modified for _, record in expiry.held(state, session)):
        return False
    for handler in tried.handlers:
        catches = may_catch(flow, state, handler.type, REFUSED)
        if catches is not False:
            return (
                catches is True
                and any(last_name(call.function) == "rollback" for call in calls(handler.body))
                and not any(isinstance(node, p.Raise) for node in walk(handler.body))
            )
    return False


FROM_MEMORY = frozenset({"get", "get_one"})


def used(
    flow: Flow, state: State, session: Reference, record: SessionRecord, method: str, at: Span
) -> SessionRecord:
    """One of the session's methods runs. Gives the record as it is then: one mistake is one finding."""
    if not record.is_async:
        return record
    changed = record
    if method not in IDLE:
        if record.failure is not None and (
            record.failure.of == "flush" or aborted.refuses(state, session, record.failure, method)
        ):
            if (
                record.failure.is_waiting
                and flow.listens(FailedSessionUsed)
                and not _is_only_tried_out(flow, record.failure)
                and not (method == "commit" and _is_tried(flow, state, session, record.failure, at))
            ):
                certain = flow.is_certain and not record.failure.is_doubtful
                flow.emit(
                    FailedSessionUsed(
                        flow.site(at), flow.frame, certain, session, record, method, record.failure
                    )
                )
            if record.failure.is_waiting and not record.failure.is_doubtful and record.failure.of == "flush":
                for site in record.failure.sites:
                    expiry.survived(state, session, site)
            changed = replace(changed, failure=None)
        elif method == "commit":
            changed = replace(changed, failure=None)
    is_asked = method not in IDLE and not (method in FROM_MEMORY and holds_some(state, session))
    if record.begun == ENDED and (is_asked or method in BEGINS):
        _misused(flow, session, record, method, "ended", at)
        changed = replace(changed, begun="")
    if method == "rollback":
        changed = replace(changed, failure=failures.over(changed.failure))
    if method in ("commit", "rollback") and record.begun == BLOCK:
        changed = replace(changed, begun=ENDED)
    if changed is not record:
        state.put(session, changed)
    return changed


def holds_some(state: State, session: Reference) -> bool:
    """It may answer from its identity map (ASQ208/good_known_after_the_block)."""
    from asyncsqla_lint.semantics.instances import InstanceRecord

    records = (state.record(oid) for oid in state.alive())
    return any(
        isinstance(one, InstanceRecord) and one.session == session and not one.is_expired for one in records
    )


def begins(
    flow: Flow, state: State, session: Reference, record: SessionRecord, is_nested: bool, at: Span
) -> None:
    """What a transaction is begun in: one already, or what is left of the block of one that is over."""
    if record.begun == ENDED:
        _misused(flow, session, record, "begin_nested" if is_nested else "begin", "ended", at)
        state.put(session, replace(record, begun=""))
    elif record.in_transaction and not is_nested:
        _misused(flow, session, record, "begin", "begun", at)


def connection_begun(
    flow: Flow, state: State, connection: Reference, record: ConnectionRecord, at: Span
) -> None:
    """A connection begins a transaction with its first statement, as a session does."""
    page = ledger(state, connection)
    if page.holds and not page.is_doubtful:
        _misused(flow, connection, record, "begin", "begun", at)


def connection_asked(
    flow: Flow, state: State, connection: Reference, record: ConnectionRecord, method: str, at: Span
) -> None:
    """After a statement that has failed, on a server that then refuses all others."""
    failure = record.failure
    if failure is None or failure.handled_at is None:
        return
    if failure.is_waiting and flow.listens(FailedSessionUsed) and not _is_only_tried_out(flow, failure):
        certain = flow.is_certain and not failure.is_doubtful
        flow.emit(FailedSessionUsed(flow.site(at), flow.frame, certain, connection, record, method, failure))
    state.put(connection, replace(record, failure=None))


def connection_ended(
    flow: Flow, connection: Reference, record: ConnectionRecord, method: str, at: Span
) -> None:
    """In what is left of the block of a transaction that is over (`ASQ208/bad_connection_ended`)."""
    _misused(flow, connection, record, method, "ended", at)


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
