"""The pieces of a run that need nothing but what they are handed: another process can do them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Union

import msgspec
from msgspec import Struct

from asyncsqla_lint.findings import Finding, Location, fingerprint
from asyncsqla_lint.program import Program
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.rules.itself import SyntaxError as SyntaxErrorRule
from asyncsqla_lint.rules.itself import internal_error
from asyncsqla_lint.run.analysis import Analyse, Checked, check_modules
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.decoding import DecodeError, decode

# --- text to Program -------------------------------------------------------------------------------


class Source(Struct, frozen=True):
    key: str
    data: bytes


Lowered = Union[Program, Finding]


def lowered(shared: None, source: Source) -> Lowered:
    """The Program of a file, or why there is none."""
    from asyncsqla_lint.syntax import SyntaxFailure, lower

    try:
        return lower(decode(source.data))
    except (DecodeError, SyntaxFailure) as failure:
        place = Location(max(failure.row, 1), max(failure.column, 1))
        return Finding(
            SyntaxErrorRule.code,
            SyntaxErrorRule.name,
            failure.message,
            source.key,
            place,
            place,
            fingerprint=fingerprint(SyntaxErrorRule.code, source.key, "", failure.message),
        )
    except Exception as error:
        return internal_error(source.key, "the whole file", error)


def lowered_elsewhere(shared: None, source: Source) -> bytes | Lowered:
    """The same, as bytes where it can be: what is sent is what is stored."""
    found = lowered(shared, source)
    if isinstance(found, Finding):
        return found
    try:
        return msgspec.msgpack.encode(found)
    except UnicodeEncodeError:  # half a character in a literal
        return found


# --- Programs to findings --------------------------------------------------------------------------


class ModuleSource(Struct, frozen=True):
    name: str
    path: str
    is_package: bool
    root: str
    program: Program


class Project:
    """What modules are checked in the light of. A fork has it; to others it is sent as data, without the
    Index, which each makes for itself.
    """

    def __init__(self, modules: Iterable[ModuleSource], analyse: Analyse | None = None) -> None:
        self.modules = tuple(modules)
        self._analyse = analyse

    @cached_property
    def index(self) -> Index:
        return Index(
            Module(one.name, one.path, one.is_package, one.program, one.root) for one in self.modules
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """From paths to the index's names."""
        return {module.path: name for name, module in self.index.modules.items()}

    @cached_property
    def analyse(self) -> Analyse:
        from asyncsqla_lint.rules.engine import analyse

        return self._analyse or analyse

    def __getstate__(self) -> dict[str, Any]:
        return {"data": msgspec.msgpack.encode(self.modules)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.modules = msgspec.msgpack.decode(state["data"], type=tuple[ModuleSource, ...])
        self._analyse = None


class Check(Struct, frozen=True):
    path: str  # the module's
    config: Config


def checked(project: Project, task: Check) -> Checked:
    return check_modules(project.analyse, project.index, (project.names[task.path],), task.config)


def killed(key: str, where: str) -> Finding:
    """ASQ903 for a task that two processes did not survive."""
    return internal_error(key, where, ChildProcessError("the process was killed, twice"))
