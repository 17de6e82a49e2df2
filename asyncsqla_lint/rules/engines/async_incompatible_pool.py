from __future__ import annotations

from asyncsqla_lint.knowledge.dialects import dialects
from asyncsqla_lint.rules.repairs.engines import drop_arguments, fitting_pool
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineCreated
from asyncsqla_lint.semantics.making import misfit
from asyncsqla_lint.semantics.urls import Address


class AsyncIncompatiblePool(Rule):
    """
    ## What it does
    Reports a pool class that cannot serve an async engine, and pool arguments that the pool in use does not
    take: those of a queue with `NullPool`, `StaticPool` or SQLite's in-memory database.

    ## Why is this bad?
    `ArgumentError: Pool class QueuePool cannot be used with asyncio engine`, or
    `TypeError: Invalid argument(s) 'pool_size' sent to create_engine()`; often only in the tests, whose URL
    differs.

    ## Example
    ```python
    engine = create_async_engine(URL, poolclass=NullPool, pool_size=5)
    ```

    ## Use instead
    ```python
    engine = create_async_engine(URL, poolclass=NullPool)
    ```
    """

    code = "ASQ104"
    name = "async-incompatible-pool"
    fix = "safe"
    outcome = Raises("ArgumentError", "TypeError")

    @on(EngineCreated)
    def created(self, event: EngineCreated, report: Reporter) -> None:
        record = event.record
        if not record.is_async or record.maker == "AsyncEngine":
            return
        found = misfit(record, dialects(event.release))
        if found is None:
            return
        if not found.words:
            message = f"`{found.pool}` cannot be used with an async engine: `ArgumentError`; "
            message += (
                "leave `poolclass` out"
                if found.pool == "SingletonThreadPool"
                else "use `AsyncAdaptedQueuePool`"
            )
            report(self, event, message, fix=fitting_pool(event.record.site, found.pool))
            return
        rest = "it" if len(found.words) == 1 else "them"
        words = ", ".join(f"`{word}`" for word in found.words)
        why = (
            f"`{found.pool}`" if found.url is None else f"`{found.pool}`, the pool of {_database(found.url)},"
        )
        report(
            self,
            event,
            f"{why} does not take {words}: `TypeError: Invalid argument(s)`; leave {rest} out",
            confidence="certain" if event.certain and found.is_sure else "likely",
            subject=found.pool,
            fix=drop_arguments(event, list(found.words)),
        )


def _database(url: Address) -> str:
    return "an in-memory database" if url.is_memory else f"`{url.name}`"
