from __future__ import annotations

from asyncsqla_lint.rules.repairs.base import repair, safe
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.ddl import DdlMisdirected


class DdlOnAsyncEngine(Rule):
    """
    ## What it does
    Reports `create_all`, `drop_all`, `reflect`, `create`/`drop` of a table, `inspect` and
    `Table(..., autoload_with=...)`, on an async engine or connection.

    ## Why is this bad?
    DDL is sync: `AttributeError: 'AsyncEngine' object has no attribute '_run_ddl_visitor'`. So is
    reflection: `NoInspectionAvailable`.

    ## Example
    ```python
    Base.metadata.create_all(engine)
    ```

    ## Use instead
    ```python
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    ```
    """

    code = "ASQ111"
    name = "ddl-on-async-engine"
    fix = "safe"
    outcome = Raises("AttributeError", "NoInspectionAvailable")

    @on(DdlMisdirected)
    def misdirected(self, event: DdlMisdirected, report: Reporter) -> None:
        if event.method in _INSPECTS:
            message = (
                f"`{event.method}` is sync and cannot use an `{event.target}`: `NoInspectionAvailable`; "
                f"do it in a function that `await connection.run_sync(…)` calls"
            )
            report(self, event, message)
            return
        report(
            self,
            event,
            f"`{event.owner}.{event.method}()` is sync and cannot use an `{event.target}`: `AttributeError`; "
            f"use `await connection.run_sync(….{event.method})`",
            fix=safe("Run it under `run_sync`", [repair("run_ddl_sync", event.site, target=event.target)]),
        )


_INSPECTS = ("inspect", "autoload_with")
