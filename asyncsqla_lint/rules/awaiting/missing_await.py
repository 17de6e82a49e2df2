from __future__ import annotations

from asyncsqla_lint.rules.awaiting.wording import called
from asyncsqla_lint.rules.places import line_of, place
from asyncsqla_lint.rules.repairs.base import add_await
from asyncsqla_lint.rules.rule import LosesWrite, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import CoroutineLost


class MissingAwait(Rule):
    """
    ## What it does
    Reports a coroutine of SQLAlchemy's async API (`execute`, `commit`, `delete`, `refresh`, `dispose`,
    `run_sync`, `awaitable_attrs.x`, `AsyncResult.all` …) that nobody awaits: dropped, or taken for its
    result. So too the coroutine of a function of the project that is given a session or a connection, is a
    method of an object that has one, or opens one itself: left in a statement, asked for an attribute,
    iterated, answered by a route, or given to a session in an instance's place.

    ## Why is this bad?
    Nothing runs. A commit that is not awaited loses the write without a word but a `RuntimeWarning`; a
    result that is a coroutine raises `AttributeError: 'coroutine' object has no attribute …` or is true
    where it should be empty.

    ## Example
    ```python
    session.add(note)
    session.commit()
    ```

    ## Use instead
    ```python
    session.add(note)
    await session.commit()
    ```
    """

    code = "ASQ401"
    name = "missing-await"
    fix = "safe"
    outcome = LosesWrite()

    @on(CoroutineLost)
    def lost(self, event: CoroutineLost, report: Reporter) -> None:
        what = called(event.owner, event.method)
        related = []
        if event.made_at != event.site:
            related.append(place(event.made_at, f"the coroutine of {what} is made here"))
            what = f"the coroutine of {what} (line {line_of(event.made_at)})"
        effect = "it does not run" if event.is_own else _EFFECTS.get(event.method, "it does not run")
        message = f"{what} is never awaited: {effect}; add `await`"
        report(self, event, message, related=related, fix=add_await(event.site))


_EFFECTS = {
    "commit": "nothing is committed, and the write is lost",
    "delete": "nothing is deleted",
    "flush": "nothing is flushed",
    "rollback": "nothing is rolled back",
    "refresh": "nothing is refreshed",
    "close": "nothing is closed",
    "aclose": "nothing is closed",
    "dispose": "the pool's connections stay open",
    "merge": "nothing is merged",
    "run_sync": "the function does not run",
    "execute": "the statement does not run, and what is here is a coroutine",
}
