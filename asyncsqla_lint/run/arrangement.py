"""What paths and glances decide: which files matter, what each is called, what it imports of the others.

An edit within a function changes none of it, so it is kept from run to run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.module_names import Layout, ModuleName
from asyncsqla_lint.workspace.relevance import ImportedName, Relevance, relevant


class Glance(Struct, frozen=True, array_like=True):
    """What a file's bytes say without being parsed."""

    is_seed: bool
    names_driver: bool
    names_async_api: bool
    has_coroutine: bool
    imports: tuple[ImportedName, ...]


_GLANCE = msgspec.msgpack.Decoder(Glance)


class Arrangement(Struct, frozen=True, array_like=True):
    """Of files that go by their numbers, in the order of their paths."""

    of: str  # a digest of what it was made of
    roots: tuple[str, ...]
    names: tuple[tuple[int, str, bool], ...]  # the number of its root, its name, whether it is a package
    imports: tuple[tuple[int, ...], ...]
    checked: tuple[int, ...]
    known: tuple[int, ...]  # none: nothing names SQLAlchemy


def arrangement(of: str, encoded: Mapping[str, Raw], config: Config) -> Arrangement:
    """Of glances, by path and in order, as they are stored: mostly nobody has to read them."""
    glances = {path: _GLANCE.decode(glance) for path, glance in encoded.items()}
    seeds = {path for path, glance in glances.items() if glance.is_seed}
    if not seeds:
        return Arrangement(of, (), (), (), (), ())
    drivers = {path for path, glance in glances.items() if glance.names_driver}
    async_api = {path for path, glance in glances.items() if glance.names_async_api}
    coroutines = {path for path, glance in glances.items() if glance.has_coroutine}
    imports = {path: glance.imports for path, glance in glances.items()}
    layout = Layout(glances, imports, [os.path.join(config.root, each) for each in config.src])
    graph = {path: layout.imported(path) for path in glances}
    chosen = relevant(seeds, graph, async_api, coroutines, drivers)
    numbers = {path: number for number, path in enumerate(glances)}
    roots = {root: number for number, root in enumerate(sorted({one.root for one in layout.names.values()}))}

    def numbered(paths: Iterable[str]) -> tuple[int, ...]:
        return tuple(sorted(numbers[path] for path in paths))

    return Arrangement(
        of,
        tuple(roots),
        tuple((roots[one.root], one.name, one.is_package) for one in map(layout.names.__getitem__, glances)),
        tuple(numbered(graph[path]) for path in glances),
        numbered(chosen.checked),
        numbered(chosen.known),
    )


class Arranged:
    """An arrangement, by path."""

    def __init__(self, made: Arrangement, paths: Sequence[str]) -> None:
        self._made = made
        self._paths = paths

    def relevance(self) -> Relevance:
        return Relevance(self._all(self._made.checked), self._all(self._made.known))

    def names(self) -> dict[str, ModuleName]:
        roots = self._made.roots
        return {
            path: ModuleName(roots[root], name, is_package)
            for path, (root, name, is_package) in zip(self._paths, self._made.names, strict=True)
        }

    def imported(self) -> dict[str, frozenset[str]]:
        return {
            path: self._all(numbers) for path, numbers in zip(self._paths, self._made.imports, strict=True)
        }

    def _all(self, numbers: Iterable[int]) -> frozenset[str]:
        return frozenset(map(self._paths.__getitem__, numbers))
