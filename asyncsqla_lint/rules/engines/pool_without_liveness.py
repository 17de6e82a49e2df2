from __future__ import annotations

from asyncsqla_lint.flow.values import Constant, Value, alternatives
from asyncsqla_lint.rules.repairs.base import repair, unsafe
from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.semantics.engine_events import EngineCreated
from asyncsqla_lint.semantics.ownership import pools
from asyncsqla_lint.semantics.urls import addresses

_LOCAL = frozenset({"sqlite", "duckdb"})


class PoolWithoutLiveness(Rule):
    """
    ## What it does
    Reports a pooled async engine for a database across the network with neither `pool_pre_ping` nor
    `pool_recycle`.

    ## Why is this bad?
    After a restart of the server, a failover or an idle time-out of a proxy, the pool hands out connections
    that are dead, and the next queries fail.

    ## Example
    ```python
    engine = create_async_engine("postgresql+asyncpg://app@db.internal/app")
    ```

    ## Use instead
    ```python
    engine = create_async_engine("postgresql+asyncpg://app@db.internal/app", pool_pre_ping=True)
    ```
    """

    code = "ASQ112"
    name = "pool-without-liveness"
    preview = True
    fix = "unsafe"
    outcome = Silent("it takes a server that goes away to see it")

    @on(EngineCreated)
    def created(self, event: EngineCreated, report: Reporter) -> None:
        record = event.record
        if not record.is_async or record.more_options or not pools(record) or record.maker == "AsyncEngine":
            return
        urls, is_whole = addresses(record.url)
        if not urls or not is_whole or any(url.backend in _LOCAL for url in urls):
            return
        if _is_off(record.options.get("pool_pre_ping"), (False, None)) and _is_off(
            record.options.get("pool_recycle"), (-1, None)
        ):
            report(
                self,
                event,
                "nothing checks this pool's connections: after a restart of the server queries fail; "
                "add `pool_pre_ping=True` or `pool_recycle`",
                fix=unsafe(
                    "Set `pool_pre_ping=True`",
                    [repair("set_keyword", record.site, name="pool_pre_ping", value="True")],
                ),
            )


def _is_off(value: Value | None, off: tuple[object, ...]) -> bool:
    if value is None:
        return True
    return all(isinstance(one, Constant) and one.value in off for one in alternatives(value))
