"""What `event.listen` says to each kind of target: the error's name, or `ok`."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import event, orm
from sqlalchemy.ext import asyncio

ENGINE_EVENT = "before_cursor_execute"
SESSION_EVENT = "before_commit"


def _listener(*arguments: object, **keywords: object) -> None:
    pass


def event_targets() -> dict[str, dict[str, str]]:
    engine = asyncio.create_async_engine("sqlite+aiosqlite://")
    maker = asyncio.async_sessionmaker(engine)
    session = maker()
    scoped = asyncio.async_scoped_session(maker, scopefunc=lambda: None)
    connection = asyncio.AsyncConnection(engine)
    plain = sqlalchemy.create_engine("sqlite://")
    engines: dict[str, tuple[object, type]] = {
        "AsyncEngine": (engine, asyncio.AsyncEngine),
        "AsyncConnection": (connection, asyncio.AsyncConnection),
        "Engine": (plain, sqlalchemy.Engine),
    }
    sessions: dict[str, tuple[object, type]] = {
        "AsyncSession": (session, asyncio.AsyncSession),
        "async_sessionmaker": (maker, asyncio.async_sessionmaker),
        "async_scoped_session": (scoped, asyncio.async_scoped_session),
        "Session": (session.sync_session, orm.Session),
        "sessionmaker": (orm.sessionmaker(plain), orm.sessionmaker),
        "scoped_session": (orm.scoped_session(orm.sessionmaker(plain)), orm.scoped_session),
    }
    table: dict[str, dict[str, str]] = {}
    for name, targets in sorted({**engines, **sessions}.items()):
        identifier = ENGINE_EVENT if name in engines else SESSION_EVENT
        instance, cls = targets
        table[name] = {"instance": _outcome(instance, identifier), "class": _outcome(cls, identifier)}
    return table


def _outcome(target: object, identifier: str) -> str:
    try:
        event.listen(target, identifier, _listener)
    except Exception as error:
        return type(error).__name__
    event.remove(target, identifier, _listener)
    return "ok"
