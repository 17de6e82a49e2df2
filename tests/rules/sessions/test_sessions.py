"""Forms of ASQ2 that the fixtures cannot run for want of a library or a server, and their good twins."""

from __future__ import annotations

from textwrap import dedent

import pytest

from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.syntax import lower
from asyncsqla_lint.workspace.config import Config

HEAD = """\
import asyncio
import aiojobs
import aiometer
import trio
from fastapi import BackgroundTasks
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://localhost/app")
Session = async_sessionmaker(engine, expire_on_commit=False)

async def use(session: AsyncSession, key: int = 0) -> None:
    await session.execute(text("select 1"))
"""


def lint(body: str) -> list[str]:
    source = HEAD + dedent(body)
    module = Module("program", "program.py", False, lower(source))
    lines = source.splitlines()
    findings = analyse(Index([module]), ["program"], Config()).findings
    return [f"{one.code} {lines[one.location.row - 1].strip()}" for one in findings if one.code[:4] == "ASQ2"]


BAD = {
    "a nursery": (
        """
        async def work(session: AsyncSession) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(use, session)
                nursery.start_soon(use, session, 1)
        """,
        "ASQ201 nursery.start_soon(use, session, 1)",
    ),
    "a scheduler": (
        """
        async def work(session: AsyncSession) -> None:
            scheduler = aiojobs.Scheduler()
            first = await scheduler.spawn(use(session))
            await session.commit()
        """,
        "ASQ201 await session.commit()",
    ),
    "one function on each": (
        """
        async def work(session: AsyncSession, keys: list[int]) -> None:
            async def one(key: int) -> None:
                await use(session, key)
            await aiometer.run_on_each(one, keys)
        """,
        "ASQ201 await aiometer.run_on_each(one, keys)",
    ),
    "a background task of a session that is closed by then": (
        """
        async def handle(background: BackgroundTasks) -> None:
            async with Session() as session:
                await use(session)
                background.add_task(use, session)
        """,
        "ASQ204 background.add_task(use, session)",
    ),
    "tasks in a comprehension": (
        """
        async def work(session: AsyncSession, keys: list[int]) -> None:
            tasks = [asyncio.create_task(use(session, key)) for key in keys]
            for task in tasks:
                await task
        """,
        "ASQ201 tasks = [asyncio.create_task(use(session, key)) for key in keys]",
    ),
}

GOOD = {
    "as SQLAlchemy's documentation shows a registry": """
        from asyncio import current_task
        from sqlalchemy.ext.asyncio import async_scoped_session

        AsyncScopedSession = async_scoped_session(Session, scopefunc=current_task)
        some_async_session = AsyncScopedSession()
        """,
    "a task for each, awaited at once": """
        async def work(session: AsyncSession, keys: list[int]) -> None:
            for key in keys:
                await asyncio.create_task(use(session, key))
        """,
    "awaited inside the comprehension": """
        async def work(session: AsyncSession, keys: list[int]) -> None:
            [await asyncio.create_task(use(session, key)) for key in keys]
        """,
    "at most one coroutine in the list": """
        async def work(session: AsyncSession, wanted: bool) -> None:
            jobs = []
            if wanted:
                jobs.append(use(session))
            await asyncio.gather(*jobs)
        """,
    "a session for each element": """
        async def work(keys: list[int]) -> None:
            sessions = [Session() for _ in keys]
            try:
                await asyncio.gather(*[use(session) for session in sessions])
            finally:
                for session in sessions:
                    await session.close()
        """,
    "a dependency that lends it inside its begin block": """
        async def get_db():
            session = Session()
            async with session.begin():
                yield session
        """,
    "a session on a connection of one of two engines": """
        def chosen(lite: bool):
            return create_async_engine("sqlite+aiosqlite://") if lite else engine

        async def lent(lite: bool):
            made = chosen(lite)
            try:
                async with made.connect() as connection:
                    session = AsyncSession(bind=connection, expire_on_commit=False)
                    await use(session)
                    yield session
            finally:
                await made.dispose()
        """,
    "what a driver of generators awaits": """
        from sqlalchemy.orm import Session as Plain

        def total(session: AsyncSession | Plain):
            found = yield session.scalar(text("select 1"))
            return found
        """,
    "a background task beside a session that it is not given": """
        async def later(key: int) -> None:
            async with Session() as session:
                await use(session, key)

        async def handle(background: BackgroundTasks) -> None:
            async with Session() as session:
                await use(session)
                background.add_task(later, 1)
        """,
    "behind what a protocol only declares": """
        from typing import Protocol
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        class Base(DeclarativeBase):
            pass

        class Thing(Base):
            __tablename__ = "thing"
            id: Mapped[int] = mapped_column(primary_key=True)

        class Gateway(Protocol):
            async def customer(self, key: int) -> object:
                '''None of nobody.'''
                ...

        class Nobody(Gateway):
            async def customer(self, key: int) -> object:
                return None

        class Shop(Gateway):
            async def customer(self, key: int) -> object:
                return object()

        async def handle(gateway: Gateway) -> None:
            session = Session()
            try:
                session.add(Thing())
                if not await gateway.customer(1):
                    raise LookupError
                await session.commit()
            finally:
                await session.close()
        """,
}


