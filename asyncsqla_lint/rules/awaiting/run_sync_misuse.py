from __future__ import annotations

from asyncsqla_lint.rules.repairs.base import run_sync
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import RunSyncMisused


class RunSyncMisuse(Rule):
    """
    ## What it does
    Reports a `run_sync` that is given the result of a call instead of the function, or a coroutine
    function, and the result of `run_sync` awaited once more.

    ## Why is this bad?
    `run_sync` calls a plain function with the sync session or connection: what is no function cannot be
    called (`TypeError`), and the coroutine of an async one is never awaited. Its result is what the
    function returned, not an awaitable.

    ## Example
    ```python
    await connection.run_sync(Base.metadata.create_all())
    ```

    ## Use instead
    ```python
    await connection.run_sync(Base.metadata.create_all)
    ```
    """

    code = "ASQ407"
    name = "run-sync-misuse"
    fix = "safe"
    outcome = Raises("TypeError")

    @on(RunSyncMisused)
    def misused(self, event: RunSyncMisused, report: Reporter) -> None:
        name = f"`{event.function}`" if event.function else "it"
        if event.what == "async":
            message = (
                f"`run_sync` calls {name}, a coroutine function, and its coroutine is never awaited; "
                "await it directly"
            )
        elif event.what == "coroutine":
            message = f"`run_sync` cannot call a coroutine ({name} made it): `TypeError`; await it directly"
        elif event.what == "awaited":
            message = (
                "the result of `run_sync` is no awaitable: awaiting it raises `TypeError`; remove one `await`"
            )
        else:
            message = "`run_sync` is given the result of a call: `TypeError`; pass the function, without `()`"
        fix = None if event.is_written_for_it else run_sync(event.what, event.site)
        report(self, event, message, fix=fix)
