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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct

from asyncsqla_lint.workspace.relevance import ImportedName

_INIT = os.sep + "__init__.py"


class ModuleName(Struct, frozen=True):
    root: str  # absolute directory
    name: str
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
        self._libraries = self._find_libraries()
        self._naturals: dict[str, str] = {}
        self._known_roots: dict[tuple[str, str, tuple[str, ...]], str | None] = {}
        self._holding: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self._own_roots: dict[str, Counter[str]] = {}  # packages that are roots for their own files
        self._votes = self._count_votes()
        if self._own_roots:
            self._adopt_own_roots()
            self._own_roots = {each: Counter() for each in self._own_roots}
            self._votes = self._count_votes()
        self._between = self._namespaces()
        self._roots: dict[str, str] = {}
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
        return directory + _INIT in self._files

    def _natural_root(self, directory: str) -> str:
        """The first directory upwards that is no regular package."""
        found = self._naturals.get(directory)
        if found is None:
            parent = os.path.dirname(directory)
            inside = self._is_package(directory) and parent != directory
            found = self._natural_root(parent) if inside else directory
            if found == parent and os.path.basename(directory) in self._libraries:
                found = os.path.dirname(parent)  # `adapters/celery` is not that library
            self._naturals[directory] = found
        return found

    # --- imports ---------------------------------------------------------------------------------

    def _find_libraries(self) -> frozenset[str]:
        """Top-level names that stand for what is installed, though directories here are called so.

        Modules of such a name are imported that nothing here has, and none that something has. SQLAlchemy is
        always one: who has a package of that name at the top hides the library from himself (and in its own
        repository it is better known than read).
        """
        wanted = {
            (each.module, each.names)
            for imports in self._imports.values()
            for each in imports
            if not each.level and each.module.partition(".")[0] in self._parents
        }
        here: set[str] = set()
        missing: set[str] = set()
        for module, names in wanted:
            first, _, rest = module.partition(".")
            asked = [rest] if rest else names
            places = [
                os.path.join(each, first, *one.split(".")) for each in self._parents[first] for one in asked
            ]
            if any(self._module_at(place) is not None or place in self._directories for place in places):
                here.add(first)
            elif rest:
                missing.add(first)
        return frozenset(missing - here) | {"sqlalchemy"}

    def _resolved(self, path: str, imported: ImportedName) -> tuple[str, ...]:
        directory = os.path.dirname(path)
        if imported.level:
            base = _climbed(directory, imported.level)
            return self._targets_below(base, imported.module, imported.names)
        root = self._root_for(directory, imported)
        return () if root is None else self._targets_below(root, imported.module, imported.names)

    def _targets_below(self, root: str, module: str, names: tuple[str, ...]) -> tuple[str, ...]:
        """The files that an import reaches if it starts in `root`: a module, and submodules by name."""
        place = root + os.sep + module.replace(".", os.sep) if module else root
        found: list[str] = []
        target = self._module_at(place)
        if target is not None:
            found.append(target)
        if place in self._directories:
            submodules = (self._module_at(place + os.sep + name) for name in names)
            found += [each for each in submodules if each is not None]
        return tuple(found)

    def _module_at(self, place: str) -> str | None:
        for candidate in (place + _INIT, place + ".py"):
            if candidate in self._files:
                return candidate
        return None

    def _root_for(self, directory: str, imported: ImportedName) -> str | None:
        """The directory in which an absolute import, made by a file in `directory`, finds its module."""
        first = imported.module.partition(".")[0]
        if first not in self._parents or first in self._libraries:
            return None
        wanted = (imported.module, imported.names)
        holding = self._holding.get(wanted)
        if holding is None:
            holding = self._holding[wanted] = frozenset(
                each for each in self._parents[first] if self._targets_below(each, *wanted)
            )
        if not holding:
            return None
        key = (directory, *wanted)
        if key not in self._known_roots:
            self._known_roots[key] = self._choose_holder(directory, first, holding)
        return self._known_roots[key]

    def _choose_holder(self, directory: str, first: str, holding: frozenset[str]) -> str | None:
        for each in _upwards(self._natural_root(directory)):
            if each in holding:
                return each
        elsewhere = sorted(each for each in holding if not self._is_package(each))
        if elsewhere:
            return _nearest(elsewhere, directory)
        # A script started from inside its package: `python app/main.py` with `from models import User`.
        if first in _standard_library():
            return None
        found = next((each for each in _upwards(directory) if each in holding), None)
        if found is not None:
            self._own_roots.setdefault(found, Counter())
        return found

    def _adopt_own_roots(self) -> None:
        """A package whose files are imported from inside it as from a root is one for its neighbours."""
        for (directory, module, names), root in self._known_roots.items():
            if root is None:
                candidates = sorted(self._holding[module, names] & self._own_roots.keys())
                if candidates:
                    self._known_roots[directory, module, names] = _nearest(candidates, directory)

    # --- roots -----------------------------------------------------------------------------------

    def _count_votes(self) -> dict[str, list[str]]:
        """From each natural root to the roots that imports find its files from, the most used first."""
        votes: dict[str, Counter[str]] = {}
        together = _Together()
        for path in sorted(self._imports):
            directory = os.path.dirname(path)
            natural_root = self._natural_root(directory)
            for imported in self._imports[path]:
                if imported.level:
                    base = _climbed(directory, imported.level)
                    for own, counted in self._own_roots.items():
                        if _is_at_or_below(directory, own) and not _is_strictly_below(base, own):
                            counted[natural_root] += 1  # it would climb beyond its top-level package
                    # Relative imports only work inside one root: what they join is named from one.
                    for target in self._resolved(path, imported):
                        joined = self._natural_root(os.path.dirname(target))
                        together.join(natural_root, joined)
                    continue
                if imported.module.partition(".")[0] in _standard_library():
                    continue
                root = self._root_for(directory, imported)
                if root is None:
                    continue
                for target in self._targets_below(root, imported.module, imported.names):
                    natural = self._natural_root(os.path.dirname(target))
                    votes.setdefault(natural, Counter())[root] += 1
                    for own, counted in self._own_roots.items():
                        if _is_strictly_below(target, own):
                            counted[root] += 1
        of_group: dict[str, Counter[str]] = {}
        for natural, counted in votes.items():
            of_group.setdefault(together.group(natural), Counter()).update(counted)
        votes.update((member, of_group[group]) for member, group in together.members() if group in of_group)
        return {
            natural: sorted(counted, key=lambda root: (-counted[root], len(root), root))
            for natural, counted in votes.items()
        }

    def _namespaces(self) -> dict[str, str]:
        """`backend/app` whose subdirectories are imported as `app.routes`, though nobody imports `app.main`:
        it lies below the root `backend` too."""
        found: dict[str, str] = {}
        for natural, roots in sorted(self._votes.items()):
            for directory in _upwards(natural):
                if not _is_strictly_below(directory, roots[0]):
                    break
                if directory not in self._votes:
                    found.setdefault(directory, roots[0])
        return found

    def _root(self, directory: str) -> str:
        known = self._roots.get(directory)
        if known is None:
            known = self._roots[directory] = self._choose_root(directory)
        return known

    def _choose_root(self, directory: str) -> str:
        for declared in self._src:
            if _is_at_or_below(directory, declared):
                return declared
        for own in _upwards(directory):
            if self._is_own_root(own):
                return own  # `enterprise/` beside the package that the rest of the repository is about
        natural = self._natural_root(directory)
        for root in self._votes.get(natural, ()):
            if _is_at_or_below(directory, root) and (root not in self._own_roots or self._is_own_root(root)):
                return root
        return self._between.get(natural) or _src_above(natural) or natural

    def _is_own_root(self, package: str) -> bool:
        counted = self._own_roots.get(package)
        return counted is not None and 2 * counted[package] > counted.total()

    def _name(self, path: str) -> ModuleName:
        directory, name = os.path.split(path)
        root = self._root(directory)
        if name == "__init__.py" and directory == root:
            root = self._natural_root(directory)  # nobody imports a root itself; it keeps its package's name
        below = directory[len(root.rstrip(os.sep)) + 1 :]
        parts = below.split(os.sep) if below else []
        is_package = name == "__init__.py"
        if not is_package:
            parts.append(name[:-3] if name.endswith(".py") else name)
        return ModuleName(root, ".".join(parts), is_package)


class _Together:
    """Directories in groups that grow together."""

    def __init__(self) -> None:
        self._leader: dict[str, str] = {}

    def group(self, one: str) -> str:
        leader = self._leader.get(one, one)
        while leader != one:
            one, leader = leader, self._leader.get(leader, leader)
        return one

    def join(self, one: str, other: str) -> None:
        if one != other:
            first, second = sorted((self.group(one), self.group(other)))
            self._leader[second] = self._leader[first] = first

    def members(self) -> list[tuple[str, str]]:
        return [(each, self.group(each)) for each in sorted(self._leader)]


def _climbed(directory: str, level: int) -> str:
    """Where a relative import starts: each dot behind the first is one directory up."""
    for _ in range(level - 1):
        directory = os.path.dirname(directory)
    return directory


def _upwards(directory: str) -> Iterator[str]:
    while True:
        yield directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


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
