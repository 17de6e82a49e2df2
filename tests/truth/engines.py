"""Engines, pools, factories and events."""

from __future__ import annotations

import gc

from sqlalchemy import NullPool, QueuePool, SingletonThreadPool, create_engine, event, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from truth.facts import a_session, database, fact
from truth.models import Base, User


@fact
async def create_all_async_engine() -> None:
    async with database() as (engine, _):
        Base.metadata.create_all(engine)


@fact
async def create_all_conn() -> None:
    async with database() as (engine, _), engine.begin() as connection:
        Base.metadata.create_all(connection)


@fact
async def events_on_async_engine() -> None:
    async with database() as (engine, _):

        @event.listens_for(engine, "connect")
        def f(*a):
            pass


@fact
async def events_on_async_session() -> None:
    async with a_session() as session:

        @event.listens_for(session, "before_commit")
        def f(*a):
            pass


@fact
async def events_on_async_sessionmaker() -> None:
    async with database() as (_, sessions):

        @event.listens_for(sessions, "before_commit")
        def f(*a):
            pass


@fact
async def events_on_AsyncSession_class() -> None:

    @event.listens_for(AsyncSession, "before_commit")
    def f(*a):
        pass


@fact
async def events_sync_engine_async_fn() -> None:
    async with database() as (engine, _):

        @event.listens_for(engine.sync_engine, "connect")
        async def f(*a):
            pass


@fact
async def queuepool_async() -> None:
    create_async_engine("sqlite+aiosqlite:///fact.db", poolclass=QueuePool)


@fact
async def nullpool_async_ok() -> None:
    create_async_engine("sqlite+aiosqlite:///fact.db", poolclass=NullPool)


@fact
async def nullpool_with_size() -> None:
    create_async_engine("sqlite+aiosqlite:///fact.db", poolclass=NullPool, pool_size=5)


@fact
async def staticpool_with_size() -> None:
    create_async_engine("sqlite+aiosqlite://", pool_size=5)


@fact
async def singletonthreadpool_async() -> None:
    create_async_engine("sqlite+aiosqlite:///fact.db", poolclass=SingletonThreadPool)


@fact
async def sessionmaker_async_engine_sync_session() -> None:
    async with database() as (engine, _):
        factory = sessionmaker(engine)
        with factory() as session:
            session.execute(select(User))


@fact
async def sync_session_async_engine() -> None:
    async with database() as (engine, _):
        with Session(engine) as session:
            session.execute(select(User))


@fact
async def async_session_sync_engine() -> None:
    async with AsyncSession(create_engine("sqlite://")) as session:
        await session.execute(text("select 1"))


@fact
async def create_engine_async_url_connect() -> None:
    engine = create_engine("sqlite+aiosqlite://")
    with engine.connect() as connection:
        connection.execute(text("select 1"))


@fact
async def unclosed_session_gc() -> None:
    async with database() as (engine, _):
        pass
    engine = create_async_engine("sqlite+aiosqlite:///fact.db")
    session = AsyncSession(engine)
    await session.execute(text("select 1"))
    del session
    gc.collect()
    await engine.dispose()


@fact
async def engine_not_disposed() -> None:
    engine = create_async_engine("sqlite+aiosqlite:///fact.db")
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))
    del engine
    gc.collect()


@fact
async def dispose_not_awaited() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    engine.dispose()
    gc.collect()


@fact
async def sync_engine_dispose() -> None:
    engine = create_async_engine("sqlite+aiosqlite:///fact.db")
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))
    engine.sync_engine.dispose()


@fact
async def scoped_no_scopefunc() -> None:
    async with database() as (_, sessions):
        async_scoped_session(sessions)
