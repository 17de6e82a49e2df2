"""What a URL's `backend+driver` is under `create_engine` and `create_async_engine`, and its pool."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from msgspec import Struct, field

from .releases import NEWEST, Release, table

# Which of a backend's async drivers to propose; the first is the most used.
PREFERRED = {
    "cockroachdb": "asyncpg",
    "mariadb": "aiomysql",
    "mssql": "aioodbc",
    "mysql": "aiomysql",
    "oracle": "oracledb",
    "postgresql": "asyncpg",
    "sqlite": "aiosqlite",
    "timescaledb": "asyncpg",
}
CLOSE_ENOUGH = 0.75


class Dialect(Struct, frozen=True):
    """`query` tells what becomes of a URL's `?key=…`: the type that it is handed on as, `ssl.ca` (moved
    there), `dropped`, or `unknown`; `*` stands for a key that the dialect does not know."""

    driver: str
    is_async: bool  # under `create_engine`
    async_driver: str
    is_async_under_async: bool  # under `create_async_engine`
    pool: str
    async_pool: str
    arguments: frozenset[str]  # of `create_engine`, beyond those that every dialect takes
    memory_pool: str = ""
    async_memory_pool: str = ""
    consumes: frozenset[str] = frozenset()  # connect arguments that the dialect takes for itself
    query: dict[str, str] = {}
    fallback: bool = False  # `?async_fallback=true` makes it fit for `create_engine`


class ThirdParty(Struct, frozen=True):
    """A dialect of another package. `async` is under `create_async_engine`; None depends on its version."""

    is_async: bool | None = field(name="async")
    package: str
    note: str
    sync: bool = False  # the same name is sync under `create_engine`


class Pool(Struct, frozen=True):
    fits_sync: bool = field(name="sync")
    fits_async: bool = field(name="async")
    arguments: frozenset[str]


class AsyncArguments(Struct, frozen=True):
    more: frozenset[str]
    refused: frozenset[str]


class Dialects(Struct, frozen=True):
    release: Release
    dialects: dict[str, Dialect]
    arguments: frozenset[str]
    async_arguments: AsyncArguments
    pools: dict[str, Pool]

    def is_async(self, name: str) -> bool | None:
        """Does `create_async_engine` take it? None: not known here, which is not wrong."""
        dialect = self.dialects.get(name)
        if dialect is not None:
            return dialect.is_async_under_async
        other = third_party().get(name)
        return None if other is None else other.is_async

    def is_async_under_sync(self, name: str) -> bool | None:
        """Does `create_engine` load an async driver for it, which fails at first connect?"""
        dialect = self.dialects.get(name)
        if dialect is not None:
            return dialect.is_async
        other = third_party().get(name)
        return None if other is None else bool(other.is_async) and not other.sync

    def default_driver(self, backend: str, *, under_async: bool = False) -> str | None:
        dialect = self.dialects.get(backend)
        if dialect is None:
            return None
        return dialect.async_driver if under_async else dialect.driver

    def async_drivers(self, backend: str) -> tuple[str, ...]:
        """Driver names to write in place of a sync one, the preferred first."""
        found = {driver for driver in self._drivers(backend) if self.is_async(f"{backend}+{driver}")}
        preferred = PREFERRED.get(backend, "")
        return tuple(sorted(found, key=lambda driver: (driver != preferred, driver)))

    def is_known(self, name: str) -> bool:
        return name in self.dialects or name in third_party()

    def suggest(self, name: str) -> str | None:
        """The name that was meant; None when the name is known, or like none that is."""
        if self.is_known(name):
            return None
        backend, plus, driver = name.partition("+")
        own = {base for base, _, one in (entry.partition("+") for entry in self.dialects) if one == name}
        if len(own - {"mariadb"}) == 1:  # a driver's name alone
            return f"{min(own - {'mariadb'})}+{name}"
        known = {entry.partition("+")[0] for entry in (*self.dialects, *third_party())}
        meant: str | None = backend
        if backend not in known:
            meant = misspellings().backends.get(backend) or _closest(backend, known)
        if meant is None:
            return None
        candidate = f"{meant}+{driver}" if plus else meant
        if self.is_known(candidate):
            return candidate
        right: str | None = (
            misspellings().drivers.get(driver) or driver.partition("+")[0]
        )  # `+asyncpg+asyncpg`
        if right not in self._drivers(meant):
            right = _closest(driver, self._drivers(meant))
        return None if right is None else f"{meant}+{right}"

    def _drivers(self, backend: str) -> set[str]:
        entries = (entry.partition("+") for entry in (*self.dialects, *third_party()))
        return {driver for base, _, driver in entries if base == backend and driver}

    def pool_of(self, name: str, *, under_async: bool, memory: bool = False) -> str | None:
        """The pool class that it gets by default; `memory` is SQLite's database without a file."""
        dialect = self.dialects.get(name)
        if dialect is None:
            return None
        if memory and dialect.memory_pool:
            return dialect.async_memory_pool if under_async else dialect.memory_pool
        return dialect.async_pool if under_async else dialect.pool

    def engine_takes(self, name: str, pool: str, keyword: str, *, under_async: bool) -> bool | None:
        """Does an engine of that dialect and pool take the keyword? None when either is not known."""
        dialect, pool_row = self.dialects.get(name), self.pools.get(pool)
        if dialect is None or pool_row is None:
            return None
        if under_async and keyword in self.async_arguments.refused:
            return False
        if any(keyword in row.arguments for row in self.pools.values()):
            return keyword in pool_row.arguments
        if under_async and keyword in self.async_arguments.more:
            return True
        return keyword in self.arguments or keyword in dialect.arguments


class Misspellings(Struct, frozen=True):
    backends: dict[str, str]
    drivers: dict[str, str]


def _closest(word: str, known: set[str]) -> str | None:
    found = get_close_matches(word, sorted(known), n=1, cutoff=CLOSE_ENOUGH)
    return found[0] if found else None


@lru_cache
def dialects(release: Release = NEWEST) -> Dialects:
    return table(f"engines-{release}.json", Dialects)


@lru_cache
def third_party() -> dict[str, ThirdParty]:
    return table("third_party.json", dict[str, ThirdParty])


@lru_cache
def misspellings() -> Misspellings:
    return table("misspellings.json", Misspellings)
