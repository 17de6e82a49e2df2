"""Which files can matter, decided from their bytes: nothing here parses.

A seed names SQLAlchemy or a library that hands out its sessions. What imports a seed, directly or through
others, is known, and what these import: a model far from any session is a target of relationships, a helper
far from SQLAlchemy may be handed an instance. What is known is checked if it has a coroutine, or leads to an
async engine or session: the rest has no event loop to hold up and nothing to await.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

# "sqlalchemy" also stands in flask_sqlalchemy, litestar.plugins.sqlalchemy, fastapi_users_db_sqlalchemy, …
SEEDS = (b"sqlalchemy", b"sqlmodel", b"advanced_alchemy", b"fastcrud")
_COMMON = b"alchemy"
_OTHERS = tuple(word for word in SEEDS if _COMMON not in word)
# Drivers that stop an event loop. They make a file matter only in a project that has a seed.
DRIVERS = (b"psycopg2", b"sqlite3", b"pymysql", b"MySQLdb")
_COROUTINE = re.compile(rb"\basync[ \t\f\r\n\\]+def\b")
# The asyncio extensions, and async drivers.
_ASYNC_API = re.compile(
    rb"\bext[ \t.]+(?:import[ \t(]+)?asyncio\b|create_async_engine|async_engine_from_config"
    rb"|async_sessionmaker|async_scoped_session|asyncpg|asyncmy|aiosqlite|aiomysql|aioodbc|psycopg_async"
)
_DERIVED = re.compile(rb"Async[A-Z]")  # where a seed stands: SQLAlchemyAsyncConfig, SQLModelAsyncSession, …


class ImportedName(Struct, frozen=True):
    """`from ..a import b` is (2, "a", ("b",)); `import a.b` is (0, "a.b", ())."""

    level: int
    module: str
    names: tuple[str, ...]


class Relevance(Struct, frozen=True):
    checked: frozenset[str]
    known: frozenset[str]


def is_seed(data: bytes) -> bool:
    # The common part first: in a project without a seed, this search is most of the run.
    if _COMMON in data and any(word in data for word in SEEDS if _COMMON in word):
        return True
    return any(word in data for word in _OTHERS)


def names_driver(data: bytes) -> bool:
    return any(word in data for word in DRIVERS)


def has_coroutine(data: bytes) -> bool:
    return _COROUTINE.search(data) is not None


def names_async_api(data: bytes) -> bool:
    return _ASYNC_API.search(data) is not None or (is_seed(data) and _DERIVED.search(data) is not None)


# Every import statement has the word; what stands before it on its line tells whether it is one. Too much
# rather than too little: an import in a string or comment costs one file more, never a wrong answer.
_WORD = re.compile(rb"import[ \t\\(*]")
_FROM = re.compile(rb"(?:.*[;:])?[ \t\f]*from[ \t]*(\.*)[ \t]*([\w.]*)[ \t]*$")
_PLAIN = re.compile(rb"(?:.*[;:])?[ \t\f]*$")
_LISTED = re.compile(rb"(?:\\\r?\n|[^\\\n\r;#])*")
_COMMENT = re.compile(rb"#[^\n]*")


def imports_of(data: bytes) -> list[ImportedName]:
    found: list[ImportedName] = []
    for word in _WORD.finditer(data):
        start = word.start()
        before = data[data.rfind(b"\n", 0, start) + 1 : start]
        source = _FROM.match(before)
        if source:
            names = _names(_after(data, word.end() - 1))
            found.append(ImportedName(len(source[1]), source[2].decode("utf-8", "replace"), tuple(names)))
        elif _PLAIN.match(before):
            found += [ImportedName(0, name, ()) for name in _names(_after(data, word.end() - 1))]
    return found


def _after(data: bytes, start: int) -> bytes:
    """What an import lists: in brackets over several lines, or up to the end of the line."""
    listed = _LISTED.match(data, start)
    text = listed[0] if listed else b""
    if text.lstrip().startswith(b"("):
        opened = data.index(b"(", start)
        closed = data.find(b")", opened)
        return _COMMENT.sub(b"", data[opened + 1 : closed if closed >= 0 else len(data)])
    return text


def _names(text: bytes) -> list[str]:
    """`a as b, c` → a, c."""
    parts = text.replace(b"\\", b" ").decode("utf-8", "replace").split(",")
    return [words[0] for words in (part.split() for part in parts) if words]


def relevant(
    seeds: Iterable[str],
    imports: Mapping[str, Iterable[str]],
    async_api: Iterable[str],
    coroutines: Iterable[str],
    drivers: Iterable[str] = (),
) -> Relevance:
    """Close the seeds over the import graph (path → paths it imports): upwards, then downwards.

    What names a driver is checked as it stands: nothing above it has to do with SQLAlchemy for that.
    """
    importers: dict[str, list[str]] = {}
    for path, targets in imports.items():
        for target in targets:
            importers.setdefault(target, []).append(path)
    upwards = reachable(seeds, importers).union(drivers)
    checked = upwards & reachable(async_api, importers).union(coroutines)
    return Relevance(checked, reachable(upwards, imports))


def reachable(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    seen = set(start)
    stack = list(seen)
    while stack:
        for target in edges.get(stack.pop(), ()):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return frozenset(seen)
