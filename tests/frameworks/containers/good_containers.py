"""A harbour whose services are made by containers; they load what they read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from dependency_injector import containers, providers
from dependency_injector.wiring import Provide, inject
from dishka import Provider, Scope, make_async_container, provide
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class Ship(Base):
    __tablename__ = "ships"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    crew: Mapped[list[Sailor]] = relationship(back_populates="ship")


class Sailor(Base):
    __tablename__ = "sailors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    ship_id: Mapped[int] = mapped_column(ForeignKey("ships.id"))
    ship: Mapped[Ship] = relationship(back_populates="crew")


class Ships:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def named(self, name: str) -> Ship | None:
        return await self.session.scalar(
            select(Ship).where(Ship.name == name).options(selectinload(Ship.crew))
        )


class Sailors:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def count(self) -> int:
        return await self.session.scalar(select(func.count(Sailor.id))) or 0


class Harbour:
    def __init__(self, ships: Ships, sailors: Sailors) -> None:
        self.ships = ships
        self.sailors = sailors

    async def muster(self) -> list[str]:
        ship = await self.ships.named("Argo")
        assert ship is not None
        return [sailor.name for sailor in ship.crew]

    async def report(self) -> None:
        await self.ships.named("Argo")
        await self.sailors.count()


class Registry:
    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions

    async def ship_of(self, name: str) -> str:
        query = select(Sailor).where(Sailor.name == name).options(selectinload(Sailor.ship))
        async with self.sessions() as session:
            sailor = (await session.scalars(query)).one()
        return sailor.ship.name

    async def ships_of(self, *names: str) -> list[str]:
        return await asyncio.gather(*map(self.ship_of, names))


class Database(Provider):
    scope = Scope.APP

    @provide
    async def engine(self) -> AsyncIterator[AsyncEngine]:
        engine = create_async_engine("sqlite+aiosqlite:///app.db")
        await fill(engine)
        yield engine
        await engine.dispose()

    @provide
    def sessions(self, engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
        return async_sessionmaker(engine)

    @provide(scope=Scope.REQUEST)
    async def session(self, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session


class Services(Provider):
    scope = Scope.REQUEST
    ships = provide(Ships)
    sailors = provide(Sailors)
    harbour = provide(Harbour)


class Container(containers.DeclarativeContainer):
    engine = providers.Singleton(create_async_engine, "sqlite+aiosqlite:///app.db")
    sessions = providers.Singleton(async_sessionmaker, bind=engine, expire_on_commit=False)
    registry = providers.Factory(Registry, sessions=sessions)


container = Container()


async def fill(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session, session.begin():
        session.add(Ship(name="Argo", crew=[Sailor(name="Jason")]))


@inject
async def renamed(name: str, sessions: async_sessionmaker[AsyncSession] = Provide[Container.sessions]) -> str:
    async with sessions() as session:
        ship = (await session.scalars(select(Ship).where(Ship.name == name))).one()
        ship.name = "Argo II"
        await session.commit()
        return ship.name


async def case_of_a_service() -> None:
    box = make_async_container(Database(), Services())
    try:
        async with box() as request:
            harbour = await request.get(Harbour)
            await harbour.muster()
            await harbour.report()
    finally:
        await box.close()


async def case_session_of_a_request() -> None:
    box = make_async_container(Database(), Services())
    try:
        async with box() as request:
            session = await request.get(AsyncSession)
            ship = Ship(name="Beagle")
            session.add(ship)
            await session.commit()
            await session.refresh(ship)
            print(ship.name)
    finally:
        await box.close()


async def case_made_by_a_factory() -> None:
    try:
        await fill(container.engine())
        await container.registry().ships_of("Jason", "Jason")
    finally:
        await container.engine().dispose()


async def case_given_by_its_default() -> None:
    container.wire(modules=[__name__])
    try:
        await fill(container.engine())
        await renamed("Argo")
    finally:
        await container.engine().dispose()
