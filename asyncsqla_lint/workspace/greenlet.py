"""Does a project that asks for SQLAlchemy 2.1 ask for greenlet too? 2.1 no longer installs it by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from asyncsqla_lint.workspace.config import Greenless
from asyncsqla_lint.workspace.discovery import shown
from asyncsqla_lint.workspace.requirements import (
    Dependencies,
    Requirement,
    admitted_line,
    upwards,
)

_EXTRAS = re.compile(r"sqlalchemy\s*\[([^\]]*)\]", re.IGNORECASE)
# The extras of SQLAlchemy that bring greenlet along.
_BRING_GREENLET = re.compile(
    r"asyncio|aiomysql|aiosqlite|asyncmy|aioodbc|postgresql-asyncpg|postgresql_asyncpg"
)
_GREENLET = re.compile(r"(?<![\w.-])greenlet(?![\w.-])", re.IGNORECASE)
# As a package of its own: poetry's lock also names what extras that nobody asked for would bring.
_LOCKED_GREENLET = re.compile(r"""^name = ["']greenlet["']|"greenlet": \{""", re.MULTILINE)


class GreenletResolver:
    """For each directory, the nearest requirement at or above it, if that leaves greenlet out."""

    def __init__(self, root: str, dependencies: Dependencies) -> None:
        self._root = root
        self._dependencies = dependencies
        self._known: dict[str, Greenless | None] = {}

    def __call__(self, directory: str) -> Greenless | None:
        if directory not in self._known:
            self._known[directory] = self._nearest(directory)
        return self._known[directory]

    def _nearest(self, directory: str) -> Greenless | None:
        for place in upwards(directory, self._root):
            asked = self._dependencies.requirements(place)
            if asked:
                return self._lacking(place, asked)
        return None

    def _lacking(self, directory: str, asked: Sequence[Requirement]) -> Greenless | None:
        newer = next((one for one in asked if admitted_line(one.text) == "2.1"), None)
        if newer is None or any(_brings_greenlet(one.text) for one in asked):
            return None
        read = self._dependencies.read
        if any(_GREENLET.search(read(directory, name)) for name in self._dependencies.files(directory)):
            return None
        place, lock = next(self._locks(directory), ("", ""))
        if lock and _LOCKED_GREENLET.search(read(place, lock)):
            return None
        path = shown(os.path.join(directory, newer.file), self._root)
        return Greenless(newer.text, path.replace(os.sep, "/"), lock)

    def _locks(self, directory: str) -> Iterator[tuple[str, str]]:
        """A workspace has one for all of its projects."""
        for place in upwards(directory, self._root):
            yield from ((place, name) for name in self._dependencies.locks(place))


def _brings_greenlet(requirement: str) -> bool:
    extras = _EXTRAS.match(requirement)
    return extras is not None and _BRING_GREENLET.search(extras[1]) is not None
