from __future__ import annotations

from asyncsqla_lint.rules.awaiting.wording import article
from asyncsqla_lint.rules.repairs.base import one_repair
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import WithMismatched


class SyncWithOnAsync(Rule):
    """
    ## What it does
    Reports `with` on a session, connection, transaction or engine of the async API, and `async with` on one
    of the sync API; and either of them on an async engine or a session factory itself.

    ## Why is this bad?
    Each supports one of the two only:
    `TypeError: 'AsyncSession' object does not support the context manager protocol`. An engine and a factory
    support neither: what they give is entered.

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
        if event.neither:
            report(self, event, _of_what_it_gives(event))
            return
        used, right = ("async with", "with") if event.is_async else ("with", "async with")
        what = f"`{event.owner}`" if "." in event.owner else f"{article(event.owner)} `{event.owner}`"
        message = f"{what} cannot be entered by `{used}`: `TypeError`; use `{right}`"
        report(self, event, message, fix=one_repair("toggle_with", event.site, f"Use `{right}`"))


def _of_what_it_gives(event: WithMismatched) -> str:
    if event.owner == "AsyncEngine":
        return "an `AsyncEngine` cannot be entered: `TypeError`; enter its `connect()` or its `begin()`"
    return "a session factory cannot be entered: `TypeError`; call it, `async with factory() as session`"
