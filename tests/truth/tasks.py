"""Sessions and tasks."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from truth.facts import a_session, database, fact, fact_but_for_warnings, file_engine
from truth.models import Post, User


@fact
async def gather_execute() -> None:
    async with a_session() as session:
        await asyncio.gather(session.execute(select(User)), session.execute(select(Post)))


@fact
async def gather_execute_after_first() -> None:
    async with a_session() as session:
        await session.execute(select(User))
        await asyncio.gather(session.execute(select(User)), session.execute(select(Post)))


@fact
async def gather_commit() -> None:
    async with a_session() as session:
        await session.execute(select(User))
        await asyncio.gather(session.commit(), session.commit())


@fact
async def gather_flush() -> None:
    async with a_session() as session:
        session.add(User(id=11))
        await asyncio.gather(session.flush(), session.flush())


@fact
async def taskgroup_share() -> None:
    async with a_session() as session, asyncio.TaskGroup() as group:
        group.create_task(session.scalar(select(User)))
        group.create_task(session.scalar(select(Post)))


@fact
async def conn_gather() -> None:
    async with database() as (engine, _), engine.connect() as connection:
        await asyncio.gather(connection.execute(text("select 1")), connection.execute(text("select 2")))


@fact
async def create_task_outlives_session() -> object:
    async with database() as (_, sessions):

        async def work(session):
            await asyncio.sleep(0.01)
            return (await session.execute(select(User))).all()

        async with sessions() as session:
            task = asyncio.create_task(work(session))
        return await task


@fact
async def wait_for_cancel() -> object:
    async with a_session() as session:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(session.execute(text("select 1")), 0)
        return (await session.execute(text("select 1"))).scalar()


@fact
async def in_gather_separate_ok() -> object:
    async with database() as (_, sessions):

        async def one():
            async with sessions() as session:
                return (await session.get(User, 1)).name

        return await asyncio.gather(one(), one())


@fact_but_for_warnings
async def file_pool_gather_first_use() -> None:
    """The session has no connection yet: both tasks ask for one."""
    async with file_engine() as engine:
        await engine.dispose()
        async with AsyncSession(engine) as session:
            await asyncio.gather(session.execute(select(User)), session.execute(select(Post)))


@fact_but_for_warnings
async def file_pool_preping_gather() -> None:
    async with file_engine(pool_pre_ping=True) as engine, AsyncSession(engine) as session:
        await asyncio.gather(session.execute(select(User)), session.execute(select(Post)))


@fact_but_for_warnings
async def file_pool_warm_gather_is_silent() -> None:
    """The session holds its connection: the statements take turns, in one transaction."""
    async with file_engine() as engine, AsyncSession(engine) as session:
        await session.execute(select(User))
        await asyncio.gather(session.execute(select(User)), session.execute(select(Post)))


@fact
async def file_create_task_outlives_session_leaks() -> object:
    """The session opens itself again, and nobody closes it."""

    async def work(session: AsyncSession) -> int:
        await asyncio.sleep(0.01)
        return len((await session.execute(select(User))).all())

    async with file_engine() as engine:
        async with AsyncSession(engine) as session:
            task = asyncio.create_task(work(session))
        result = await task
        del session, task
        gc.collect()
        return result


@fact_but_for_warnings
async def asyncio_wait_for_timeout_then_reuse() -> object:
    """A cancelled statement takes the connection with it; the session must be rolled back."""
    async with file_engine() as engine, AsyncSession(engine) as session:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(session.execute(text(SLOW)), 0.05)
        return (await session.execute(text("select 1"))).scalar()


SLOW = """
    with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000000)
    select sum(x) from c
"""
