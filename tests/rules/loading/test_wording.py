"""The mend that a message names is one that SQLAlchemy takes: the whole chain, from the query's entity."""

from __future__ import annotations

from pathlib import Path

import pytest

import asyncsqla_lint

MODELS = """\
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, backref, joinedload, mapped_column, relationship
from sqlalchemy.orm import selectinload


class Base(DeclarativeBase):
    pass


class Carrier(Base):
    __tablename__ = "carrier"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind"}


class Ship(Carrier):
    __mapper_args__ = {"polymorphic_identity": "ship"}
    containers: Mapped[list["Container"]] = relationship()


class Container(Base):
    __tablename__ = "container"
    id: Mapped[int] = mapped_column(primary_key=True)
    ship_id: Mapped[int] = mapped_column(ForeignKey("carrier.id"))


class Route(Base):
    __tablename__ = "route"
    id: Mapped[int] = mapped_column(primary_key=True)
    carrier_id: Mapped[int] = mapped_column(ForeignKey("carrier.id"))
    carrier: Mapped[Carrier] = relationship(backref=backref("routes"))


async def read(session: AsyncSession) -> None:
    {program}
"""

ROUTE = "route = await session.get_one(Route, 1, options=[joinedload(Route.carrier)])"


@pytest.mark.parametrize(
    ("program", "option"),
    [
        ("print((await session.get_one(Route, 1)).carrier)", "joinedload(Route.carrier)"),
        ("print((await session.get_one(Ship, 1)).containers)", "selectinload(Ship.containers)"),
        ("print((await session.get_one(Carrier, 1)).routes)", "selectinload(Carrier.routes)"),
        (
            f"{ROUTE}; print(route.carrier.routes)",
            "joinedload(Route.carrier).selectinload(Carrier.routes)",
        ),
        (
            f"{ROUTE.replace('joined', 'selectin')}; print(route.carrier.routes)",
            "selectinload(Route.carrier).selectinload(Carrier.routes)",
        ),
        (
            f"{ROUTE}; ship = route.carrier; assert isinstance(ship, Ship); print(ship.containers)",
            "joinedload(Route.carrier.of_type(Ship)).selectinload(Ship.containers)",
        ),
    ],
)
def test_the_option_begins_at_the_entity_of_the_query(tmp_path: Path, program: str, option: str) -> None:
    (tmp_path / "routes.py").write_text(MODELS.replace("{program}", program))
    (finding,) = asyncsqla_lint.check([tmp_path])
    assert finding.code == "ASQ301"
    assert f"add `.options({option})` to the query" in finding.message


GOT = "carrier = await session.get_one(Carrier, 1{options}); session.expire(carrier); "


@pytest.mark.parametrize(
    ("program", "mend"),
    [
        (f"{GOT.format(options='')}print(carrier.kind)", "refresh(obj)"),
        (f"{GOT.format(options='')}print(carrier.routes)", 'refresh(obj, ["routes"])'),
        (f"{GOT.format(options='')}carrier.routes.append(Route())", 'refresh(obj, ["routes"])'),
        (
            f"{GOT.format(options=', options=[selectinload(Carrier.routes)]')}print(carrier.routes)",
            "refresh(obj)",
        ),
    ],
)
def test_a_refresh_names_what_a_bare_one_leaves_lazy(tmp_path: Path, program: str, mend: str) -> None:
    (tmp_path / "routes.py").write_text(MODELS.replace("{program}", program))
    found = [one for one in asyncsqla_lint.check([tmp_path]) if one.code in ("ASQ302", "ASQ311")]
    assert [one.message.rpartition("; ")[2] for one in found] == [f"`await session.{mend}` first"]
