from __future__ import annotations

from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.rules.sessions.wording import kind
from asyncsqla_lint.semantics.events import TransactionMisused


class TransactionState(Rule):
    """
    ## What it does
    Reports `begin()` on a session or connection that has begun already, by an earlier statement, and
    statements inside a `begin()` block after its transaction was committed or rolled back by hand.

    ## Why is this bad?
    The first statement begins a transaction by itself. A later `begin()` raises `InvalidRequestError: A
    transaction is already begun on this Session`; a statement after the block's transaction is over raises
    `InvalidRequestError: Can't operate on closed transaction inside context manager`.

    ## Example
    ```python
    user = await session.get(User, 1)
    async with session.begin():
        user.name = "Ada"
    ```

    ## Use instead
    ```python
    async with session.begin():
        user = await session.get(User, 1)
        user.name = "Ada"
    ```
    """

    code = "ASQ208"
    name = "transaction-state"
    outcome = Raises("InvalidRequestError")

    @on(TransactionMisused)
    def misused(self, event: TransactionMisused, report: Reporter) -> None:
        what = kind(event.record)
        if event.cause == "begun":
            message = (
                f"the {what} has begun a transaction with an earlier statement: `begin()` raises "
                "`InvalidRequestError`; begin before it, commit before this, or use `begin_nested()`"
            )
        else:
            message = (
                f"the transaction of this `begin()` block is over: `{event.method}` raises "
                "`InvalidRequestError`; leave the commit or rollback to the block"
            )
        report(self, event, message)
