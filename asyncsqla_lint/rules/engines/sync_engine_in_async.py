from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.repairs.blocking import unblocked
from asyncsqla_lint.rules.rule import BlocksLoop, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import LoopBlocked, SyncHalfUsed


class SyncEngineInAsync(Rule):
    """
    ## What it does
    Reports a sync engine, connection or session, or a sync driver (`psycopg2.connect`, `sqlite3.connect`),
    that is used in a coroutine, or in a plain function that runs on the event loop because a coroutine
    calls it. The sync half of an async one (`session.sync_session`, `engine.sync_engine`) is reported there
    too, where it asks the database.

    ## Why is this bad?
    The event loop stands still until the database has answered: no other request, task or timeout proceeds.
    What runs under `run_sync`, `asyncio.to_thread`, an executor or a sync route has a thread or greenlet of
    its own and is fine. The sync half of an async one cannot wait at all outside of `run_sync`: it raises
    `MissingGreenlet`.

    ## Example
    ```python
    async def count_users() -> int:
        with Session(engine) as session:
            return session.scalar(select(func.count(User.id)))
    ```

    ## Use instead
    ```python
    async def count_users() -> int:
        async with AsyncSession(async_engine) as session:
            return await session.scalar(select(func.count(User.id)))
    ```

    ## What the fix does
    A FastAPI route that awaits nothing becomes a plain `def`, which FastAPI runs in a thread. An engine that
    only the coroutines of its own file use becomes an async one; factories, blocks and awaits follow from
    that. Where plain functions share the engine, or the driver is called directly, there is no fix: both
    sides would need an engine of their own.
    """

    code = "ASQ101"
    name = "sync-engine-in-async"
    fix = "unsafe"
    outcome = BlocksLoop()
    gives_way = ("ASQ401", "ASQ406")  # annotated as sync, given an async one: who has seen it knows better

    @on(LoopBlocked)
    def blocked(self, event: LoopBlocked, report: Reporter) -> None:
        what = event.what if event.what.endswith(")") else f"{event.what}()"
        mend = _MENDS.get(event.what.partition(".")[0], "use an async engine")
        message = f"`{what}` in {_where(event)} holds up the event loop until the database answers; {mend}"
        related = [] if event.made_at is None else [place(event.made_at, "made here, by the sync API")]
        message += ", or hand the work to `asyncio.to_thread`"
        report(self, event, message, related=related, subject=what, fix=unblocked(event))

    @on(SyncHalfUsed)
    def without_greenlet(self, event: SyncHalfUsed, report: Reporter) -> None:
        message = (
            f"`{event.what}()` in {_where(event)} raises `MissingGreenlet`: it is of the sync half of an "
            f"`{event.half_of}`, which waits for the database under `run_sync` only; "
            f"await the `{event.half_of}` itself"
        )
        report(self, event, message, subject=f"{event.what}, without a greenlet")


def _where(event: LoopBlocked | SyncHalfUsed) -> str:
    here = event.frame.function is not None and event.frame.function.name == event.coroutine
    return f"the coroutine `{event.coroutine}`" if here else f"what the coroutine `{event.coroutine}` calls"


_MENDS = {
    "Session": "use an `AsyncSession`",
    "scoped_session": "use an `async_scoped_session`",
    "Engine": "use `create_async_engine`",
    "Connection": "use an `AsyncConnection`",
    "MetaData": "use `await connection.run_sync(metadata.create_all)` on an async engine",
    "inspect(Engine)": "use `await connection.run_sync(…)` on an async engine",
    "psycopg2": "use an async driver",
    "psycopg": "use `psycopg.AsyncConnection`",
    "sqlite3": "use `aiosqlite`",
    "pymysql": "use an async driver",
}
