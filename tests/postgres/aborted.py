"""What a statement that fails does to its transaction on PostgreSQL, when somebody passes over its error.

`python aborted.py` runs each case against the server that DATABASE_URL names and prints, as JSON, the line of
this file that raised, and the server's message.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool

log = logging.getLogger(__name__)


class Base(DeclarativeBase):
    pass


class Letter(Base):
    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(unique=True)


engine = create_async_engine(
    os.environ.get("DATABASE_URL", "postgresql+asyncpg://postgres@127.0.0.1/app"), poolclass=NullPool
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def case_asked_afterwards() -> None:
    async with sessions() as session:
        try:
            await session.execute(insert(Letter).values(subject="known"))
        except IntegrityError:
            log.info("we have that one")
        print(await session.scalar(select(func.count(Letter.id))))  # expect: ASQ207
        await session.commit()


async def case_flushed_afterwards() -> None:
    async with sessions() as session:
        try:
            await session.execute(text("select set_limit('low')"))
        except Exception:
            log.exception("no such function here")
        session.add(Letter(subject="new"))
        await session.commit()  # expect: ASQ207


async def store(session: AsyncSession, subject: str) -> bool:
    try:
        await session.execute(insert(Letter).values(subject=subject))
    except DBAPIError:
        return False
    return True


async def case_in_a_function_of_its_own() -> None:
    async with sessions.begin() as session:
        if not await store(session, "known"):
            letter = await session.get(Letter, 1)  # expect: ASQ207
            print(letter)


class Letters:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def store_all(self, subjects: list[str]) -> int:
        """Each that fails takes those behind it along. (Only those are counted as failed.)"""
        good = 0
        for subject in subjects:
            try:
                statement = upsert(Letter).values(subject=subject)
                await self.session.execute(statement)  # expect: ASQ207
                good += 1
            except Exception as error:
                log.warning("not stored: %s", error)
                if "aborted" in str(error):
                    raise
        return good


async def case_one_after_the_other() -> None:
    async with sessions() as session:
        print(await Letters(session).store_all(["new", "known", "newer"]))
        await session.commit()


async def case_prepared_on_a_connection() -> None:
    async with engine.begin() as connection:
        try:
            await connection.execute(text("create extension nowhere"))
        except Exception:
            log.warning("goes without")
        await connection.run_sync(Base.metadata.create_all)  # expect: ASQ207


async def case_altered_on_a_connection() -> None:
    async with engine.connect() as connection:
        for column in ("subject", "sender"):
            try:
                change = text(f"alter table letter add column {column} text")
                await connection.execute(change)  # expect: ASQ207
            except DBAPIError as error:
                log.info("there already: %s", error)
                if "aborted" in str(error):
                    raise
        await connection.commit()


async def case_good_on_a_connection() -> None:
    async with engine.connect() as connection:
        for column in ("subject", "sender"):
            try:
                await connection.execute(text(f"alter table letter add column {column} text"))
                await connection.commit()
            except DBAPIError:
                await connection.rollback()
        try:
            async with connection.begin_nested():
                await connection.execute(text("create extension nowhere"))
        except DBAPIError:
            log.warning("goes without")
        print(await connection.scalar(select(func.count(Letter.id))))
        await connection.rollback()
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            await alone.execute(text("create extension nowhere"))
        except DBAPIError:
            log.warning("goes without")
        print(await alone.scalar(select(func.count(Letter.id))))


async def case_good_savepoint() -> None:
    async with sessions.begin() as session:
        for subject in ("new", "known", "newer"):
            try:
                async with session.begin_nested():
                    await session.execute(insert(Letter).values(subject=subject))
            except IntegrityError:
                log.info("we have that one")
        print(await session.scalar(select(func.count(Letter.id))))


async def case_good_rolled_back() -> None:
    async with sessions() as session:
        try:
            await session.execute(insert(Letter).values(subject="known"))
        except IntegrityError:
            await session.rollback()
        print(await session.scalar(select(func.count(Letter.id))))
        await session.commit()


async def case_good_from_memory() -> None:
    async with sessions() as session:
        first = await session.get(Letter, 1)
        try:
            await session.execute(text("select set_limit('low')"))
        except DBAPIError:
            log.info("no such function here")
        print(first is await session.get(Letter, 1))
        await session.flush()
        await session.commit()
        print(await session.scalar(select(func.count(Letter.id))))


async def case_good_no_transaction() -> None:
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with AsyncSession(autocommit, expire_on_commit=False) as session:
        try:
            await session.execute(text("select set_limit('low')"))
        except DBAPIError:
            log.info("no such function here")
        print(await session.scalar(select(func.count(Letter.id))))


async def case_good_raised_on() -> None:
    async with sessions() as session:
        try:
            try:
                await session.execute(insert(Letter).values(subject="known"))
            except IntegrityError as error:
                raise LookupError("known") from error
            await session.commit()
        except LookupError:
            return


class UnitOfWork:
    """It keeps a book of what it has done already."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.is_over = False

    async def commit(self) -> None:
        if not self.is_over:
            await self.session.commit()
            self.is_over = True

    async def rollback(self) -> None:
        if not self.is_over:
            await self.session.rollback()
            self.is_over = True


async def store_alone(session: AsyncSession, subject: str) -> int | None:
    work = UnitOfWork(session)
    try:
        await session.execute(insert(Letter).values(subject=subject))
        await work.commit()
        return await session.scalar(select(func.count(Letter.id)))
    except Exception:
        await work.rollback()
        raise


async def case_good_unit_of_work() -> None:
    async with sessions() as session:
        try:
            await store_alone(session, "known")
        except DBAPIError:
            log.info("we have that one")
        print(await session.scalar(select(func.count(Letter.id))))


async def case_good_tried_on_the_way_out() -> None:
    """Nobody has swallowed the error yet where a `finally` tries to put things right."""
    async with engine.connect() as connection:
        try:
            try:
                await connection.execute(text("set statement_timeout = '5s'"))
                await connection.execute(text("select nothing"))
            finally:
                try:
                    await connection.execute(text("set statement_timeout = '0'"))
                except DBAPIError:
                    log.warning("it stays as it is")
        except DBAPIError:
            await connection.rollback()


async def run(case: str) -> dict[str, object]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(insert(Letter).values(subject="known"))
    try:
        await globals()[case]()
    except DBAPIError as error:
        lines = []
        at = error.__traceback__
        while at is not None:
            if at.tb_frame.f_code.co_filename == __file__:
                lines.append(at.tb_lineno)
            at = at.tb_next
        return {"line": lines[-1], "says": str(error.orig)}
    return {"line": 0, "says": ""}


async def main() -> None:
    found = {name: await run(name) for name in list(globals()) if name.startswith("case_")}
    await engine.dispose()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
