from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import ThreadCrossed


class SessionCrossesThread(Rule):
    """
    ## What it does
    Reports an `AsyncSession`, an `AsyncConnection`, their sync halves, or an instance attached to a
    session, handed to `asyncio.to_thread`, an executor, or another kind of worker thread.

    ## Why is this bad?
    The driver belongs to the event loop. In a thread no greenlet awaits its I/O: `MissingGreenlet`. An
    attached instance works until an attribute has to be loaded, and then fails in the thread; where the
    function that runs there is seen to read nothing but what is loaded, nothing is said.

    ## Example
    ```python
    total = await asyncio.to_thread(count_users, session.sync_session)
    ```

    ## Use instead
    ```python
    total = await session.run_sync(count_users)
    ```
    """

    code = "ASQ213"
    name = "session-crosses-thread"
    outcome = Raises("MissingGreenlet")

    @on(ThreadCrossed)
    def crossed(self, event: ThreadCrossed, report: Reporter) -> None:
        if event.what == "instance":
            message = (
                "an instance that is attached to an async session goes to another thread, "
                "where loading an attribute raises `MissingGreenlet`; hand over plain data"
            )
        else:
            message = (
                f"an async {event.what} goes to another thread, where its I/O raises `MissingGreenlet`; "
                "use `run_sync`, or open a sync one in the thread"
            )
        places = [] if event.made_at is None else [place(event.made_at, "it comes from here")]
        report(self, event, message, related=places)
