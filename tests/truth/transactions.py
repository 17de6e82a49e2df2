"""Transactions: what is lost, what refuses to go on."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from truth.facts import a_session, database, fact
from truth.models import User


@fact
async def add_no_commit() -> object:
    async with database() as (_, sessions):
        async with sessions() as session:
            session.add(User(id=60))
        async with sessions() as session:
            return ("persisted", await session.get(User, 60) is not None)


@fact
async def attribute_change_no_commit() -> object:
    """So ends SQLAlchemy's `examples/asyncio/async_orm_writeonly.py`; nobody says that the change is gone."""
    async with database() as (_, sessions):
        async with sessions() as session:
            user = await session.get_one(User, 1)
            user.name = "new name"
        async with sessions() as session:
            return ("persisted", (await session.get_one(User, 1)).name == "new name")


@fact
async def pending_rollback() -> None:
    async with a_session() as session:
        session.add(User(id=1))
        with suppress(IntegrityError):
            await session.commit()
        await session.execute(select(User))


@fact
async def pending_rollback_flush() -> None:
    async with a_session() as session:
        session.add(User(id=1))
        with suppress(IntegrityError):
            await session.flush()
        await session.execute(select(User))


@fact
async def begin_twice() -> None:
    async with a_session() as session:
        await session.execute(select(User))
        async with session.begin():
            pass


@fact
async def commit_inside_begin_block() -> None:
    async with a_session() as session, session.begin():
        session.add(User(id=70))
        await session.commit()
        await session.execute(select(User))


@fact
async def aexit_engine_begin_exc_rolls_back() -> object:
    async with database() as (engine, sessions):
        with suppress(ValueError):
            async with engine.begin() as connection:
                await connection.execute(insert(User).values(id=99, name="q"))
                raise ValueError
        async with sessions() as session:
            return await session.get(User, 99) is None


@fact
async def conn_no_commit() -> object:
    async with database() as (engine, sessions):
        async with engine.connect() as connection:
            await connection.execute(insert(User).values(id=98, name="q"))
        async with sessions() as session:
            return ("persisted", await session.get(User, 98) is not None)
