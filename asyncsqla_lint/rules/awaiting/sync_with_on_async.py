from __future__ import annotations

from asyncsqla_lint.rules.awaiting.wording import article
from asyncsqla_lint.rules.repairs.base import one_repair
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import WithMismatched


class SyncWithOnAsync(Rule):
    """
    ## What it does
    Reports `with` on a session, connection, transaction or engine of the async API, and `async with` on one
    of the sync API.

    ## Why is this bad?
    Each supports one of the two only:
    `TypeError: 'AsyncSession' object does not support the context manager protocol`.

    ## Example
    ```python
    with AsyncSession(engine) as session: ...
    ```

    ## Use instead
    ```python
    async with AsyncSession(engine) as session: ...
    ```
    """

    code = "ASQ404"
    name = "sync-with-on-async"
    fix = "safe"
    outcome = Raises("TypeError", "AttributeError")

    @on(WithMismatched)
    def mismatched(self, event: WithMismatched, report: Reporter) -> None:
        used, right = ("async with", "with") if event.is_async else ("with", "async with")
        what = f"`{event.owner}`" if "." in event.owner else f"{article(event.owner)} `{event.owner}`"
        message = f"{what} cannot be entered by `{used}`: `TypeError`; use `{right}`"
        report(self, event, message, fix=one_repair("toggle_with", event.site, f"Use `{right}`"))
