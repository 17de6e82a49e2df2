"""What each function of a module says by itself: an edit inside of one concerns who has run that one.

The functions are those that stand in no other. Each is known by its name, so that it may stand elsewhere in
the file, and stands for what is defined inside of it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct

from asyncsqla_lint import program as p

_SIZE = 8  # bytes for what one of them says
_NAME = 6  # … and for its name
INSIDE = ".<locals>."


class Consulted(Struct, frozen=True, array_like=True):
    """What an answer depends on in one file."""

    path: str
    functions: bytes | None = None  # the names of some; None: all that stands there


def texts(program: p.Program, text: str) -> dict[str, str]:
    """The functions, by name; who has several definitions is all of them."""
    found: dict[str, str] = {}
    for header in program.functions:
        if INSIDE not in header.qualname:
            one = text[p.start_of(header.span) : p.end_of(header.span)]
            before = found.get(header.qualname)
            found[header.qualname] = one if before is None else before + "\0" + one
    return found


def said(program: p.Program, text: str) -> bytes:
    """What each function says, wherever it stands."""
    return b"".join(named(name) + _digest(one, _SIZE) for name, one in texts(program, text).items())


def chosen(qualnames: Iterable[str]) -> bytes:
    """The functions in which these stand."""
    return b"".join(sorted({named(one.partition(INSIDE)[0]) for one in qualnames}))


def picked(functions: bytes, says: bytes) -> bytes:
    """Of what all functions say, what those say that are chosen."""
    table = _table(says)
    parts = (table.get(name, b"-") for name in each(functions))
    return blake2b(b"".join(parts), digest_size=_SIZE).digest()


def each(functions: bytes) -> Iterable[bytes]:
    return (functions[at : at + _NAME] for at in range(0, len(functions), _NAME))


@lru_cache(maxsize=65536)
def named(qualname: str) -> bytes:
    return _digest(qualname, _NAME)


@lru_cache(maxsize=4096)
def _table(says: bytes) -> Mapping[bytes, bytes]:
    step = _NAME + _SIZE
    return {says[at : at + _NAME]: says[at + _NAME : at + step] for at in range(0, len(says), step)}


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=size).digest()
