"""Which SQLAlchemy release line a project runs on: what `target-sqlalchemy = "auto"` finds out.

A lock file says what is installed and decides. Without one, a requirement decides where it admits only one
line. `sqlalchemy>=2.0` admits both, and then the answer is 2.0: the program promises to run there, and
whatever fails on 2.0 alone (`postgresql://` in an async URL) is a defect of what it promises.
"""

from __future__ import annotations

import os
import re

from msgspec import Struct

from asyncsqla_lint.workspace.config import Release
from asyncsqla_lint.workspace.requirements import SPLIT, Dependencies, admitted_line, table

DEFAULT: Release = "2.0"


class TargetRelease(Struct, frozen=True):
    release: Release
    evidence: str  # "uv.lock: sqlalchemy 2.1.3"; says so where nothing was found


_UNKNOWN = TargetRelease(DEFAULT, "no lock file or requirement names SQLAlchemy's release")


class TargetResolver:
    """The release line for each directory: the nearest evidence at or above it, not above `root`."""

    def __init__(self, root: str, dependencies: Dependencies) -> None:
        self._root = root
        self._dependencies = dependencies
        self._known: dict[str, TargetRelease | None] = {}

    def __call__(self, directory: str) -> TargetRelease:
        return self._nearest(directory) or _UNKNOWN

    def _nearest(self, directory: str) -> TargetRelease | None:
        if directory not in self._known:
            found = evidence_in(directory, self._dependencies)
            parent = os.path.dirname(directory)
            inside = directory != self._root and directory.startswith(self._root.rstrip(os.sep) + os.sep)
            if found is None and inside and parent != directory:
                found = self._nearest(parent)
            self._known[directory] = found
        return self._known[directory]


def evidence_in(directory: str, dependencies: Dependencies) -> TargetRelease | None:
    """What the lock and dependency files of one directory say."""
    for name in dependencies.locks(directory):
        version = _locked_version(name, dependencies.read(directory, name))
        if version:
            return TargetRelease(_line_of(version), f"{name}: sqlalchemy {version}")
    found: TargetRelease | None = None
    for one in dependencies.requirements(directory):
        line = admitted_line(one.text)
        if line is not None:
            return TargetRelease(line, f"{one.file}: {one.text}")
        found = found or TargetRelease(DEFAULT, f"{one.file}: {one.text} admits 2.0 as well as 2.1")
    return found


def _line_of(version: str) -> Release:
    found = re.match(r"(\d+)\.(\d+)", version)
    return "2.1" if found and (int(found[1]), int(found[2])) >= SPLIT else "2.0"


_PACKAGE_START = re.compile(
    r"""^name = (["'])sqlalchemy\1\s*^version = (["'])([^"']+)\2""", re.IGNORECASE | re.MULTILINE
)


def _locked_version(name: str, text: str) -> str | None:
    if name == "Pipfile.lock":
        return _of_pipfile_lock(text)
    # uv, poetry, pdm and PEP 751 write a package's name and version on two lines running, and a lock file
    # may have tens of thousands of lines: reading it as TOML would cost more than the rest of a small run.
    found = _PACKAGE_START.search(text)
    return found[3] if found else None


def _of_pipfile_lock(text: str) -> str | None:
    import json  # few have such a file

    try:
        document = json.loads(text)
    except ValueError:
        return None
    for section in ("default", "develop"):
        version = table(document, section, "sqlalchemy").get("version")
        if isinstance(version, str):
            return version.lstrip("=")
    return None
