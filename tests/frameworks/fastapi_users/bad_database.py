"""A database of FastAPI Users that the project has added to: what it has from the library is known."""

# ruff: noqa: B008
from __future__ import annotations

import httpx
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTable[int], Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kites: Mapped[list[Kite]] = relationship(lazy="joined")
    prizes: Mapped[list[Prize]] = relationship()


class Kite(Base):
    __tablename__ = "kites"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    colour: Mapped[str]


class Prize(Base):
    __tablename__ = "prizes"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    year: Mapped[int]


SECRET = "long enough to be a secret of somebody"
engine = create_async_engine("sqlite+aiosqlite:///app.db")
sessions = async_sessionmaker(engine, expire_on_commit=False)


class UserDatabase(SQLAlchemyUserDatabase[User, int]):
    async def named(self, name: str) -> User | None:
        result = await self.session.execute(select(User).where(User.name == name))
        return result.scalar_one_or_none()  # expect: ASQ307


class UserManager(IntegerIDMixin, BaseUserManager[User, int]):
    pass


async def get_session():
    async with sessions() as session:
        yield session


async def get_user_database(session: AsyncSession = Depends(get_session)):
    yield UserDatabase(session, User)


async def get_user_manager(database: UserDatabase = Depends(get_user_database)):
    yield UserManager(database)


def get_strategy() -> JWTStrategy:
    return JWTStrategy(secret=SECRET, lifetime_seconds=60)


backend = AuthenticationBackend("jwt", BearerTransport(tokenUrl="login"), get_strategy)
users = FastAPIUsers[User, int](get_user_manager, [backend])
current_user = users.current_user(active=True)
app = FastAPI()


@app.get("/colours")
async def colours(user: User = Depends(current_user)) -> list[str]:
    return [kite.colour for kite in user.kites]


@app.get("/years")
async def years(user: User = Depends(current_user)) -> list[int]:
    return [prize.year for prize in user.prizes]  # expect: ASQ301


@app.get("/named/{name}")
async def named(name: str, database: UserDatabase = Depends(get_user_database)) -> bool:
    return await database.named(name) is not None


async def get(path: str) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    try:
        async with sessions.begin() as session:
            session.add(
                User(
                    name="Franklin",
                    email="ben@host.org",
                    hashed_password="",
                    is_active=True,
                    is_superuser=False,
                    is_verified=True,
                    kites=[Kite(colour="red")],
                    prizes=[Prize(year=1753)],
                )
            )
        token = await get_strategy().write_token(User(id=1))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host") as client:
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200
    finally:
        await engine.dispose()


async def case_years() -> None:
    await get("/years")


async def case_named() -> None:
    await get("/named/Franklin")
