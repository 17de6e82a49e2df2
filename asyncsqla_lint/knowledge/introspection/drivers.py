"""What each async driver takes at connect, from the driver itself.

A driver that is not installed is left out: the table then keeps what it had.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import inspect
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

SQLITE_VALUES: dict[str, object] = {
    "cached_statements": 1,
    "check_same_thread": False,
    "detect_types": 0,
    "factory": sqlite3.Connection,
    "isolation_level": None,
    "timeout": 1.0,
    "uri": False,
}
NOT_KEYWORDS = frozenset({"self", "cls", "args", "kwargs"})


def drivers() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for name, ask in ASK.items():
        if importlib.util.find_spec(name) is None:
            continue
        row = ask()
        row["version"] = importlib.metadata.version(name)
        found[name] = row
    return found


def _keywords(function: Callable[..., object]) -> list[str]:
    return sorted(
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in NOT_KEYWORDS and parameter.kind is not parameter.VAR_KEYWORD
    )


def _asyncpg() -> dict[str, object]:
    asyncpg = importlib.import_module("asyncpg")
    modes = importlib.import_module("asyncpg.connect_utils").SSLMode
    return {
        "arguments": _keywords(asyncpg.connect),
        "values": {"ssl": sorted(mode.name.replace("_", "-") for mode in modes)},
    }


def _psycopg() -> dict[str, object]:
    """psycopg hands what it does not know itself to libpq, which knows its keywords."""
    psycopg = importlib.import_module("psycopg")
    libpq = [option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()]
    own = _keywords(psycopg.AsyncConnection.connect)
    return {"arguments": sorted({*own, *libpq}), "conninfo": sorted(libpq)}


def _aiomysql() -> dict[str, object]:
    return {"arguments": _keywords(importlib.import_module("aiomysql").connect)}


def _asyncmy() -> dict[str, object]:
    return {"arguments": _keywords(importlib.import_module("asyncmy").connect)}


def _aiosqlite() -> dict[str, object]:
    """aiosqlite hands the rest to sqlite3, whose connect is not written in Python."""
    own = _keywords(importlib.import_module("aiosqlite").connect)
    taken = []
    for name, value in SQLITE_VALUES.items():
        with closing(sqlite3.connect(":memory:", **{name: value})):  # type: ignore[call-overload]
            taken.append(name)
    # `autocommit` came with Python 3.12; which Python will run the program is not known.
    return {"arguments": sorted({*own, *taken, "autocommit"})}


def _oracledb() -> dict[str, object]:
    return {"arguments": _keywords(importlib.import_module("oracledb").connect_async)}


def _aioodbc() -> dict[str, object]:
    """Read, not imported: it wants the system's ODBC library. Other keywords join the connection string."""
    spec = importlib.util.find_spec("aioodbc")
    assert spec is not None and spec.origin is not None
    tree = ast.parse(Path(spec.origin).with_name("connection.py").read_text(encoding="utf-8"))
    connect = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "connect")
    names = sorted(argument.arg for argument in (*connect.args.args, *connect.args.kwonlyargs))
    return {"arguments": names, "open": connect.args.kwarg is not None}


ASK: dict[str, Callable[[], dict[str, object]]] = {
    "aiomysql": _aiomysql,
    "aioodbc": _aioodbc,
    "aiosqlite": _aiosqlite,
    "asyncmy": _asyncmy,
    "asyncpg": _asyncpg,
    "oracledb": _oracledb,
    "psycopg": _psycopg,
}
