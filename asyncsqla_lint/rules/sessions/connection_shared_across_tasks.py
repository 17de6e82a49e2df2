from __future__ import annotations

from asyncsqla_lint.findings import Related
from asyncsqla_lint.rules.places import line_seen_from, place
from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.rules.sessions.wording import origin
from asyncsqla_lint.semantics.connections import ConnectionRecord
from asyncsqla_lint.semantics.events import SessionShared


class ConnectionSharedAcrossTasks(Rule):
    """
    ## What it does
    Reports one `AsyncConnection` that two tasks may use at the same time, as ASQ201 does for sessions.

    ## Why is this bad?
    The driver's lock makes the statements take turns: nothing runs in parallel. They share one transaction,
    which either task can commit, roll back, or break for the other; two `begin()` at once raise
    `InvalidRequestError`.

    ## Example
    ```python
    async with engine.connect() as connection:
        await asyncio.gather(connection.execute(first), connection.execute(second))
    ```

    ## Use instead
    ```python
    async def run(statement):
        async with engine.connect() as connection:
            return (await connection.execute(statement)).all()

    await asyncio.gather(run(first), run(second))
    ```
    """

    code = "ASQ209"
    name = "connection-shared-across-tasks"
    outcome = Silent(
        "the driver's lock lets the statements take turns, in one transaction that the tasks share"
    )

    @on(SessionShared)
    def shared(self, event: SessionShared, report: Reporter) -> None:
        record = event.second.record
        if not isinstance(record, ConnectionRecord):
            return
        places: list[Related] = []
        if event.is_further_use and event.started == event.site:
            message = "the task that starts here shares its `AsyncConnection` with what goes on meanwhile"
        elif event.started is None or event.started == event.site:
            message = "the tasks that start here share one `AsyncConnection`, and with it one transaction"
        else:
            where = line_seen_from(event.site, event.started)
            places.append(place(event.started, "the first task starts here"))
            if event.is_further_use:
                message = (
                    f"the task started on {where} may still be using the `AsyncConnection` that is used here"
                )
            else:
                message = f"this task shares one `AsyncConnection` with the task started on {where}"
        places.append(place(record.site, origin(record)))
        report(
            self,
            event,
            f"{message}; await them one after the other, or give each task a connection of its own",
            related=places,
        )
