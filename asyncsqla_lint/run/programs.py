"""Where Programs come from. A store that remembers them stands in the same place as this."""

from __future__ import annotations

from hashlib import blake2b
from typing import Protocol

from asyncsqla_lint.program import Program


class ProgramSource(Protocol):
    def program(self, content_hash: str, text: str) -> Program:
        """The Program of a text; raises `syntax.SyntaxFailure`."""


class Lowering:
    """Lowers each text anew."""

    def program(self, content_hash: str, text: str) -> Program:
        from asyncsqla_lint.syntax import lower  # LibCST: a run that finds nothing to parse need not load it

        return lower(text)


class Remembered:
    """The Programs of the last run and this one: what did not change in between is not parsed again."""

    def __init__(self) -> None:
        self._lowering = Lowering()
        self._last: dict[str, Program] = {}
        self._now: dict[str, Program] = {}

    def turn(self) -> None:
        """A new run begins."""
        self._last, self._now = self._now, {}

    def program(self, content_hash: str, text: str) -> Program:
        known = self._now.get(content_hash) or self._last.get(content_hash)
        if known is None:
            known = self._lowering.program(content_hash, text)
        self._now[content_hash] = known
        return known


def content_hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
