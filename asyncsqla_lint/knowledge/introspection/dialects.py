"""Every dialect+driver that SQLAlchemy ships, under `create_engine` and under `create_async_engine`.

Dialect classes load without their driver, so the answers do not depend on what is installed.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from sqlalchemy import dialects as shipped
from sqlalchemy import exc, util
from sqlalchemy.engine import default
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.engine.url import make_url

# `mariadb` is served by the mysql package; `base` is the bare name under another spelling.
PACKAGES = {**{name: name for name in shipped.__all__}, "mariadb": "mysql"}
NOT_DRIVERS = frozenset({"base", "mariadb"})
HOST = "host/database"
FILE = "/file.db"
MEMORY = ""


def entries() -> list[str]:
    names: list[str] = []
    for name, package in PACKAGES.items():
        module = importlib.import_module(f"sqlalchemy.dialects.{package}")
        names.append(name)
        for driver, value in vars(module).items():
            if driver not in NOT_DRIVERS and isinstance(getattr(value, "dialect", None), type):
                names.append(f"{name}+{driver}")
    return sorted(name for name in names if _loads(name))


def _loads(name: str) -> bool:
    try:
        make_url(f"{name}://").get_dialect()
    except (exc.ArgumentError, ImportError, AttributeError):
        return False
    return True


def dialects() -> dict[str, dict[str, object]]:
    return {name: describe(name) for name in entries()}


def describe(name: str) -> dict[str, object]:
    plain = make_url(f"{name}://").get_dialect()
    under_async = make_url(f"{name}://").get_dialect(_is_async=True)
    row: dict[str, object] = {
        "driver": plain.driver,
        "is_async": plain.is_async,
        "async_driver": under_async.driver,
        "is_async_under_async": under_async.is_async,
        "pool": _pool(plain, name, HOST),
        "async_pool": _pool(under_async, name, HOST),
        "arguments": sorted(_arguments(plain) - _arguments(default.DefaultDialect)),
    }
    if name.startswith("sqlite"):
        row["pool"], row["async_pool"] = _pool(plain, name, FILE), _pool(under_async, name, FILE)
        row["memory_pool"] = _pool(plain, name, MEMORY)
        row["async_memory_pool"] = _pool(under_async, name, MEMORY)
    asynchronous = under_async if under_async.is_async else plain
    if asynchronous.is_async:
        row["consumes"] = consumed(asynchronous)
        row["query"] = query_rules(asynchronous, name)
        if _pool(asynchronous, name, HOST + "?async_fallback=true") != _pool(asynchronous, name, HOST):
            row["fallback"] = True
    return row


def _pool(dialect: type[Dialect], name: str, rest: str) -> str:
    url = make_url(f"{name}://{'/' if rest == FILE else ''}{rest}")
    # The interface does not declare the method that every dialect has.
    return str(dialect.get_pool_class(url).__name__)  # type: ignore[attr-defined]


def _arguments(dialect: type[Dialect]) -> set[str]:
    return {word for word in util.get_cls_kwargs(dialect) if not word.startswith("_")} - {"dbapi"}


def default_arguments() -> list[str]:
    """What every dialect takes from `create_engine`."""
    return sorted(_arguments(default.DefaultDialect))


def consumed(dialect: type[Dialect]) -> list[str]:
    """Keywords that the dialect's adapter takes for itself before it calls the driver's connect."""
    names: set[str] = set()
    for module in {inspect.getmodule(base) for base in dialect.__mro__}:
        for cls in vars(module).values():
            if isinstance(cls, type) and "dbapi" in cls.__name__.lower() and "connect" in vars(cls):
                names.update(_popped(vars(cls)["connect"]))
    return sorted(names)


def _popped(function: object) -> Iterator[str]:
    for node in ast.walk(_tree(function)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "pop":
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _tree(function: object) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]


def query_rules(dialect: type[Dialect], name: str) -> dict[str, str]:
    """What becomes of `?key=1`: `str` (handed on as it is), another type, `ssl.ca` (moved), `dropped`,
    `positional` (made part of the connection string), `unknown` (the dialect asks its driver).

    `*` is what becomes of a key that the dialect does not know.
    """
    words = {"*"} | {
        node.value
        for base in dialect.__mro__
        if "create_connect_args" in vars(base)
        for node in ast.walk(_tree(vars(base)["create_connect_args"]))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    }
    words |= {f"ssl_{part}" for part in ("ca", "key", "cert", "capath", "cipher", "check_hostname")}
    rest = FILE if name.startswith("sqlite") else HOST
    base_options = _options(dialect, f"{name}:///{FILE}" if rest == FILE else f"{name}://{HOST}")
    rules: dict[str, str] = {}
    for word in words:
        key = "unknown_key" if word == "*" else word
        url = f"{name}://{'/' if rest == FILE else ''}{rest}?{key}=1"
        rules[word] = _became(key, base_options, _options(dialect, url))
    # What becomes of an unknown key needs no row of its own.
    told = (rules["*"], "unknown")
    return {word: rule for word, rule in sorted(rules.items()) if word == "*" or rule not in told}


def _options(dialect: type[Dialect], url: str) -> dict[str, Any] | None:
    # The MySQL dialects ask their driver for this number, which says nothing of the query.
    asked = type(dialect.__name__, (dialect,), {"_found_rows_client_flag": lambda self: 0})
    try:
        positional, options = asked().create_connect_args(make_url(url))
    except Exception:  # a dialect may need its driver for a single key
        return None
    flat: dict[str, Any] = {"*": [str(argument) for argument in positional]}
    for key, value in options.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{name}": part for name, part in value.items()})
        else:
            flat[key] = value
    return flat


def _became(key: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    if before is None or after is None:
        return "unknown"
    if key in after:
        return type(after[key]).__name__
    changed = sorted(name for name, value in after.items() if before.get(name) != value)
    return {"*": "positional"}.get(changed[0], changed[0]) if changed else "dropped"
