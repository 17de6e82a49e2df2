"""Does a project that asks for SQLAlchemy 2.1 ask for greenlet too? 2.1 no longer installs it by itself."""

from __future__ import annotations

import os
import re

from asyncsqla_lint.workspace.target_release import admitted_line, requirements_in

_EXTRAS = re.compile(r"sqlalchemy\s*\[([^\]]*)\]", re.IGNORECASE)
# The extras of SQLAlchemy that bring greenlet along.
_BRING_GREENLET = re.compile(
    r"asyncio|aiomysql|aiosqlite|asyncmy|aioodbc|postgresql-asyncpg|postgresql_asyncpg"
)
_GREENLET = re.compile(r"(?<![\w.-])greenlet(?![\w.-])", re.IGNORECASE)


class GreenletResolver:
    """For each directory, the nearest requirement at or above that leaves greenlet out; "" if none does."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: dict[str, str] = {}

    def __call__(self, directory: str) -> str:
        if directory not in self._known:
            found = lacking_in(directory)
            parent = os.path.dirname(directory)
            inside = directory != self._root and directory.startswith(self._root.rstrip(os.sep) + os.sep)
            if found is None and inside and parent != directory:
                found = self(parent)
            self._known[directory] = found or ""
        return self._known[directory]


def lacking_in(directory: str) -> str | None:
    """None: nothing there asks for SQLAlchemy; "": what does is complete."""
    given = requirements_in(directory)
    if not given:
        return None
    for _, text in given:
        if _GREENLET.search(text):
            return ""
    for requirement, _ in given:
        extras = _EXTRAS.match(requirement)
        if extras is not None and _BRING_GREENLET.search(extras[1]):
            return ""
    return next((requirement for requirement, _ in given if admitted_line(requirement) == "2.1"), "")
