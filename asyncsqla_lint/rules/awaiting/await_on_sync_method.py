from __future__ import annotations

from asyncsqla_lint.rules.awaiting.wording import called
from asyncsqla_lint.rules.repairs.base import remove_await
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import PlainAwaited


class AwaitOnSyncMethod(Rule):
    """
    ## What it does
    Reports `await` on a method that is no coroutine: `session.add`, `add_all`, `expunge`, `expire`, and the
    reading of a buffered result.

    ## Why is this bad?
    The call is made, and then its result is awaited:
    `TypeError: object NoneType can't be used in 'await' expression`.

    ## Example
    ```python
    await session.add(user)
    rows = await result.scalars().all()
    ```

    ## Use instead
    ```python
    session.add(user)
    rows = result.scalars().all()
    ```
    """

    code = "ASQ402"
    name = "await-on-sync-method"
    fix = "safe"
    outcome = Raises("TypeError")

    @on(PlainAwaited)
    def awaited(self, event: PlainAwaited, report: Reporter) -> None:
        what = called(event.owner, event.method)
        is_result = False
        if event.by:
            message = (
                f"{what} is not a coroutine: `{event.by}` of its result raises `TypeError`; call it by itself"
            )
        elif event.kind in ("async_context", "context"):
            mend = "enter it by `async with`" if event.kind == "async_context" else "enter it by `with`"
            message = f"{what} is a context manager, not a coroutine: awaiting it raises `TypeError`; {mend}"
        elif event.kind in ("iterator", "async_iterator"):
            mend = "`async for`" if event.kind == "async_iterator" else "`for`"
            message = f"{what} is an iterator, not a coroutine: awaiting it raises `TypeError`; use {mend}"
        else:
            message = f"{what} is not a coroutine: awaiting its result raises `TypeError`; remove `await`"
            is_result = True
        report(self, event, message, fix=remove_await(event.site) if is_result else None)
