"""The current user of FastAPI Users is in the session of the request, which loads what is read of it."""

# ruff: noqa: B008
from __future__ import annotations

import httpx
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTable[int], Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kites: Mapped[list[Kite]] = relationship()


class Kite(Base):
    __tablename__ = "kites"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    colour: Mapped[str]


class KiteRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    colour: str


class UserRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    kites: list[KiteRead]


SECRET = "long enough to be a secret of somebody"
engine = create_async_engine("sqlite+aiosqlite:///app.db")
sessions = async_sessionmaker(engine, expire_on_commit=True)


class UserManager(IntegerIDMixin, BaseUserManager[User, int]):
    pass


async def get_session():
    async with sessions() as session:
        yield session


async def get_user_database(session: AsyncSession = Depends(get_session)):
    yield SQLAlchemyUserDatabase(session, User)


async def get_user_manager(database: SQLAlchemyUserDatabase = Depends(get_user_database)):
    yield UserManager(database)


def get_strategy() -> JWTStrategy:
    return JWTStrategy(secret=SECRET, lifetime_seconds=60)


backend = AuthenticationBackend("jwt", BearerTransport(tokenUrl="login"), get_strategy)
users = FastAPIUsers[User, int](get_user_manager, [backend])
current_user = users.current_user(active=True)
app = FastAPI()


@app.get("/colours")
async def colours(
    user: User = Depends(current_user), session: AsyncSession = Depends(get_session)
) -> list[str]:
    await session.refresh(user, ["kites"])
    return [kite.colour for kite in user.kites]


@app.get("/me", response_model=UserRead)
async def me(user: User = Depends(current_user), session: AsyncSession = Depends(get_session)):
    return await session.scalar(select(User).where(User.id == user.id).options(selectinload(User.kites)))


@app.get("/renamed")
async def renamed(user: User = Depends(current_user), session: AsyncSession = Depends(get_session)) -> str:
    user.name = "Benjamin"
    await session.commit()
    await session.refresh(user, ["name"])
    return user.name


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
                )
            )
        token = await get_strategy().write_token(User(id=1))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host") as client:
            answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200
    finally:
        await engine.dispose()


async def case_colours() -> None:
    await get("/colours")


async def case_me() -> None:
    await get("/me")


async def case_renamed() -> None:
    await get("/renamed")
