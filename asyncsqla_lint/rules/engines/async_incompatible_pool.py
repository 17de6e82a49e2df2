from __future__ import annotations

from asyncsqla_lint.flow.values import ExternalValue, Value, alternatives
from asyncsqla_lint.knowledge.dialects import Dialects, dialects
from asyncsqla_lint.rules.repairs.engines import drop_arguments, fitting_pool
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineCreated
from asyncsqla_lint.semantics.urls import Address, addresses

SIZES = ("pool_size", "max_overflow", "pool_timeout", "pool_use_lifo")


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
        known = dialects(event.release)
        given = record.options.get("poolclass")
        pools = () if given is None else tuple(_pool(one) for one in alternatives(given))
        for pool in pools:
            row = known.pools.get(pool or "")
            if row is not None and not row.fits_async:
                message = f"`{pool}` cannot be used with an async engine: `ArgumentError`; "
                message += (
                    "leave `poolclass` out"
                    if pool == "SingletonThreadPool"
                    else "use `AsyncAdaptedQueuePool`"
                )
                report(self, event, message, fix=fitting_pool(event.record.site, pool))
                return
        urls, is_whole = addresses(record.url)
        for url in urls:
            for pool in pools or (_default(url, known),):
                wrong = [
                    word
                    for word in SIZES
                    if word in record.options
                    and pool is not None
                    and known.engine_takes(url.name, pool, word, under_async=True) is False
                ]
                if wrong:
                    rest = "it" if len(wrong) == 1 else "them"
                    words = ", ".join(f"`{word}`" for word in wrong)
                    why = f"`{pool}`" if pools else f"`{pool}`, the pool of {_database(url)},"
                    sure = event.certain and is_whole and len(urls) == 1 and len(pools) < 2
                    report(
                        self,
                        event,
                        f"{why} does not take {words}: `TypeError: Invalid argument(s)`; leave {rest} out",
                        confidence="certain" if sure else "likely",
                        fix=drop_arguments(event, wrong),
                    )
                    return


def _pool(value: Value) -> str | None:
    return value.name.rpartition(".")[2] if isinstance(value, ExternalValue) else None


def _default(url: Address, known: Dialects) -> str | None:
    memory = url.is_memory
    return None if memory is None else known.pool_of(url.name, under_async=True, memory=memory)


def _database(url: Address) -> str:
    return "an in-memory database" if url.is_memory else f"`{url.name}`"
