"""Who can have a name from a module: who imports that name, or everything, or the module itself.

That is told by the import statements of who imports the module directly, and of the others by who may be
handed the module as an object. What cannot be told counts as a yes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.program import Program
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.workspace.relevance import ImportedName, imports_of, reachable

# Who says one of these may put something in the place of what a string names: `patch("app.models.make")`.
_PATCHES = (" patch ", " setattr ")


class _Access(Struct, frozen=True):
    """What a module takes from one that it imports."""

    names: frozenset[str]
    all_names: bool  # `from models import *`
    itself: bool  # `import models`, `from app import models`


class Holders:
    """`imported` are the targets of imports, by path."""

    def __init__(
        self,
        imported: Mapping[str, Iterable[str]],
        program: Callable[[str], Program],
        data: Callable[[str], bytes],
    ) -> None:
        self._program = program
        self._data = data
        self._importers: dict[str, list[str]] = {}
        for path, targets in imported.items():
            for target in targets:
                self._importers.setdefault(target, []).append(path)
        self._imports: dict[str, list[ImportedName]] = {}
        self._known: dict[str, dict[str, _Access]] = {}
        self._reachable: dict[str, frozenset[str]] = {}
        self._handed: dict[str, frozenset[str]] = {}

    def of(self, name: str, source: str, words: Mapping[str, str]) -> Iterator[str]:
        """Those who say the name and can have it from there, itself included."""
        word = f" {name} "
        direct = self._direct(source)
        for path in self._above(source):
            said = words.get(path, "")
            if word not in said:
                continue
            access = direct.get(path)
            if path == source:
                yield path
            elif access is not None and (access.itself or access.all_names or name in access.names):
                yield path
            elif self._names_it(path, source, name, said) or (
                access is None and path in self._handed_on(source, words)
            ):
                yield path

    def by_star(self, source: str) -> Iterator[str]:
        """Those for whom each name of the module is one of their own."""
        return (path for path, access in self._direct(source).items() if access.all_names)

    def _above(self, source: str) -> frozenset[str]:
        if source not in self._reachable:
            self._reachable[source] = reachable((source,), self._importers)
        return self._reachable[source]

    def _direct(self, source: str) -> dict[str, _Access]:
        if source not in self._known:
            importers = self._importers.get(source, ())
            self._known[source] = {path: self._access(path, source) for path in importers}
        return self._known[source]

    def _access(self, path: str, source: str) -> _Access:
        """By the last part of the module's name: too much, where others are called alike."""
        end = stem(source)
        names: set[str] = set()
        itself, is_told = False, False
        for one in self._imports_of(path):
            parts = one.module.split(".")
            if end in one.names or (not one.names and end in parts):
                itself = is_told = True
            elif one.names and (parts[-1] == end or not one.module):
                names.update(one.names)
                is_told = True
        return _Access(frozenset(names), "*" in names, itself or not is_told)

    def _names_it(self, path: str, source: str, name: str, said: str) -> bool:
        """May it ask the module by its full name, in a string or below a package?"""
        end = stem(source)
        if f" {end} " not in said:
            return False
        if any(one in said for one in _PATCHES):
            data = self._data(path)
            if any(f"{before}.{name}".encode() in data for before in (end, "}", '"', "'")):
                return True
        return self._has_package_of(path, source)

    def _has_package_of(self, path: str, source: str) -> bool:
        packages = {*PurePath(source).parent.parts}
        asks = rf"\.\s*{re.escape(stem(source))}\b(?!\s+import\b)".encode()  # `app.models.users`
        return re.search(asks, self._data(path)) is not None and any(
            not packages.isdisjoint(one.names or one.module.split(".")) for one in self._imports_of(path)
        )

    def _imports_of(self, path: str) -> list[ImportedName]:
        if path not in self._imports:
            self._imports[path] = imports_of(self._data(path))
        return self._imports[path]

    def _handed_on(self, source: str, words: Mapping[str, str]) -> frozenset[str]:
        """Those who may have the module itself from one who has it: as a value, or by another name."""
        if source not in self._handed:
            found: set[str] = set()
            direct, word = self._direct(source), f" {stem(source)} "
            for path, access in direct.items():
                if access.itself:
                    found |= self._handed_by(path, source, words)
            for path in self._above(source) - direct.keys():
                if word in words.get(path, "") and self._has_package_of(path, source):
                    found |= self._above(path)
            self._handed[source] = frozenset(found)
        return self._handed[source]

    def _handed_by(self, path: str, source: str, words: Mapping[str, str]) -> frozenset[str]:
        bound = _bound(self._program(path), stem(source))
        if bound is None:
            return self._above(path)
        for other, access in self._direct(path).items():
            said = words.get(other, "")
            if any(
                name in access.names or ((access.itself or access.all_names) and f" {name} " in said)
                for name in bound
            ):
                return self._above(path)
        return frozenset()


def stem(path: str) -> str:
    """The last part of a module's name."""
    file = PurePath(path)
    return file.parent.name if file.stem == "__init__" else file.stem


def _bound(program: Program, name: str) -> set[str] | None:
    """The names by which a text has a module; None: it does more with it than to ask it for something."""
    depths: dict[str, int] = {}
    bodies = (program.statements, *program.bodies)
    for body in bodies:
        for node in walk(body):
            if isinstance(node, p.ImportFrom):
                aliases = (one for one in node.names if one.name == name)
                depths.update((one.asname or one.name, 1) for one in aliases)
            elif isinstance(node, p.Import):
                for one in node.names:
                    parts = one.name.split(".")
                    if name in parts:
                        depths[one.asname or parts[0]] = 1 if one.asname else len(parts)
    headers = tuple((one.decorators, one.parameters, one.returns) for one in program.functions)
    asked: set[int] = set()
    for node in walk((*bodies, *headers)):
        if isinstance(node, p.Attribute):
            chain, length = node.value, 1
            while isinstance(chain, p.Attribute):
                chain, length = chain.value, length + 1
            if isinstance(chain, p.Name) and length >= depths.get(chain.id, 0):
                asked.add(id(chain))
        elif isinstance(node, p.Name) and node.id in depths and id(node) not in asked:
            return None
    return set(depths)
