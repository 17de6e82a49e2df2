"""`framework` says which frameworks there are: what another would mean is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

import asyncsqla_lint
from asyncsqla_lint.frameworks import registry
from asyncsqla_lint.workspace.config import FRAMEWORKS
from asyncsqla_lint.workspace.config_files import load_config

PROGRAM = """\
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    jars: Mapped[list["Jar"]] = relationship()


class Jar(Base):
    __tablename__ = "jar"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))


class JarRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


class ShelfRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    jars: list[JarRead]


async def shown(session: AsyncSession) -> ShelfRead:
    return ShelfRead.model_validate(await session.get_one(Shelf, 1))
"""


@pytest.mark.parametrize(
    ("frameworks", "codes"),
    [
        ([], ["ASQ308"]),
        (["pydantic"], ["ASQ308"]),
        (["fastapi"], ["ASQ308"]),  # which is built on pydantic
        (["litestar", "pytest"], []),
    ],
)
def test_only_the_named_frameworks_mean_something(
    tmp_path: Path, frameworks: list[str], codes: list[str]
) -> None:
    (tmp_path / "shelves.py").write_text(PROGRAM)
    config = load_config([str(tmp_path)], overrides={"framework": frameworks})
    assert [finding.code for finding in asyncsqla_lint.check([tmp_path], config)] == codes


def test_each_framework_can_be_named() -> None:
    assert sorted(registry.FRAMEWORKS) == sorted(FRAMEWORKS)
