"""Awaiting too little, too much, or the wrong thing."""

from __future__ import annotations

import gc

from sqlalchemy import select

from truth.facts import a_session, database, fact
from truth.models import Base, User


@fact
async def missing_await_execute() -> None:
    async with a_session() as session:
        result = session.execute(select(User))
        result.scalars()


@fact
async def missing_await_commit() -> object:
    async with database() as (_, sessions):
        async with sessions() as session:
            session.add(User(id=50))
            session.commit()
        gc.collect()
        async with sessions() as session:
            return ("persisted", await session.get(User, 50) is not None)


@fact
async def await_precedence() -> None:
    async with a_session() as session:
        await session.execute(select(User)).scalars()


@fact
async def await_add() -> None:
    async with a_session() as session:
        await session.add(User(id=51))


@fact
async def await_add_all() -> None:
    async with a_session() as session:
        await session.add_all([])


@fact
async def await_expunge() -> None:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.expunge(user)


@fact
async def await_expire() -> None:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.expire(user)


@fact
async def await_scalars_all() -> None:
    async with a_session() as session:
        await (await session.execute(select(User))).scalars().all()


@fact
async def delete_not_awaited() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        session.delete(user)
        await session.commit()
        return await session.get(User, 1) is None


@fact
async def session_query() -> None:
    async with a_session() as session:
        session.query(User)


@fact
async def with_sync() -> None:
    async with database() as (_, sessions):
        with sessions():
            pass


@fact
async def conn_with_sync() -> None:
    async with database() as (engine, _):
        with engine.connect():
            pass


@fact
async def async_for_execute() -> None:
    async with a_session() as session:
        async for _ in await session.execute(select(User)):
            pass


@fact
async def stream_for_sync() -> None:
    async with a_session() as session:
        for _ in await session.stream(select(User)):
            pass


@fact
async def stream_all_noawait() -> object:
    async with a_session() as session:
        result = await session.stream(select(User))
        return type(result.all()).__name__


@fact
async def run_sync_no_await() -> None:
    async with database() as (engine, _), engine.begin() as connection:
        connection.run_sync(Base.metadata.create_all)


@fact
async def run_sync_call_not_callable() -> None:
    async with database() as (engine, _), engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all())


@fact
async def run_sync_async_fn() -> object:
    async with a_session() as session:

        async def f(sync_session):
            return 1

        return type(await session.run_sync(f)).__name__


@fact
async def merge_unawaited() -> object:
    async with a_session() as session:
        user = session.merge(User(id=1))
        return user.name
