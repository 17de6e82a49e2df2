"""What each function of a module says by itself: an edit inside of one concerns who has run that one.

The functions are those that stand in no other; the outline tells the names of all, and their order. So
each is known by its number, and stands for what is defined inside of it, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from msgspec import Struct

from asyncsqla_lint import program as p

_SIZE = 8  # bytes for what one of them says
_INSIDE = ".<locals>."


class Consulted(Struct, frozen=True, array_like=True):
    """What an answer depends on in one file."""

    path: str
    bodies: bytes = b""  # a bit for each function; none: all that stands there


def said(program: p.Program, text: str) -> bytes:
    """What each function says, wherever it stands."""
    seen: dict[str, list[str]] = {}
    for header in program.functions:
        if _INSIDE not in header.qualname:
            start, end = p.start_of(header.span), p.end_of(header.span)
            seen.setdefault(header.qualname, []).append(text[start:end])
    return b"".join(_digest("\0".join(texts)) for texts in seen.values())


def chosen(program: p.Program, qualnames: Iterable[str]) -> bytes:
    """Those of a module's functions in which these stand."""
    wanted = {name.partition(_INSIDE)[0] for name in qualnames}
    names = dict.fromkeys(one.qualname for one in program.functions if _INSIDE not in one.qualname)
    bits = sum(1 << number for number, name in enumerate(names) if name in wanted)
    return bits.to_bytes(len(names) // 8 + 1, "little")


def picked(bodies: bytes, says: bytes) -> bytes:
    """Of what all functions say, what those say that are chosen."""
    bits = int.from_bytes(bodies, "little")
    parts = (says[at : at + _SIZE] for at in range(0, len(says), _SIZE) if bits >> at // _SIZE & 1)
    return blake2b(b"".join(parts), digest_size=_SIZE).digest()


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=_SIZE).digest()
