"""What a driver takes at connect, and what to write for a word of another driver."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from msgspec import Struct, field

from .dialects import dialects
from .releases import NEWEST, Release, table

Where = Literal["query", "connect_args"]
# What a query's value may become while the key stays.
HANDED_ON = frozenset({"str", "int", "float", "bool"})


class Driver(Struct, frozen=True):
    arguments: frozenset[str]
    version: str
    open: bool = False  # takes any other keyword too
    values: dict[str, tuple[str, ...]] = {}  # argument → the strings that it may be
    conninfo: frozenset[str] = frozenset()  # those of the arguments that libpq takes


class Replacement(Struct, frozen=True):
    to: str
    where: tuple[Where, ...] = field(name="in")
    note: str
    same_values: bool = False


@lru_cache
def drivers() -> dict[str, Driver]:
    return table("drivers.json", dict[str, Driver])


@lru_cache
def _replacements() -> dict[str, dict[str, Replacement]]:
    return table("replacements.json", dict[str, dict[str, Replacement]])


def takes(name: str, argument: str, where: Where, release: Release = NEWEST) -> bool | None:
    """Does an async engine of `backend+driver` take this connect argument there? None when that is not known.

    True also for what the dialect drops from the query without a word (SQLite): nothing fails.
    """
    dialect = dialects(release).dialects.get(name)
    if dialect is None or not dialect.is_async_under_async:
        return None
    driver = drivers().get(dialect.async_driver)
    if driver is None:
        return None
    if argument in dialect.consumes or driver.open:
        return True
    if where == "query":
        becomes = dialect.query.get(argument, dialect.query.get("*", "unknown"))
        if becomes == "unknown":
            return None
        if becomes not in HANDED_ON:
            return True
    return argument in driver.arguments


def takers(argument: str) -> tuple[str, ...]:
    """The drivers that have this argument by name."""
    return tuple(sorted(name for name, driver in drivers().items() if argument in driver.arguments))


def replacement(driver: str, argument: str, where: Where, value: str | None = None) -> str | None:
    """What this driver calls it, where that means the same; with the value, only if that is legal too."""
    found = _replacements().get(driver, {}).get(argument)
    if found is None or where not in found.where:
        return None
    # libpq's sslmode and asyncpg's ssl have the same six words.
    if found.same_values and value is not None and value not in drivers()["asyncpg"].values["ssl"]:
        return None
    return found.to
