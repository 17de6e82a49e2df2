"""The asyncio classes, their sync counterparts, and what each method is."""

from __future__ import annotations

import importlib
import inspect
import re

import sqlalchemy
import sqlalchemy.ext.asyncio
import sqlalchemy.ext.asyncio.base
import sqlalchemy.orm
from sqlalchemy import engine, ext, orm

from .signatures import attribute_type, is_attribute, kind_of, parameters, returns

SYNC_CLASSES: tuple[type, ...] = (
    engine.Connection,
    engine.CursorResult,
    engine.Engine,
    engine.MappingResult,
    engine.Result,
    engine.ScalarResult,
    engine.Transaction,
    engine.TupleResult,
    orm.AppenderQuery,
    orm.Session,
    orm.SessionTransaction,
    orm.WriteOnlyCollection,
    orm.scoped_session,
    orm.sessionmaker,
    sqlalchemy.MetaData,
)
PROTOCOLS = {
    "__aenter__": "async_context",
    "__aiter__": "async_iterable",
    "__await__": "awaitable",
    "__call__": "callable",
    "__enter__": "context",
    "__iter__": "iterable",
}

Row = list[str]


def async_classes() -> list[type]:
    found = [value for value in vars(ext.asyncio).values() if isinstance(value, type)]
    return sorted((cls for cls in found if _is_ours(cls)), key=lambda cls: cls.__name__)


def classes() -> dict[str, object]:
    """Public classes first, then the private ones that their methods give (`async_sessionmaker.begin`)."""
    table: dict[str, object] = {}
    waiting = [*async_classes(), *SYNC_CLASSES]
    while waiting:
        cls = waiting.pop()
        table[cls.__name__] = describe(cls)
        module = inspect.getmodule(cls)
        for name in {row[1].rstrip("?") for row in _methods(cls).values()}:
            given = getattr(module, name, None)
            if isinstance(given, type) and name.startswith("_") and _has(given, "__aenter__"):
                waiting.append(given)
    return table


def describe(cls: type) -> dict[str, object]:
    row: dict[str, object] = {
        "path": _public_path(cls),
        "protocols": sorted(word for name, word in PROTOCOLS.items() if _has(cls, name)),
        "methods": _methods(cls),
        "arguments": parameters(cls.__init__),  # type: ignore[misc]
    }
    if hasattr(cls, "__aenter__"):
        row["enters"] = _entered(cls)
    twin = counterpart(cls)
    if twin is not None:
        row["sync"] = twin.__name__
        row["missing"] = sorted(_public(twin) - _public(cls) - _assigned(cls))
    return row


def counterpart(cls: type) -> type | None:
    name = cls.__name__.removeprefix("Async").removeprefix("async_")
    if name == cls.__name__:
        return None
    found = [twin for twin in SYNC_CLASSES if twin.__name__ == name]
    return found[0] if found else None


def _methods(cls: type) -> dict[str, Row]:
    """Name → [kind, what it gives, parameters, "classmethod"]; an attribute has the first two only."""
    rows: dict[str, Row] = {}
    for name in sorted(_public(cls)):
        # An attribute that is only declared exists on instances alone (`sync_session`).
        static = inspect.getattr_static(cls, name, None)
        function = None if is_attribute(static) else getattr(cls, name, None)
        if not inspect.isroutine(function):
            rows[name] = ["property", _resolved(cls, attribute_type(cls, name, static))]
            continue
        # `sqlalchemy.util.deprecated` wraps coroutine functions too, and they stay coroutine functions.
        kind, given = kind_of(function), _resolved(cls, returns(function))
        if given == "AbstractContextManager":  # `sessionmaker.begin`
            kind, given = "context", _resolved(cls, returns(function, innermost=True))
        elif kind == "plain":
            kind, given = _through_context(cls, given)
        rows[name] = [kind, given, parameters(function)]
        if isinstance(static, (classmethod, staticmethod)):
            rows[name].append("classmethod")
    return rows


def _through_context(cls: type, given: str) -> tuple[str, str]:
    """`connect()` and `begin()` are plain functions whose value must be awaited or entered."""
    value = getattr(inspect.getmodule(cls), given, None)
    if not isinstance(value, type):
        return "plain", given
    if issubclass(value, ext.asyncio.base.StartableContext):
        return "startable", given
    if given.startswith("_") and _has(value, "__aenter__"):
        return "async_context", _entered(value)
    return "plain", given


def _entered(cls: type) -> str:
    starts = getattr(cls, "start", None)
    return _resolved(cls, returns(starts if starts is not None else cls.__aenter__))  # type: ignore[attr-defined]


def _resolved(cls: type, given: str) -> str:
    if given.rstrip("?") == "Self":
        return cls.__name__ + given[4:]
    return given


def _assigned(cls: type) -> set[str]:
    """What a constructor gives to the instance without declaring it (`AsyncSession.bind` of 2.0)."""
    constructor = vars(cls).get("__init__")
    source = inspect.getsource(constructor) if inspect.isfunction(constructor) else ""
    return set(re.findall(r"\bself\.([a-z]\w*) (?:= |: )", source))


def _public(cls: type) -> set[str]:
    names: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.startswith(("sqlalchemy", "sqlmodel")):
            names.update(n for n in (*vars(base), *vars(base).get("__annotations__", ())) if n[0] != "_")
    # `HasMemoized` keeps its decorators on the class: they are tools, not API.
    return names - {"memoized_attribute", "memoized_instancemethod"}


def _public_path(cls: type) -> str:
    for module in (sqlalchemy, sqlalchemy.orm, sqlalchemy.engine, sqlalchemy.ext.asyncio):
        if getattr(module, cls.__name__, None) is cls:
            return f"{module.__name__}.{cls.__name__}"
    return f"{cls.__module__}.{cls.__name__}"


def _has(cls: type, name: str) -> bool:
    # Not `hasattr`: every class is callable, which says nothing of its instances.
    return any(name in vars(base) for base in cls.__mro__)


def _is_ours(cls: type) -> bool:
    return cls.__module__.startswith("sqlalchemy.")


def sqlmodel() -> dict[str, object]:
    """SQLModel's sessions: what they have of their own."""
    table: dict[str, object] = {}
    for module in ("sqlmodel", "sqlmodel.ext.asyncio.session"):
        for cls in vars(importlib.import_module(module)).values():
            if isinstance(cls, type) and issubclass(cls, (orm.Session, ext.asyncio.AsyncSession)):
                base = cls.__mro__[1]
                if cls.__module__.startswith("sqlmodel"):
                    own = {name: row for name, row in _methods(cls).items() if name in vars(cls)}
                    table[f"{cls.__module__}.{cls.__name__}"] = {"base": base.__name__, "methods": own}
    return table
