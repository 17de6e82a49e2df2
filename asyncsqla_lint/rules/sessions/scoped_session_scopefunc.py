from __future__ import annotations

from asyncsqla_lint.rules.repairs.engines import scope
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import ScopeUnfit

_CAUSES = {
    "none": "it has no `scopefunc`",
    "thread": "its `scopefunc` names the thread or loop, which all tasks share",
    "constant": "its `scopefunc` always gives the same",
}


class ScopedSessionScopefunc(Rule):
    """
    ## What it does
    Reports an `async_scoped_session` scoped by thread, by a constant, or by nothing, and the sync
    `scoped_session` over a factory of async sessions.

    ## Why is this bad?
    All tasks of an event loop run in one thread: they get one session, as if it were a global (ASQ202).
    `async_scoped_session` without a `scopefunc` raises `TypeError`.

    ## Example
    ```python
    Session = async_scoped_session(factory, scopefunc=threading.get_ident)
    ```

    ## Use instead
    ```python
    Session = async_scoped_session(factory, scopefunc=asyncio.current_task)
    ```
    """

    code = "ASQ210"
    name = "scoped-session-scopefunc"
    fix = "safe"
    outcome = Raises("IllegalStateChangeError", "InvalidRequestError", "TypeError")

    @on(ScopeUnfit)
    def unfit(self, event: ScopeUnfit, report: Reporter) -> None:
        if event.name == "scoped_session":
            what = "`scoped_session` over an async factory gives one `AsyncSession` to all tasks of a thread"
            report(
                self,
                event,
                f"{what}; use `async_scoped_session` with `scopefunc=asyncio.current_task`",
                fix=scope(event.site),
            )
            return
        message = f"this `async_scoped_session` does not tell tasks apart: {_CAUSES[event.cause]}"
        report(self, event, f"{message}; use `scopefunc=asyncio.current_task`", fix=scope(event.site))
