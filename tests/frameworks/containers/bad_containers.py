"""A harbour whose services are made by containers, dishka's and dependency-injector's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from dependency_injector import containers, providers
from dependency_injector.wiring import Provide, inject
from dishka import Provider, Scope, make_async_container, provide
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


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
        return await self.session.scalar(select(Ship).where(Ship.name == name))


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
        return [sailor.name for sailor in ship.crew]  # expect: ASQ301

    async def report(self) -> None:
        await asyncio.gather(self.ships.named("Argo"), self.sailors.count())  # expect: ASQ201 silent


class Registry:
    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions

    async def ship_of(self, name: str) -> str:
        async with self.sessions() as session:
            sailor = (await session.scalars(select(Sailor).where(Sailor.name == name))).one()
        return sailor.ship.name  # expect: ASQ303


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
async def crew_of(name: str, sessions: async_sessionmaker[AsyncSession] = Provide[Container.sessions]) -> int:
    async with sessions() as session:
        ship = (await session.scalars(select(Ship).where(Ship.name == name))).one()
        return len(ship.crew)  # expect: ASQ301


async def case_of_a_service() -> None:
    box = make_async_container(Database(), Services())
    try:
        async with box() as request:
            await (await request.get(Harbour)).muster()
    finally:
        await box.close()


async def case_services_of_one_session() -> None:
    box = make_async_container(Database(), Services())
    try:
        async with box() as request:
            await (await request.get(Harbour)).report()
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
            print(ship.name)  # expect: ASQ302
    finally:
        await box.close()


async def case_made_by_a_factory() -> None:
    try:
        await fill(container.engine())
        await container.registry().ship_of("Jason")
    finally:
        await container.engine().dispose()


async def case_given_by_its_default() -> None:
    container.wire(modules=[__name__])
    try:
        await fill(container.engine())
        await crew_of("Argo")
    finally:
        await container.engine().dispose()
