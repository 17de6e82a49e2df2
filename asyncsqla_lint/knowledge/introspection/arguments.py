"""Keyword arguments of engines, pools and sessions, and which pools an asyncio engine takes."""

from __future__ import annotations

import ast
import inspect

import sqlalchemy
from sqlalchemy import exc, orm, pool
from sqlalchemy.engine import create
from sqlalchemy.ext import asyncio
from sqlalchemy.ext.asyncio import engine as asyncio_engine

# One harmless value for each keyword that only some pools take.
POOL_VALUES: dict[str, object] = {
    "echo_pool": False,
    "max_overflow": 1,
    "pool_events": (),
    "pool_logging_name": "name",
    "pool_pre_ping": False,
    "pool_recycle": 1,
    "pool_reset_on_return": None,
    "pool_size": 1,
    "pool_timeout": 1,
    "pool_use_lifo": False,
}
SYNC_URL = "sqlite://"
ASYNC_URL = "sqlite+aiosqlite://"


def engine_arguments() -> list[str]:
    """The documented keywords of `create_engine`: what its overload declares."""
    tree = ast.parse(inspect.getsource(create))
    return sorted(
        {
            argument.arg
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and node.name == "create_engine"
            for argument in node.args.kwonlyargs
            if not argument.arg.startswith("_")
        }
    )


def async_engine_arguments() -> dict[str, list[str]]:
    """What `create_async_engine` takes beyond `create_engine`, and what it refuses."""
    tree = ast.parse(inspect.getsource(asyncio_engine.create_async_engine))
    read = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in ("get", "pop")
        if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }
    refused = {name for name in read if _refused(name)}
    return {"more": sorted(read - refused - set(engine_arguments())), "refused": sorted(refused)}


def _refused(name: str) -> bool:
    try:
        asyncio.create_async_engine(ASYNC_URL, **{name: True})
    except (exc.InvalidRequestError, exc.ArgumentError):
        return True
    except Exception:  # the value was wrong, not the name
        return False
    return False


def pools() -> dict[str, dict[str, object]]:
    classes = {value.__name__: value for value in vars(pool).values() if _is_pool(value)}
    return {name: _describe(cls) for name, cls in sorted(classes.items())}


def _is_pool(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, pool.Pool) and value is not pool.Pool


def _describe(cls: type[pool.Pool]) -> dict[str, object]:
    # A pool that suits neither kind of engine would have no arguments to ask for.
    takes_sync, takes_async = _accepts(SYNC_URL, cls), _accepts(ASYNC_URL, cls)
    url = SYNC_URL if takes_sync else ASYNC_URL
    return {
        "sync": takes_sync,
        "async": takes_async,
        "arguments": [name for name, value in POOL_VALUES.items() if _accepts(url, cls, **{name: value})],
    }


def _accepts(url: str, cls: type[pool.Pool], **keywords: object) -> bool:
    try:
        sqlalchemy.create_engine(url, poolclass=cls, **keywords)
    except (exc.ArgumentError, TypeError):
        return False
    return True


def session_arguments() -> dict[str, dict[str, object]]:
    """Keyword → default. `**` names the class that takes the rest."""
    rests: dict[type, str] = {
        orm.Session: "",
        orm.sessionmaker: "Session",
        asyncio.AsyncSession: "Session",
        asyncio.async_sessionmaker: "AsyncSession",
    }
    table: dict[str, dict[str, object]] = {}
    for cls, rest in rests.items():
        row: dict[str, object] = {}
        for name, parameter in inspect.signature(cls).parameters.items():
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                row[name] = _default(parameter.default)
        if rest:
            row["**"] = rest
        table[cls.__name__] = row
    scoped = inspect.signature(asyncio.async_scoped_session).parameters
    table["async_scoped_session"] = {
        name: "required" if parameter.default is parameter.empty else _default(parameter.default)
        for name, parameter in scoped.items()
    }
    return table


def _default(value: object) -> object:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return value.__name__ if isinstance(value, type) else "unset"


def ddl() -> dict[str, list[str]]:
    """Methods that emit DDL through a `bind`, which must not be an async engine or connection."""
    table: dict[str, list[str]] = {}
    for name in ("MetaData", "Table", "Index", "Sequence", "Enum"):
        cls = getattr(sqlalchemy, name)
        found = [
            method
            for method, function in inspect.getmembers(cls, inspect.isfunction)
            if not method.startswith("_") and "bind" in inspect.signature(function).parameters
        ]
        # `compile(bind=…)` takes an engine for its dialect and does no I/O.
        table[name] = sorted(set(found) - {"compile", "bind_processor", "with_variant"})
    return table
