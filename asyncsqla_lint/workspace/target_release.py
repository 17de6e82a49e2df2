"""Which SQLAlchemy release line a project runs on: what `target-sqlalchemy = "auto"` finds out.

A lock file says what is installed and decides. Without one, a requirement decides where it admits only one
line. `sqlalchemy>=2.0` admits both, and then the answer is 2.0: the program promises to run there, and
whatever fails on 2.0 alone (`postgresql://` in an async URL) is a defect of what it promises.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import sys
from collections.abc import Mapping

from msgspec import Struct

from asyncsqla_lint.workspace.config import Release

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT: Release = "2.0"


class TargetRelease(Struct, frozen=True):
    release: Release
    evidence: str  # "uv.lock: sqlalchemy 2.1.3"; says so where nothing was found


_UNKNOWN = TargetRelease(DEFAULT, "no lock file or requirement names SQLAlchemy's release")


class TargetResolver:
    """The release line for each directory: the nearest evidence at or above it, not above `root`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._known: dict[str, TargetRelease | None] = {}

    def __call__(self, directory: str) -> TargetRelease:
        return self._nearest(directory) or _UNKNOWN

    def _nearest(self, directory: str) -> TargetRelease | None:
        if directory not in self._known:
            found = evidence_in(directory)
            parent = os.path.dirname(directory)
            inside = directory != self._root and directory.startswith(self._root.rstrip(os.sep) + os.sep)
            if found is None and inside and parent != directory:
                found = self._nearest(parent)
            self._known[directory] = found
        return self._known[directory]


def evidence_in(directory: str) -> TargetRelease | None:
    """What the lock and dependency files of one directory say."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return None
    for name in ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock"):
        if name in names:
            version = _locked_version(os.path.join(directory, name))
            if version:
                return TargetRelease(_line_of(version), f"{name}: sqlalchemy {version}")
    found: TargetRelease | None = None
    for name in names:
        for requirement in _requirements(directory, name):
            line = admitted_line(requirement)
            if line is not None:
                return TargetRelease(line, f"{name}: {requirement}")
            found = found or TargetRelease(DEFAULT, f"{name}: {requirement} admits 2.0 as well as 2.1")
    return found


def requirements_in(directory: str) -> list[tuple[str, str]]:
    """What the dependency files of one directory ask of SQLAlchemy, each with the whole text of its file."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    return [
        (requirement, _text(os.path.join(directory, name)))
        for name in names
        for requirement in _requirements(directory, name)
    ]


# --- requirements ----------------------------------------------------------------------------------

