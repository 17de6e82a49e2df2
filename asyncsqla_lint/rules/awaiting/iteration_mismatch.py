from __future__ import annotations

from asyncsqla_lint.rules.awaiting.wording import article
from asyncsqla_lint.rules.repairs.base import one_repair
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import IterationMismatched


class IterationMismatch(Rule):
    """
    ## What it does
    Reports `async for` over a buffered result, and plain iteration (`for`, `list()`, unpacking) over a
    streamed one.

    ## Why is this bad?
    What `execute` gives has all its rows and is a plain iterable; what `stream` gives fetches as it goes
    and is an async one. The wrong loop raises `TypeError`.

    ## Example
    ```python
    async for user in await session.scalars(select(User)): ...
    ```

    ## Use instead
    ```python
    for user in await session.scalars(select(User)): ...
    ```
    """

    code = "ASQ405"
    name = "iteration-mismatch"
    fix = "safe"
    outcome = Raises("TypeError")

    @on(IterationMismatched)
    def mismatched(self, event: IterationMismatched, report: Reporter) -> None:
        what = f"{article(event.owner)} `{event.owner}`"
        if event.is_async:
            message = f"{what} is buffered: `async for` over it raises `TypeError`; use `for`"
        else:
            message = (
                f"{what} is a stream: iterating it plainly raises `TypeError`; "
                "use `async for`, or `await` its `all()`"
            )
        report(self, event, message, fix=one_repair("toggle_loop", event.site, "Iterate as the result does"))
