from __future__ import annotations

from asyncsqla_lint.rules.places import line_seen_from, place
from asyncsqla_lint.rules.repairs.sessions import roll_back
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.rules.sessions.wording import kind
from asyncsqla_lint.semantics.events import FailedSessionUsed
from asyncsqla_lint.semantics.transactions import BLOCK


class UseAfterFailedFlush(Rule):
    """
    ## What it does
    Reports a session that is used after a handler has swallowed the error of a flush or commit, without a
    rollback; on PostgreSQL, that of an INSERT, UPDATE, DELETE or `text()` as well. One such handler is one
    finding, at the use that is nearest to it; the others are named there.

    ## Why is this bad?
    A failed flush ends the transaction. Until `rollback()` is called, every statement raises
    `PendingRollbackError: This Session's transaction has been rolled back due to a previous exception
    during flush`; in a `begin()` block, `Can't operate on closed transaction inside context manager`, and
    only a savepoint helps, as a rollback would close it too. PostgreSQL ends a transaction with the first
    statement that fails: it answers every other with `current transaction is aborted, commands ignored until
    end of transaction block`, and a commit with a silent rollback. Other databases go on; nothing is said
    unless the engine is known to be PostgreSQL's.

    ## Example
    ```python
    try:
        await session.flush()
    except IntegrityError:
        pass
    await session.scalar(select(func.count(User.id)))
    ```

    ## Use instead
    ```python
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
    await session.scalar(select(func.count(User.id)))
    ```

    ## Or keep what was done before
    ```python
    try:
        async with session.begin_nested():
            session.add(user)
    except IntegrityError:
        pass
    ```
    """

    code = "ASQ207"
    name = "use-after-failed-flush"
    fix = "unsafe"
    outcome = Raises("PendingRollbackError")

    @on(FailedSessionUsed)
    def used(self, event: FailedSessionUsed, report: Reporter) -> None:
        failed_at = event.failure.site
        where = line_seen_from(event.site, failed_at)
        what = event.failure.of
        whose = kind(event.record)
        is_held = event.record.begun == BLOCK  # its block is to roll back, or commit
        mends = [] if is_held else [f"`await {whose}.rollback()` in the handler"]
        if what == "flush":
            raised = "InvalidRequestError" if is_held else "PendingRollbackError"
            outcome = f"this `{event.method}` raises `{raised}`"
        else:
            outcome = f"PostgreSQL refuses this `{event.method}` (`current transaction is aborted`)"
        if what != "flush" or is_held:
            mends.insert(0, f"put the {what} into `async with {whose}.begin_nested()`")
        message = f"when the {what} on {where} fails, its error is swallowed without a rollback, "
        message += f"and {outcome}; {', or '.join(mends)}"
        if event.failure.assumption:
            message += f" ({event.failure.assumption})"
        related = [place(failed_at, f"this {what} may fail")]
        cause = event.failure.handled_at
        mend = None if is_held else roll_back(failed_at, cause)
        if cause is not None:
            related.append(place(cause, "its error is swallowed here"))
        report(self, event, message, fix=mend, related=related, subject=event.method, cause=cause)