@pytest.mark.parametrize("name", BAD)
def test_reported(name: str) -> None:
    body, expected = BAD[name]
    assert lint(body) == [expected]


@pytest.mark.parametrize("name", GOOD)
def test_silent(name: str) -> None:
    assert lint(GOOD[name]) == []


def test_no_call_is_left_out_where_a_flush_has_failed() -> None:
    """What many roots have run is left out in the next, but on a path on which something has gone wrong."""
    often = "\n".join('    await session.execute(text("select 2"))' for _ in range(90))
    roots = "\n".join(
        f"async def root_{number}() -> None:\n    async with Session() as session:\n"
        f"        await prepare(session)\n        await fetch(session)\n"
        for number in range(4)
    )
    last = """
async def last() -> None:
    async with Session() as session:
        await prepare(session)
        await prepare(session)
        await prepare(session)
        session.add(Thing())
        try:
            await session.commit()
        except Exception:
            print("not stored")
        await fetch(session)
"""
    head = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)

async def fetch(session: AsyncSession) -> None:
    await session.scalar(text("select 3"))
"""
    found = lint(f"{head}\nasync def prepare(session: AsyncSession) -> None:\n{often}\n\n{roots}\n{last}")
    assert found == ['ASQ207 await session.scalar(text("select 3"))']


def test_what_is_left_out_may_commit() -> None:
    """A unit of work of which each call is left out has the session all the same."""
    often = "\n".join('    await session.execute(text("select 2"))' for _ in range(90))
    roots = "\n".join(
        f"async def root_{number}() -> None:\n    async with Session() as session:\n"
        f"        await prepare(session)\n"
        f"        async with Work(session) as work:\n            session.add(Thing())\n"
        for number in range(4)
    )
    last = """
async def last() -> None:
    async with Session() as session:
        await prepare(session)
        await prepare(session)
        await prepare(session)
        async with Work(session) as work:
            session.add(Thing(id=2))
"""
    head = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)

class Work:
    def __init__(self, session: AsyncSession) -> None:
        INIT

    async def __aenter__(self) -> "Work":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            await self.session.commit()
        else:
            await self.session.rollback()
"""
    prepare = f"async def prepare(session: AsyncSession) -> None:\n{often}"
    for kept in ("self.session = session", "self.session = session; self.log = print(session)"):
        assert lint(f"{head.replace('INIT', kept)}\n{prepare}\n\n{roots}\n{last}") == []


@pytest.mark.parametrize("returns", ["None", "NoReturn"])
def test_what_never_returns_ends_the_way(returns: str) -> None:
    """Its body may be left out, or followed to an end that it has not: what it says of itself holds."""
    program = f"""
from typing import NoReturn
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)

def refuse(why: str) -> {returns}:
    print(why)

async def insert(session: AsyncSession, key: int) -> None:
    session.add(Thing(id=key))
    try:
        await session.flush()
    except IntegrityError:
        refuse("taken")
    await session.execute(text("select 1"))

async def main() -> None:
    async with Session() as session:
        await insert(session, 1)
"""
    found = [one for one in lint(program) if one.startswith("ASQ207")]
    assert bool(found) is (returns == "None")
