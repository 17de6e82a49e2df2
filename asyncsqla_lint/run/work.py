"""The pieces of a run that need nothing but what they are handed: another process can do them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any, Union

import msgspec
from msgspec import Struct

from asyncsqla_lint.findings import Finding, Location, fingerprint
from asyncsqla_lint.program import Program
from asyncsqla_lint.project.facts import Facts, facts_of
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.pages import Pages
from asyncsqla_lint.project.pieces import words_of
from asyncsqla_lint.project.signs import Signs
from asyncsqla_lint.rules.itself import SyntaxError as SyntaxErrorRule
from asyncsqla_lint.rules.itself import internal_error
from asyncsqla_lint.run.analysis import Analyse, Checked, check_modules
from asyncsqla_lint.run.keys import content_hash
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.decoding import DecodeError, decode

# --- text to Program -------------------------------------------------------------------------------


class Source(Struct, frozen=True):
    key: str
    data: bytes


class Lowered(Struct, frozen=True):
    program: Program | bytes  # as bytes from another process: what is sent is what is stored
    facts: Facts
    words: str


def lowered(shared: None, source: Source) -> Lowered | Finding:
    """The Program of a file, or why there is none."""
    from asyncsqla_lint.syntax import SyntaxFailure, lower

    try:
        text = decode(source.data)
        return _with_facts(lower(text), text, source.data)
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


def lowered_again(data: bytes, before: bytes, program: Program) -> Lowered | None:
    """The same, of a file of which `program` was known; None where that does not help."""
    from asyncsqla_lint.syntax import lower_again

    try:
        text = decode(data)
        found = lower_again(text, decode(before), program)
        return None if found is None else _with_facts(found, text, data)
    except DecodeError:
        return None


def _with_facts(program: Program, text: str, data: bytes) -> Lowered:
    words = words_of(text)
    return Lowered(program, facts_of(program, text, content_hash(data), words), words)


def lowered_elsewhere(shared: None, source: Source) -> Lowered | Finding:
    found = lowered(shared, source)
    if isinstance(found, Finding):
        return found
    try:
        return Lowered(msgspec.msgpack.encode(found.program), found.facts, found.words)
    except UnicodeEncodeError:  # half a character in a literal
        return found


# --- Programs to findings --------------------------------------------------------------------------


class ModuleSource(Struct, frozen=True):
    name: str
    path: str
    is_package: bool
    root: str
    signs: Signs | None
    load: Callable[[], Program]


class _LazyModule(Module):
    """Its Program comes from the store, when somebody asks for it."""

    def __init__(self, source: ModuleSource) -> None:
        self.name, self.path, self.root = source.name, source.path, source.root
        self.is_package = source.is_package
        self.signs = source.signs
        self.consulted = set()
        self._load = source.load

    @cached_property
    def program(self) -> Program:  # type: ignore[override]  # read-only, and nobody writes it
        return self._load()


class Project:
    """What modules are checked in the light of. A fork has it; to others it is sent as data, without the
    Index, which each makes for itself.
    """

    def __init__(
        self, modules: Iterable[ModuleSource], analyse: Analyse | None = None, pages: Pages | None = None
    ) -> None:
        self.modules = tuple(modules)
        self._pages = pages or Pages()
        self._analyse = analyse

    @cached_property
    def index(self) -> Index:
        return Index((_LazyModule(one) for one in self.modules), self._pages)

    @cached_property
    def names(self) -> dict[str, str]:
        """From paths to the index's names."""
        return {module.path: name for name, module in self.index.modules.items()}

    @cached_property
    def analyse(self) -> Analyse:
        from asyncsqla_lint.rules.engine import analyse

        return self._analyse or analyse

    def __getstate__(self) -> dict[str, Any]:
        modules = [
            (one.name, one.path, one.is_package, one.root, one.signs, one.load()) for one in self.modules
        ]
        data = msgspec.msgpack.encode(modules, enc_hook=tuple)
        return {"data": data, "analyse": self._analyse, "pages": self._pages}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kind = list[tuple[str, str, bool, str, Union[Signs, None], Program]]
        self.modules = tuple(
            ModuleSource(name, path, is_package, root, signs, partial(_itself, program))
            for name, path, is_package, root, signs, program in msgspec.msgpack.decode(
                state["data"], type=kind
            )
        )
        self._analyse, self._pages = state["analyse"], state["pages"]


def _itself(program: Program) -> Program:
    return program


class Check(Struct, frozen=True):
    path: str  # the module's
    config: Config


def checked(project: Project, task: Check) -> Checked:
    """What a module's analysis says, and which texts it has looked into to say so."""
    index = project.index
    index.consulted.clear()
    index.asked.clear()
    found = check_modules(project.analyse, index, (project.names[task.path],), task.config)
    return msgspec.structs.replace(
        found, consulted=index.texts(), asked=index.families(), pages=index.pages_asked_for()
    )


def killed(key: str, where: str) -> Finding:
    """ASQ903 for a task that two processes did not survive."""
    return internal_error(key, where, ChildProcessError("the process was killed, twice"))