_REQUIREMENT = re.compile(
    r"sqlalchemy\s*(?:\[[^\]]*\])?\s*(?:\((?P<bracketed>[^)]*)\)|(?P<bare>[^;#@]*))\s*(?:[;#].*)?",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(===|==|~=|>=|<=|!=|>|<|\^|~|=)?\s*v?(\d+(?:\.\d+)*)(\.\*)?")
_SPLIT: tuple[int, ...] = (2, 1)


def admitted_line(requirement: str) -> Release | None:
    """The one release line that `sqlalchemy[asyncio]>=2.0.20,<2.1` admits; None if both or unsaid."""
    found = _REQUIREMENT.fullmatch(requirement.strip())
    if found is None:
        return None
    low: tuple[int, ...] = (0,)
    high: tuple[int, ...] = (99,)
    for operator, digits, wildcard in _CLAUSE.findall(found["bracketed"] or found["bare"] or ""):
        version = tuple(int(part) for part in digits.split("."))
        if operator not in ("<", "<=", "!="):
            low = max(low, version)
        high = min(high, _ceiling(operator, version, bool(wildcard)))
    if low >= _SPLIT:
        return "2.1"
    return "2.0" if high <= _SPLIT else None


def _ceiling(operator: str, version: tuple[int, ...], wildcard: bool) -> tuple[int, ...]:
    """The version below which everything is that the clause admits, in pip's words and poetry's."""
    if operator in (">", ">=", "!="):
        return (99,)
    if operator == "<":
        return version
    if operator == "~=":
        return _next(version[:-1])
    if operator == "~":
        return _next(version[:2])
    if operator == "^":
        return _next(version[:1])
    return _next(version) if wildcard else (*version, 1)


def _next(version: tuple[int, ...]) -> tuple[int, ...]:
    return (*version[:-1], version[-1] + 1) if version else (99,)


def _line_of(version: str) -> Release:
    found = re.match(r"(\d+)\.(\d+)", version)
    return "2.1" if found and (int(found[1]), int(found[2])) >= _SPLIT else "2.0"


def _is_sqlalchemy(name: object) -> bool:
    return isinstance(name, str) and name.lower() == "sqlalchemy"


def _named(requirement: object) -> str | None:
    """A requirement if it is one for SQLAlchemy itself and not, say, for sqlalchemy-utils."""
    if not isinstance(requirement, str):
        return None
    line = requirement.strip()
    return line if re.match(r"sqlalchemy(?![\w.-])", line, re.IGNORECASE) else None


def _requirements(directory: str, name: str) -> list[str]:
    """What a dependency file asks of SQLAlchemy, each as `sqlalchemy<specifiers>`."""
    path = os.path.join(directory, name)
    if name == "pyproject.toml":
        return _of_pyproject(_toml(path))
    if name == "setup.cfg":
        return _of_setup_cfg(path)
    if name == "Pipfile":
        return [line for key in ("packages", "dev-packages") for line in _of_table(_table(_toml(path), key))]
    if name.endswith((".txt", ".in")) and "requirements" in name:
        return [line for line in map(_named, _text(path).splitlines()) if line]
    return []


def _of_pyproject(document: Mapping[str, object]) -> list[str]:
    project, tool = _table(document, "project"), _table(document, "tool")
    poetry = _table(tool, "poetry")
    lists = [
        project.get("dependencies"),
        *_table(project, "optional-dependencies").values(),
        *_table(document, "dependency-groups").values(),
        *_table(_table(tool, "pdm"), "dev-dependencies").values(),
    ]
    tables = [
        _table(poetry, "dependencies"),
        *(_table(_table(poetry, "group"), group, "dependencies") for group in _table(poetry, "group")),
    ]
    found = [_named(item) for items in lists if isinstance(items, list) for item in items]
    return [line for line in found if line] + [line for table in tables for line in _of_table(table)]


def _of_table(table: Mapping[str, object]) -> list[str]:
    """`SQLAlchemy = {version = "^2.0", extras = ["asyncio"]}`."""
    found: list[str] = []
    for name, value in table.items():
        version = value.get("version", "") if isinstance(value, dict) else value
        if _is_sqlalchemy(name) and isinstance(version, str):
            found.append(f"sqlalchemy{version}")
    return found


def _of_setup_cfg(path: str) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_text(path))
    except configparser.Error:
        return []
    values = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        values += parser["options.extras_require"].values()
    return [line for value in values for line in map(_named, value.splitlines()) if line]


# --- files -----------------------------------------------------------------------------------------

_PACKAGE_START = re.compile(
    r"""^name = (["'])sqlalchemy\1\s*^version = (["'])([^"']+)\2""", re.IGNORECASE | re.MULTILINE
)


def _locked_version(path: str) -> str | None:
    text = _text(path)
    if path.endswith("Pipfile.lock"):
        return _of_pipfile_lock(text)
    # uv, poetry, pdm and PEP 751 write a package's name and version on two lines running, and a lock file
    # may have tens of thousands of lines: reading it as TOML would cost more than the rest of a small run.
    found = _PACKAGE_START.search(text)
    return found[3] if found else None


def _of_pipfile_lock(text: str) -> str | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    for section in ("default", "develop"):
        version = _table(document, section, "sqlalchemy").get("version")
        if isinstance(version, str):
            return version.lstrip("=")
    return None


def _table(document: object, *keys: str) -> Mapping[str, object]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _toml(path: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError:
        return {}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
