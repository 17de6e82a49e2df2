"""A project of any size: features with models, repositories, services, routes and tests, one like another in
shape and all different in their names, as the services of large organisations are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_TOGETHER = 8  # features whose models refer to each other

BASE = '''
"""The declarative base, the engine and the sessions."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """What every table of the service derives from."""


engine = create_async_engine("postgresql+asyncpg://localhost/shop", pool_pre_ping=True)
make_session = async_sessionmaker(engine, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


async def shut_down() -> None:
    await engine.dispose()
'''

MODELS = '''
"""Tables of {name}."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.database import Base
{imports}

class {Name}(Base):
    """A {name}, with its lines."""

    __tablename__ = "{name}"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(String(2000), default=None)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    is_open: Mapped[bool] = mapped_column(default=True)
{parent_columns}
    lines: Mapped[list[{Name}Line]] = relationship(back_populates="{name}", cascade="all, delete-orphan")

    @property
    def total(self) -> int:
        return sum(line.amount * line.price for line in self.lines)

    def describe(self) -> str:
        state = "open" if self.is_open else "closed"
        return f"{{self.title}} ({{state}})"


class {Name}Line(Base):
    """One line of a {name}."""

    __tablename__ = "{name}_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    {name}_id: Mapped[int] = mapped_column(ForeignKey("{name}.id"))
    amount: Mapped[int]
    price: Mapped[int]
    {name}: Mapped[{Name}] = relationship(back_populates="lines")
'''

REPOSITORY = '''
"""Queries for {name}."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from shop.{name}.models import {Name}, {Name}Line


class {Name}Repository:
    """Everything that reads or writes a {name}."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, {name}_id: int) -> {Name} | None:
        return await self.session.get({Name}, {name}_id)

    async def with_lines(self, {name}_id: int) -> {Name} | None:
        query = select({Name}).where({Name}.id == {name}_id).options(selectinload({Name}.lines))
        return (await self.session.scalars(query)).one_or_none()

    async def page(self, offset: int = 0, limit: int = 50) -> Sequence[{Name}]:
        query = select({Name}).order_by({Name}.created_at.desc()).offset(offset).limit(limit)
        return (await self.session.scalars(query)).all()

    async def search(self, words: list[str], is_open: bool | None = None) -> Sequence[{Name}]:
        query = select({Name}).options(selectinload({Name}.lines))
        for word in words:
            query = query.where({Name}.title.ilike(f"%{{word}}%"))
        if is_open is not None:
            query = query.where({Name}.is_open == is_open)
        return (await self.session.scalars(query)).all()

    async def count(self) -> int:
        return await self.session.scalar(select(func.count()).select_from({Name})) or 0

    async def add(self, title: str, lines: list[tuple[int, int]]) -> {Name}:
        made = {Name}(title=title, lines=[])
        for amount, price in lines:
            made.lines.append({Name}Line(amount=amount, price=price))
        self.session.add(made)
        await self.session.flush()
        return made

    async def remove(self, {name}: {Name}) -> None:
        await self.session.delete({name})
        await self.session.flush()
'''

SERVICE = '''
"""What one does with {name}s."""

import logging
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shop.{name}.models import {Name}
from shop.{name}.repository import {Name}Repository
{imports}
logger = logging.getLogger(__name__)


class {Name}NotFound(Exception):
    """There is no such {name}."""


@dataclass
class {Name}Summary:
    title: str
    total: int
    is_large: bool


class {Name}Service:
    LARGE = 10_000

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.{name}s = {Name}Repository(session)

    async def summary(self, {name}_id: int) -> {Name}Summary:
        found = await self.{name}s.{get}({name}_id)
        if found is None:
            raise {Name}NotFound({name}_id)
        total = sum(line.amount * line.price for line in found.lines)
        return {Name}Summary(found.title, total, total > self.LARGE)

    async def create(self, title: str, lines: list[tuple[int, int]]) -> {Name}:
        if not title.strip():
            raise ValueError("a {name} needs a title")
        made = await self.{name}s.add(title.strip(), lines)
        await self.session.commit()
        logger.info("created %s", made.id)
        return made

    async def close(self, {name}_id: int) -> {Name}:
        found = await self.{name}s.with_lines({name}_id)
        if found is None:
            raise {Name}NotFound({name}_id)
        if not found.lines:
            raise ValueError("an empty {name} cannot be closed")
        found.is_open = False
        try:
            await self.session.commit()
        except Exception:
            await self.session.rollback()
            raise
        return found

    async def totals(self, words: list[str]) -> dict[str, int]:
        totals: dict[str, int] = {{}}
        for one in await self.{name}s.search(words):
            totals[one.title] = totals.get(one.title, 0) + one.total
        return dict(sorted(totals.items(), key=lambda item: -item[1]))
