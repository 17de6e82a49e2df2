from __future__ import annotations

from asyncsqla_lint.rules.places import line_seen_from, place
from asyncsqla_lint.rules.rule import Leaks, Reporter, Rule, on
from asyncsqla_lint.rules.sessions.wording import kind, origin
from asyncsqla_lint.semantics.events import SessionOutlived


class SessionUsedAfterItsEnd(Rule):
    """
    ## What it does
    Reports a session that is used after its `async with` has ended: by a task or background job that was
    started inside, by a generator or callback that was returned, or by code below the block.

    ## Why is this bad?
    A closed `AsyncSession` begins anew when it is used. Nobody closes it a second time: its connection
    leaks (`SAWarning: … non-checked-in connection`), and what it writes is not committed by the block that
    is gone.

    ## Example
    ```python
    async with session_factory() as session:
        asyncio.create_task(send_receipts(session))
    ```

    ## Use instead
    ```python
    async def send_receipts() -> None:
        async with session_factory() as session:
            ...

    asyncio.create_task(send_receipts())
    ```
    """

    code = "ASQ204"
    name = "session-outlived"
    outcome = Leaks()

    @on(SessionOutlived)
    def outlived(self, event: SessionOutlived, report: Reporter) -> None:
        what = kind(event.record)
        where = line_seen_from(event.site, event.left_at)
        if event.method == "task":
            message = (
                f"this task may use the {what} after its `async with` (on {where}) has ended, "
                "which reopens it and leaks its connection; "
                f"await the task inside the block, or open a {what} in the task"
            )
        elif event.method == "later":
            message = (
                f"this runs once the response is sent, when the `async with` of the {what} (on {where}) has "
                f"ended: it is reopened, and its connection leaks; open a {what} in what runs later"
            )
        else:
            message = (
                f"the {what} is used after its `async with` (on {where}) has ended, which reopens it "
                "and leaks its connection; use it inside the block"
            )
        places = [place(event.left_at, "the block that closes it")]
        if event.record.site != event.left_at:
            places.append(place(event.record.site, origin(event.record)))
        report(self, event, message, related=places)
