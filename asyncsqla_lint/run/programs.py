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


def content_hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
