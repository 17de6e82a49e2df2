"""What a project asks of SQLAlchemy: read from the files in which projects list their dependencies."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from msgspec import Struct

from asyncsqla_lint.workspace.config import Release
from asyncsqla_lint.workspace.toml import read_toml

Read = Callable[[str], str]  # the text of a file, "" where there is none
LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")


class Requirement(Struct, frozen=True):
    """`sqlalchemy[asyncio]>=2.1`, as one file says it (poetry's tables are put into the same words)."""

    file: str  # its name
    text: str


class Dependencies:
    """The lock and dependency files of directories, each directory looked into once.

    `listed` are the files of directories that somebody has listed already, Python's left out or not.
    """

    def __init__(self, read: Read, listed: Mapping[str, Collection[str]] | None = None) -> None:
        self._read = read
        self._listed = listed or {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._requirements: dict[str, tuple[Requirement, ...]] = {}

    def read(self, directory: str, name: str) -> str:
        return self._read(os.path.join(directory, name))

    def files(self, directory: str) -> tuple[str, ...]:
        """The names of its dependency files."""
        return tuple(name for name in self._all(directory) if name not in LOCKS)

    def locks(self, directory: str) -> tuple[str, ...]:
        names = self._all(directory)
        return tuple(name for name in LOCKS if name in names)

    def requirements(self, directory: str) -> tuple[Requirement, ...]:
        """What the dependency files of one directory ask of SQLAlchemy."""
        found = self._requirements.get(directory)
        if found is None:
            found = self._requirements[directory] = tuple(
                Requirement(name, text)
                for name in self.files(directory)
                for text in requirements_of(name, self.read(directory, name))
            )
        return found

    def _all(self, directory: str) -> tuple[str, ...]:
        found = self._names.get(directory)
        if found is None:
            names = self._listed.get(directory)
            if names is None:
                names = _listed(directory)
            found = tuple(sorted(name for name in names if name in LOCKS or is_dependency_file(name)))
            self._names[directory] = found
        return found


def requirements_of(name: str, text: str) -> list[str]:
    """What a dependency file of that name says."""
    if "sqlalchemy" not in text.lower():
        return []  # of most files of a large project: nothing to be parsed
    if name == "pyproject.toml":
        return _of_pyproject(toml(text))
    if name == "setup.cfg":
        return _of_setup_cfg(text)
    if name == "Pipfile":
        document = toml(text)
        return [line for key in ("packages", "dev-packages") for line in _of_table(table(document, key))]
    return [line for line in map(_named, text.splitlines()) if line]


def is_dependency_file(name: str) -> bool:
    if name in ("pyproject.toml", "setup.cfg", "Pipfile"):
        return True
    return name.endswith((".txt", ".in")) and "requirements" in name


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


# --- one requirement -------------------------------------------------------------------------------

_REQUIREMENT = re.compile(
    r"sqlalchemy\s*(?:\[[^\]]*\])?\s*(?:\((?P<bracketed>[^)]*)\)|(?P<bare>[^;#@]*))\s*(?:[;#].*)?",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(===|==|~=|>=|<=|!=|>|<|\^|~|=)?\s*v?(\d+(?:\.\d+)*)(\.\*)?")
SPLIT: tuple[int, ...] = (2, 1)


def admitted_line(requirement: str) -> Release | None:
    """The one release line that `sqlalchemy[asyncio]>=2.0.20,<2.1` admits; None if both or unsaid."""
    found = _REQUIREMENT.fullmatch(requirement.strip())
    if found is None:
        return None
    low, high = admitted(found["bracketed"] or found["bare"] or "")
    if low >= SPLIT:
        return "2.1"
    return "2.0" if high <= SPLIT else None


def upwards(directory: str, root: str) -> Iterator[str]:
    """The directory and those above it, not above `root`."""
    yield directory
    while directory.startswith(root.rstrip(os.sep) + os.sep):
        directory = os.path.dirname(directory)
        yield directory


def admitted(clauses: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The least version that `>=2.0.20,<2.1` admits, and the one below which all are."""
    low: tuple[int, ...] = (0,)
    high: tuple[int, ...] = (99,)
    for operator, digits, wildcard in _CLAUSE.findall(clauses):
        version = tuple(int(part) for part in digits.split("."))
        if operator not in ("<", "<=", "!="):
            low = max(low, version)
        high = min(high, _ceiling(operator, version, bool(wildcard)))
    return low, high


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
        return _next(version[:1] if version[0] else version[:2])
    return _next(version) if wildcard else (*version, 1)


def _next(version: tuple[int, ...]) -> tuple[int, ...]:
    return (*version[:-1], version[-1] + 1) if version else (99,)


def _named(requirement: object) -> str | None:
    """A requirement if it is one for SQLAlchemy itself and not, say, for sqlalchemy-utils."""
    if not isinstance(requirement, str):
        return None
    line = requirement.strip()
    return line if re.match(r"sqlalchemy(?![\w.-])", line, re.IGNORECASE) else None


# --- files -----------------------------------------------------------------------------------------


def _of_pyproject(document: Mapping[str, object]) -> list[str]:
    project, tool = table(document, "project"), table(document, "tool")
    poetry = table(tool, "poetry")
    lists = [
        project.get("dependencies"),
        *table(project, "optional-dependencies").values(),
        *table(document, "dependency-groups").values(),
        *table(table(tool, "pdm"), "dev-dependencies").values(),
    ]
    tables = [
        table(poetry, "dependencies"),
        *(table(table(poetry, "group"), group, "dependencies") for group in table(poetry, "group")),
    ]
    found = [_named(item) for items in lists if isinstance(items, list) for item in items]
    return [line for line in found if line] + [line for one in tables for line in _of_table(one)]


def _of_table(given: Mapping[str, object]) -> list[str]:
    """`SQLAlchemy = {version = "^2.0", extras = ["asyncio"]}`."""
    found: list[str] = []
    for name, value in given.items():
        version = value.get("version", "") if isinstance(value, dict) else value
        extras = value.get("extras", []) if isinstance(value, dict) else []
        if name.lower() == "sqlalchemy" and isinstance(version, str):
            wanted = ",".join(map(str, extras)) if isinstance(extras, list) else ""
            found.append(f"sqlalchemy[{wanted}]{version}" if wanted else f"sqlalchemy{version}")
    return found


def _of_setup_cfg(text: str) -> list[str]:
    import configparser  # few have such a file

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    values = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        values += parser["options.extras_require"].values()
    return [line for value in values for line in map(_named, value.splitlines()) if line]


def table(document: object, *keys: str) -> Mapping[str, object]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def toml(text: str) -> Mapping[str, object]:
    try:
        return read_toml(text)
    except ValueError:
        return {}
