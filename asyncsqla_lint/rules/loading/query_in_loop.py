from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.semantics.loops import QueryInLoop as Asked


class QueryInLoop(Rule):
    """
    ## What it does
    Reports a query, `get`, `refresh` or `awaitable_attrs` that is made for each element of a loop over what
    another query gave.

    ## Why is this bad?
    A hundred rows are a hundred round trips, one after the other, where one eager load would do.

    ## Example
    ```python
    for garage in await session.scalars(select(Garage)):
        print(len(await garage.awaitable_attrs.bays))
    ```

    ## Use instead
    ```python
    for garage in await session.scalars(select(Garage).options(selectinload(Garage.bays))):
        print(len(garage.bays))
    ```
    """

    code = "ASQ313"
    name = "query-in-loop"
    preview = True
    outcome = Silent("nothing fails: it is slow")

    @on(Asked)
    def asked(self, event: Asked, report: Reporter) -> None:
        report(
            self,
            event,
            f"`{event.method}` asks the database once for each `{event.model}` of the loop; load what it "
            f"needs with the "
            "query that gave them",
            related=[place(event.loaded_at, "queried here")],
        )
