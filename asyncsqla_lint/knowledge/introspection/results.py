"""What reading a Result gives, by reading real ones: three instances, one, none, joined collections.

A row is [shape, item, when empty, when there is more than one, needs unique(), afterwards].
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc, orm
from sqlalchemy.ext.asyncio import AsyncMappingResult, AsyncResult, AsyncScalarResult


class Base(orm.DeclarativeBase):
    pass


class Parent(Base):
    __tablename__ = "parent"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    children: orm.Mapped[list[Child]] = orm.relationship()


class Child(Base):
    __tablename__ = "child"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    parent_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("parent.id"))


Make = Callable[[orm.Session, bool], Any]
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "columns": (0,),
    "fetchmany": (2,),
    "partitions": (2,),
    "yield_per": (1,),
}


def _statement(joined: bool) -> sa.Select[Any]:
    statement = sa.select(Parent).order_by(Parent.id)
    return statement.options(orm.joinedload(Parent.children)) if joined else statement


def _execute(session: orm.Session, joined: bool) -> sa.Result[Any]:
    return session.execute(_statement(joined))


FAMILIES: dict[str, Make] = {
    "Result": _execute,
    "ScalarResult": lambda session, joined: _execute(session, joined).scalars(),
    "MappingResult": lambda session, joined: _execute(session, joined).mappings(),
    "AsyncResult": lambda session, joined: AsyncResult(_execute(session, joined)),
    "AsyncScalarResult": lambda session, joined: AsyncResult(_execute(session, joined)).scalars(),
    "AsyncMappingResult": lambda session, joined: AsyncResult(_execute(session, joined)).mappings(),
}
CLASSES: dict[str, type] = {
    "Result": sa.engine.Result,
    "ScalarResult": sa.ScalarResult,
    "MappingResult": sa.MappingResult,
    "AsyncResult": AsyncResult,
    "AsyncScalarResult": AsyncScalarResult,
    "AsyncMappingResult": AsyncMappingResult,
}


def reads() -> dict[str, dict[str, list[object]]]:
    return asyncio.run(_reads())


async def _reads() -> dict[str, dict[str, list[object]]]:
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    tables: dict[str, dict[str, list[object]]] = {}
    for family, make in FAMILIES.items():
        rows: dict[str, list[object]] = {}
        for name in sorted(_readers(CLASSES[family])):
            with orm.Session(engine) as session:
                rows[name] = await _observe(session, make, name)
        tables[family] = rows
    engine.dispose()
    return tables


def _readers(cls: type) -> set[str]:
    names = {"iterate"}
    for name in dir(cls):
        if name.startswith("_") or not inspect.isfunction(getattr(cls, name)):
            continue
        needed = [
            parameter
            for parameter in list(inspect.signature(getattr(cls, name)).parameters.values())[1:]
            if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ]
        if name in ARGUMENTS or not needed:
            names.add(name)
    return names - {"close", "freeze", "keys", "merge"}


async def _observe(session: orm.Session, make: Make, name: str) -> list[object]:
    for identity in (1, 2, 3):
        session.add(Parent(id=identity, children=[Child(), Child()]))
    session.flush()
    result = make(session, False)
    many = await _attempt(result, name)
    after = await _afterwards(result)
    joined = await _attempt(make(session, True), name)
    session.execute(sa.delete(Child))
    session.execute(sa.delete(Parent).where(Parent.id > 1))
    one = await _attempt(make(session, False), name)
    shape, item = _shape(one, result)
    session.execute(sa.delete(Parent))
    empty = _outcome(await _attempt(make(session, False), name))
    session.rollback()
    needs_unique = isinstance(joined, exc.InvalidRequestError) and "unique()" in str(joined)
    if isinstance(one, (sa.engine.Result, *CLASSES.values())):
        return [shape, item]
    return [shape, item, empty, _outcome(many), needs_unique, after]


async def _attempt(result: Any, name: str) -> object:
    try:
        if name == "iterate":
            value: object = result
            if isinstance(value, (AsyncIterator,)) or hasattr(value, "__aiter__"):
                return _Iterated([element async for element in result])
            return _Iterated(list(result))
        value = getattr(result, name)(*ARGUMENTS.get(name, ()))
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, AsyncIterator) and not hasattr(value, "all"):
            return _Iterated([element async for element in value])
        if isinstance(value, Iterator) and not hasattr(value, "all"):
            return _Iterated(list(value))
        return value
    except exc.SQLAlchemyError as error:
        return error


class _Iterated(list[object]):
    """What an iterator gave."""


def _shape(value: object, result: object) -> tuple[str, str]:
    if isinstance(value, _Iterated):
        return "iterator", _item(value[0]) if value else "Any"
    if isinstance(value, list):
        return "list", _item(value[0]) if value else "Any"
    if type(value) is type(result):
        return "self", type(value).__name__
    if hasattr(value, "partitions"):
        return "result", type(value).__name__
    return "one", _item(value)


def _item(value: object) -> str:
    if isinstance(value, list):
        return "list"
    if isinstance(value, sa.Row):
        return "row"
    return "mapping" if isinstance(value, Mapping) else "scalar"


def _outcome(value: object) -> str:
    if isinstance(value, Exception):
        return type(value).__name__
    if value is None:
        return "none"
    if isinstance(value, list):
        return "all" if value else "empty"
    return "first"


async def _afterwards(result: Any) -> str:
    """What a second read meets: `open`, `exhausted` (nothing, silently) or `closed` (ResourceClosedError)."""
    again = await _attempt(result, "all")
    if isinstance(again, exc.ResourceClosedError):
        return "closed"
    return "open" if again else "exhausted"
