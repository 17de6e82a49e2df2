from __future__ import annotations

from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import SessionStored


class SessionInSharedScope(Rule):
    """
    ## What it does
    Reports an `AsyncSession` that is kept where every task finds it: in a module's global, a class
    attribute, a cached function, a singleton, or the application's state.

    ## Why is this bad?
    All requests use one session, one connection and one transaction. Two at once raise
    `IllegalStateChangeError` or `InvalidRequestError`, or commit and roll back each other's work; one
    failed flush breaks all requests that follow.

    ## Example
    ```python
    session = async_sessionmaker(engine)()

    async def list_users():
        return (await session.scalars(select(User))).all()
    ```

    ## Use instead
    ```python
    session_factory = async_sessionmaker(engine, expire_on_commit=False)

    async def list_users():
        async with session_factory() as session:
            return (await session.scalars(select(User))).all()
    ```
    """

    code = "ASQ202"
    name = "session-in-shared-scope"
    outcome = Raises("IllegalStateChangeError", "InvalidRequestError")

    @on(SessionStored)
    def stored(self, event: SessionStored, report: Reporter) -> None:
        message = (
            f"this `AsyncSession` is kept in {event.where}, where every task uses it at once; "
            "share the session factory, and open a session for each unit of work"
        )
        report(self, event, message, subject="session")
