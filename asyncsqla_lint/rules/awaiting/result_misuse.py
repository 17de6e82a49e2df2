from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import ResultMisused


class ResultMisuse(Rule):
    """
    ## What it does
    Reports a result that is read again after all its rows were fetched, after a method that closes it
    (`first`, `one`, `scalar_one` …), or, for a stream, after its session or connection was closed.

    ## Why is this bad?
    The rows are gone. A second `all()` is silently empty; a closed result raises `ResourceClosedError`; a
    stream without its session raises `InvalidRequestError`.

    ## Example
    ```python
    result = await session.scalars(select(User))
    names = [user.name for user in result]
    count = len(result.all())
    ```

    ## Use instead
    ```python
    users = (await session.scalars(select(User))).all()
    names = [user.name for user in users]
    count = len(users)
    ```
    """

    code = "ASQ408"
    name = "result-misuse"
    outcome = Raises("ResourceClosedError", "InvalidRequestError")

    @on(ResultMisused)
    def misused(self, event: ResultMisused, report: Reporter) -> None:
        what = "iterating it" if event.method.startswith("__") else f"`{event.method}()`"
        if event.cause == "consumed":
            message = f"the rows of this result were all fetched before: {what} finds none; keep the list"
        elif event.cause == "closed":
            message = f"this result is closed: {what} raises `ResourceClosedError`; fetch once, keep the rows"
        else:
            message = (
                f"the session of this stream is closed: {what} raises; read it inside the session's block"
            )
        report(self, event, message, related=[place(event.result.site, "the result is made here")])
