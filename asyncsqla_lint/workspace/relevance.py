"""Which files can matter, decided from their bytes: nothing here parses.

A seed names SQLAlchemy or a library that hands out its sessions. What imports a seed, directly or through
others, is checked. What these import is known: a helper far from SQLAlchemy may still be handed an instance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

# "sqlalchemy" also stands in flask_sqlalchemy, litestar.plugins.sqlalchemy, fastapi_users_db_sqlalchemy, …
SEEDS = (b"sqlalchemy", b"sqlmodel", b"advanced_alchemy", b"fastcrud")
# Drivers that stop an event loop. They make a file matter only in a project that has a seed.
DRIVERS = (b"psycopg2", b"sqlite3", b"pymysql", b"MySQLdb")


class ImportedName(Struct, frozen=True):
    """`from ..a import b` is (2, "a", ("b",)); `import a.b` is (0, "a.b", ())."""

    level: int
    module: str
    names: tuple[str, ...]


class Relevance(Struct, frozen=True):
    checked: frozenset[str]
    known: frozenset[str]  # the checked ones, and what they import


def is_seed(data: bytes) -> bool:
    return any(word in data for word in SEEDS)


def names_driver(data: bytes) -> bool:
    return any(word in data for word in DRIVERS)


# Too much rather than too little: an import in a string or comment costs one file more, never a wrong answer.
_IMPORT = re.compile(
    rb"(?:^|[;:])[ \t\f]*"
    rb"(?:from[ \t]*(\.*)[ \t]*([\w.]*)[ \t]+import[ \t]*(?:\(([^)]*)\)|((?:\\\r?\n|[^\n;#])*))"
    rb"|import[ \t]+((?:\\\r?\n|[^\n;#])+))",
    re.MULTILINE,
)
_COMMENT = re.compile(rb"#[^\n]*")


def imports_of(data: bytes) -> list[ImportedName]:
    found: list[ImportedName] = []
    for dots, module, bracketed, listed, plain in _IMPORT.findall(data):
        if plain:
            found += [ImportedName(0, name, ()) for name in _names(plain)]
        else:
            names = _names(_COMMENT.sub(b"", bracketed) if bracketed else listed)
            found.append(ImportedName(len(dots), module.decode("utf-8", "replace"), tuple(names)))
    return found


def _names(text: bytes) -> list[str]:
    """`a as b, c` → a, c."""
    parts = text.replace(b"\\", b" ").decode("utf-8", "replace").split(",")
    return [words[0] for words in (part.split() for part in parts) if words]


def relevant(seeds: Iterable[str], imports: Mapping[str, Iterable[str]]) -> Relevance:
    """Close the seeds over the import graph (path → paths it imports): upwards, then downwards."""
    importers: dict[str, list[str]] = {}
    for path, targets in imports.items():
        for target in targets:
            importers.setdefault(target, []).append(path)
    checked = reachable(seeds, importers)
    return Relevance(checked, reachable(checked, imports))


def reachable(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    seen = set(start)
    stack = list(seen)
    while stack:
        for target in edges.get(stack.pop(), ()):
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return frozenset(seen)
