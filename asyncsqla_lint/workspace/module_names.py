"""Which dotted name each file has, below which root.

A root is a directory that stands on `sys.path` when the program runs: `src/`, the repository, `backend/`.
Nobody writes down which, but the program's own imports tell: `from app.models import User` somewhere below
`backend/`, where `backend/app/models.py` exists, makes `backend/` a root. Without such a vote, it is the
directory above the outermost `__init__.py`.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from msgspec import Struct

from asyncsqla_lint.workspace.relevance import ImportedName


class ModuleName(Struct, frozen=True):
    root: str  # absolute directory
    name: str  # "" for an __init__.py that lies in the root itself
    is_package: bool


class Layout:
    """The files of a run as modules, and what each imports of the others."""

    def __init__(
        self,
        files: Iterable[str],
        imports: Mapping[str, Sequence[ImportedName]],
        src: Sequence[str] = (),
    ) -> None:
        self._files = frozenset(files)
        self._imports = imports
        self._src = sorted((os.path.abspath(each) for each in src), key=len, reverse=True)
        self._parents: dict[str, list[str]] = {}  # a top-level name → the directories that hold it
        self._directories: set[str] = set()
        self._learn_directories()
        self._known_roots: dict[tuple[str, ImportedName], str | None] = {}
        self._roots = self._choose_roots()
        self.names: dict[str, ModuleName] = {path: self._name(path) for path in sorted(self._files)}

    def imported(self, path: str) -> frozenset[str]:
        """The files that a file imports."""
        found: set[str] = set()
        for each in self._imports.get(path, ()):
            for target in self._resolved(path, each):
                found.add(target)
        found.discard(path)
        return frozenset(found)

    # --- directories -----------------------------------------------------------------------------

    def _learn_directories(self) -> None:
        holders: dict[str, set[str]] = {}
        for path in self._files:
            directory, name = os.path.split(path)
            if name != "__init__.py":
                holders.setdefault(name[:-3], set()).add(directory)
            while directory not in self._directories:
                self._directories.add(directory)
                parent, segment = os.path.split(directory)
                if parent == directory:
                    break
                holders.setdefault(segment, set()).add(parent)
                directory = parent
        self._parents = {name: sorted(directories) for name, directories in holders.items()}

    def _is_package(self, directory: str) -> bool:
        return os.path.join(directory, "__init__.py") in self._files

    def _natural_root(self, directory: str) -> str:
        """The first directory upwards that is no regular package."""
        while self._is_package(directory):
            parent = os.path.dirname(directory)
            if parent == directory:
                break
            directory = parent
        return directory

    # --- imports ---------------------------------------------------------------------------------

    def _resolved(self, path: str, imported: ImportedName) -> Iterable[str]:
        if imported.level:
            base = path
            for _ in range(imported.level):
                base = os.path.dirname(base)
            yield from self._targets_below(base, imported.module, imported.names)
            return
        root = self._root_for(os.path.dirname(path), imported)
        if root is not None:
            yield from self._targets_below(root, imported.module, imported.names)

    def _targets_below(self, root: str, module: str, names: Sequence[str]) -> Iterable[str]:
        place = os.path.join(root, *module.split(".")) if module else root
        target = self._module_at(place)
        if target is None and not names and "." in module:  # `import a.b` of a name in a façade
            target = self._module_at(os.path.dirname(place))
        if target is not None:
            yield target
        if names == ("*",):
            return
        for name in names:
            submodule = self._module_at(os.path.join(place, name))
            if submodule is not None:
                yield submodule

    def _module_at(self, place: str) -> str | None:
        for candidate in (os.path.join(place, "__init__.py"), place + ".py"):
            if candidate in self._files:
                return candidate
        return None

    def _root_for(self, directory: str, imported: ImportedName) -> str | None:
        """The directory in which an absolute import, made by a file in `directory`, finds its module."""
        first = imported.module.partition(".")[0]
        holders = self._parents.get(first)
        if not holders:
            return None
        key = (directory, imported)
        if key not in self._known_roots:
            self._known_roots[key] = self._find_root(directory, imported, first, holders)
        return self._known_roots[key]

    def _find_root(
        self, directory: str, imported: ImportedName, first: str, holders: Sequence[str]
    ) -> str | None:
        holding = [
            each
            for each in holders
            if any(True for _ in self._targets_below(each, imported.module, imported.names))
        ]
        if not holding:
            return None
        natural = self._natural_root(directory)
        above = [each for each in holding if _is_at_or_below(natural, each)]
        if above:
            return max(above, key=len)
        elsewhere = [each for each in holding if not self._is_package(each)]
        if len(elsewhere) == 1:
            return elsewhere[0]
        if elsewhere:
            return _nearest(elsewhere, directory)
        # A script started from inside its package: `python app/main.py` with `from models import User`.
        inside = [each for each in holding if _is_at_or_below(directory, each)]
        return max(inside, key=len) if inside and first not in _standard_library() else None

    # --- roots -----------------------------------------------------------------------------------

    def _choose_roots(self) -> dict[str, str]:
        """From each natural root to the root that its files are named from."""
        votes: dict[str, Counter[str]] = {}
        for path in sorted(self._imports):
            directory = os.path.dirname(path)
            for imported in self._imports[path]:
                if imported.level or imported.module.partition(".")[0] in _standard_library():
                    continue
                root = self._root_for(directory, imported)
                if root is None:
                    continue
                for target in self._targets_below(root, imported.module, imported.names):
                    natural = self._natural_root(os.path.dirname(target))
                    if _is_at_or_below(natural, root):
                        votes.setdefault(natural, Counter())[root] += 1
        naturals = sorted({self._natural_root(os.path.dirname(path)) for path in self._files}, key=len)
        chosen: dict[str, str] = {}
        for natural in naturals:
            declared = next((each for each in self._src if _is_at_or_below(natural, each)), None)
            counted = votes.get(natural)
            if declared is not None:
                chosen[natural] = declared
            elif counted:
                most = max(counted.values())
                chosen[natural] = min((root for root, count in counted.items() if count == most), key=len)
            else:
                chosen[natural] = _src_above(natural) or natural
        # `backend/app` whose subdirectories are imported as `app.routes`, but nobody imports `app.main`:
        # it is a package below backend/ too.
        for natural in naturals:
            if natural in votes or chosen[natural] != natural or natural in self._src:
                continue
            for other in naturals:
                root = chosen[other]
                if (
                    other in votes
                    and _is_strictly_below(natural, root)
                    and _is_strictly_below(other, natural)
                ):
                    chosen[natural] = root
                    break
        return chosen

    def _name(self, path: str) -> ModuleName:
        directory, name = os.path.split(path)
        natural = self._natural_root(directory)
        root = self._roots.get(natural, natural)
        parts = [] if directory == root else os.path.relpath(directory, root).split(os.sep)
        is_package = name == "__init__.py"
        if not is_package:
            parts.append(name[:-3] if name.endswith(".py") else name)
        return ModuleName(root, ".".join(parts), is_package)


def _src_above(directory: str) -> str | None:
    """The nearest ancestor called `src`, the one name that says by itself that it is a root."""
    parts = directory.split(os.sep)
    if "src" not in parts[1:]:
        return None
    return os.sep.join(parts[: len(parts) - parts[::-1].index("src")])


def _is_at_or_below(path: str, directory: str) -> bool:
    return path == directory or _is_strictly_below(path, directory)


def _is_strictly_below(path: str, directory: str) -> bool:
    return path != directory and path.startswith(directory.rstrip(os.sep) + os.sep)


def _nearest(candidates: Sequence[str], directory: str) -> str | None:
    """The one that shares most of its path with `directory`; None if two share as much."""
    shared = {each: len(os.path.commonpath([each, directory])) for each in candidates}
    most = max(shared.values())
    best = [each for each in candidates if shared[each] == most]
    return best[0] if len(best) == 1 else None


@cache
def _standard_library() -> frozenset[str]:
    return frozenset(sys.stdlib_module_names)
