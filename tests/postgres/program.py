"""What overlapping tasks and forgotten commits do on PostgreSQL.

`python program.py URL` runs each case on a fresh engine and prints what happened, as JSON: the names of the
exceptions that came out of it (a cause or context counts), and what is stored afterwards.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import ForeignKey, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int]


class Booking(Base):
    __tablename__ = "booking"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))


async def balance(session: AsyncSession, number: int) -> int:
    found = await session.scalar(select(Account.balance).where(Account.id == number))
    return found or 0


async def book(session: AsyncSession, number: int) -> None:
    session.add(Booking(account_id=number))
    await session.flush()


async def move(connection: AsyncConnection, number: int, amount: int) -> None:
    await connection.execute(
        update(Account).where(Account.id == number).values(balance=Account.balance + amount)
    )


# --- sessions ------------------------------------------------------------------------------------


async def case_one_session(engine: AsyncEngine) -> None:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await asyncio.gather(balance(session, 1), balance(session, 2))  # expect: ASQ201


async def case_one_session_flushed_by_two(engine: AsyncEngine) -> None:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        await balance(session, 1)
        await asyncio.gather(book(session, 1), book(session, 2))  # expect: ASQ201
        await session.commit()


async def case_a_session_each(engine: AsyncEngine) -> None:
    async with (
        AsyncSession(engine, expire_on_commit=False) as one,
        AsyncSession(engine, expire_on_commit=False) as two,
    ):
        await asyncio.gather(book(one, 1), book(two, 2))
        await asyncio.gather(one.commit(), two.commit())


# --- connections ---------------------------------------------------------------------------------


async def case_one_connection(engine: AsyncEngine) -> None:
    """No statement is refused; but what fails for one task fails the transaction of both."""
    async with engine.connect() as connection:
        await move(connection, 1, 5)
        nowhere = connection.execute(text("select * from nowhere"))
        await asyncio.gather(nowhere, move(connection, 2, 5), return_exceptions=True)  # expect: ASQ209
        await move(connection, 1, 5)
        await connection.commit()


async def case_a_connection_each(engine: AsyncEngine) -> None:
    async with engine.begin() as one, engine.connect() as two:
        nowhere = two.execute(text("select * from nowhere"))
        await asyncio.gather(move(one, 1, 5), nowhere, return_exceptions=True)
        await move(one, 2, 5)


# --- commits -------------------------------------------------------------------------------------


async def case_never_committed(engine: AsyncEngine) -> None:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        session.add(Booking(account_id=1))  # expect: ASQ206
        await session.flush()


async def case_never_committed_on_a_connection(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(insert(Booking).values(account_id=1))  # expect: ASQ206


async def case_savepoint_alone(engine: AsyncEngine) -> None:
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin_nested():
        session.add(Booking(account_id=1))  # expect: ASQ206


async def case_committed(engine: AsyncEngine) -> None:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        async with session.begin_nested():
            session.add(Booking(account_id=1))
        await session.commit()
    async with engine.begin() as connection:
        await connection.execute(insert(Booking).values(account_id=1))


async def case_autocommit(engine: AsyncEngine) -> None:
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(insert(Booking).values(account_id=1))


# --- running -------------------------------------------------------------------------------------


# What a case before has left behind may still hold its locks.
OTHERS = text(
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where datname = current_database() and pid <> pg_backend_pid()"
)


@asynccontextmanager
async def filled(url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.execute(OTHERS)
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
            await connection.execute(
                insert(Account).values([{"id": 1, "balance": 0}, {"id": 2, "balance": 0}])
            )
        yield engine
    finally:
        await engine.dispose()


def names(error: BaseException | None) -> list[str]:
    found = []
    while error is not None:
        found += [cls.__name__ for cls in type(error).__mro__]
        error = error.__cause__ or error.__context__
    return found


async def run(url: str, case: Callable[[AsyncEngine], Awaitable[None]]) -> dict[str, object]:
    raised: list[str] = []
    async with filled(url) as prepared:
        await prepared.dispose()  # so that the case's first use has to connect
        engine = create_async_engine(url)
        try:
            await asyncio.wait_for(case(engine), timeout=10)
        except Exception as error:
            raised = names(error)
        finally:
            await engine.dispose()
        async with prepared.connect() as connection:
            bookings = await connection.scalar(select(func.count()).select_from(Booking))
            total = await connection.scalar(select(func.sum(Account.balance)))
    return {"raised": raised, "bookings": bookings, "total": total}


def main(url: str) -> None:
    cases = {name: case for name, case in globals().items() if name.startswith("case_")}
    print(json.dumps({name: asyncio.run(run(url, case)) for name, case in cases.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