'''

ROUTES = '''
"""HTTP for {name}s."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from shop.database import get_session
from shop.{name}.repository import {Name}Repository
from shop.{name}.service import {Name}NotFound, {Name}Service

router = APIRouter(prefix="/{name}s", tags=["{name}"])
Session = Annotated[AsyncSession, Depends(get_session)]


class {Name}Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    is_open: bool


class {Name}Create(BaseModel):
    title: str
    lines: list[tuple[int, int]]


@router.get("/", response_model=list[{Name}Read])
async def list_{name}s(session: Session, offset: int = 0, limit: int = 50):
    return await {Name}Repository(session).page(offset, limit)


@router.get("/{{{name}_id}}", response_model={Name}Read)
async def read_{name}({name}_id: int, session: Session):
    found = await {Name}Repository(session).get({name}_id)
    if found is None:
        raise HTTPException(404, "no such {name}")
    return found


@router.post("/", response_model={Name}Read, status_code=201)
async def create_{name}(given: {Name}Create, session: Session):
    try:
        return await {Name}Service(session).create(given.title, given.lines)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


@router.post("/{{{name}_id}}/close", response_model={Name}Read)
async def close_{name}({name}_id: int, session: Session):
    try:
        return await {Name}Service(session).close({name}_id)
    except {Name}NotFound:
        raise HTTPException(404, "no such {name}") from None
'''

TESTS = '''
"""Tests of {name}s."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shop.{name}.service import {Name}NotFound, {Name}Service


@pytest.fixture
def service(session: AsyncSession) -> {Name}Service:
    return {Name}Service(session)


async def test_a_{name}_is_created(service: {Name}Service) -> None:
    made = await service.create(" first ", [(1, 100), (2, 50)])
    assert made.title == "first"
    assert (await service.summary(made.id)).total == 200


async def test_an_empty_{name}_cannot_be_closed(service: {Name}Service) -> None:
    made = await service.create("empty", [])
    with pytest.raises(ValueError):
        await service.close(made.id)


async def test_an_unknown_{name}_is_not_found(service: {Name}Service) -> None:
    with pytest.raises({Name}NotFound):
        await service.summary(-1)
'''

CONFTEST = """
import pytest_asyncio

from shop.database import make_session


@pytest_asyncio.fixture
async def session():
    async with make_session() as session:
        yield session
"""

HELPERS = '''
"""Text and numbers: nothing of the database."""


def initials(words: list[str]) -> str:
    return "".join(word[0].upper() for word in words if word)


def shortened(text: str, length: int = {number}) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def grouped(numbers: list[int], size: int) -> list[list[int]]:
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


class Counter{number}:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {{}}

    def add(self, word: str) -> None:
        self.counts[word] = self.counts.get(word, 0) + 1

    def most(self, limit: int = 3) -> list[str]:
        return sorted(self.counts, key=lambda word: (-self.counts[word], word))[:limit]
'''

_FIRST = "order invoice parcel ticket booking contract project account ledger meeting recipe journey".split()
_SECOND = "north south red blue plain early late inner outer first spare main".split()


def feature_name(number: int) -> str:
    word = _FIRST[number % len(_FIRST)]
    other = _SECOND[number // len(_FIRST) % len(_SECOND)]
    return f"{other}_{word}_{number}"


def files_of(number: int) -> Iterator[tuple[str, str]]:
    """The files of one feature; every tenth has a query that does not load what is read."""
    name = feature_name(number)
    words = {"name": name, "Name": name.title().replace("_", ""), "number": str(number)}
    imports = columns = service_imports = ""
    if number % _TOGETHER:
        parent = feature_name(number - 1)
        Parent = parent.title().replace("_", "")
        imports = f"from shop.{parent}.models import {Parent}\n"
        columns = (
            f'    {parent}_id: Mapped[int | None] = mapped_column(ForeignKey("{parent}.id"))\n'
            f"    {parent}: Mapped[{Parent} | None] = relationship()\n"
        )
        service_imports = f"from shop.{parent}.repository import {Parent}Repository  # noqa: F401\n"
    words["get"] = "get" if number % 10 == 3 else "with_lines"
    yield f"shop/{name}/__init__.py", ""
    yield f"shop/{name}/models.py", MODELS.format(**words, imports=imports, parent_columns=columns)
    yield f"shop/{name}/repository.py", REPOSITORY.format(**words)
    yield f"shop/{name}/service.py", SERVICE.format(**words, imports=service_imports)
    yield f"shop/{name}/routes.py", ROUTES.format(**words)
    yield f"shop/{name}/helpers.py", HELPERS.format(**words)
    yield f"tests/test_{name}.py", TESTS.format(**words)


def write_project(root: Path, lines: int) -> int:
    """Write at least so many lines; how many they are."""
    written = 0

    def write(name: str, text: str) -> None:
        nonlocal written
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
        written += text.lstrip("\n").count("\n")

    write("pyproject.toml", '[project]\nname = "shop"\nversion = "1"\n')
    write("shop/__init__.py", "")
    write("shop/database.py", BASE)
    write("tests/conftest.py", CONFTEST)
    number = 0
    while written < lines:
        for name, text in files_of(number):
            write(name, text)
        number += 1
    names = [feature_name(each) for each in range(number)]
    imports = "\n".join(f"from shop.{name}.routes import router as {name}_router" for name in names)
    included = "\n".join(f"app.include_router({name}_router)" for name in names)
    write("shop/main.py", f"from fastapi import FastAPI\n\n{imports}\n\napp = FastAPI()\n{included}\n")
    return written
