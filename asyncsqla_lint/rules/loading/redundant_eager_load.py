from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.repairs.base import one_unsafe
from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.semantics.eager_use import EagerLoadUnread


class RedundantEagerLoad(Rule):
    """
    ## What it does
    Reports a loader option whose relationship is read on no path, where what the query gave does not leave
    the function.

    ## Why is this bad?
    `selectinload` is one more query, `joinedload` a wider one: both fetch rows that nobody looks at.

    ## Example
    ```python
    painters = await session.scalars(select(Painter).options(selectinload(Painter.works)))
    print([painter.name for painter in painters])
    ```

    ## Use instead
    ```python
    painters = await session.scalars(select(Painter))
    print([painter.name for painter in painters])
    ```
    """

    code = "ASQ312"
    name = "redundant-eager-load"
    preview = True
    fix = "unsafe"
    outcome = Silent("nothing fails: rows are fetched for nothing")

    @on(EagerLoadUnread)
    def unread(self, event: EagerLoadUnread, report: Reporter) -> None:
        path = ".".join(event.path)
        report(
            self,
            event,
            f"`{event.strategy}` loads `{path}`, which nothing reads: remove it",
            related=[place(event.loaded_at, "queried here")],
            subject=path,
            fix=one_unsafe("remove_eager_load", event.site, f"Remove the eager load of `{path}`"),
        )
