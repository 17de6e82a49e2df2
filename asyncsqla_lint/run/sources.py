"""The files of a run: those to report on, those that they need to be understood, and what each is called.

Everything here is decided from paths and bytes; the Programs come later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from asyncsqla_lint.project.pages import Pages
from asyncsqla_lint.run.arrangement import Arranged, Glance, arrangement
from asyncsqla_lint.run.cache import Cache
from asyncsqla_lint.run.contents import Contents, Overlay, Seen
from asyncsqla_lint.run.keys import digest, key_of
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import is_project_root
from asyncsqla_lint.workspace.discovery import Discovery, PathError, discover, reason, shown
from asyncsqla_lint.workspace.module_names import ModuleName
from asyncsqla_lint.workspace.neighbours import led_to
from asyncsqla_lint.workspace.relevance import (
    Relevance,
    has_coroutine,
    imports_of,
    is_seed,
    names_async_api,
    names_driver,
    reachable,
)


class Looked(Struct, frozen=True):
    """What stands on the disk, before anything is made of it."""

    targets: Mapping[str, Config]  # absolute path → its configuration: what is reported on
    configs: Mapping[str, Config]  # of the rest of the project too
    data: Contents
    errors: tuple[PathError, ...]
    others: Mapping[str, Collection[str]]  # directory → names of what else stands there, where it was walked
    pages: frozenset[str]  # of these, what may be templates


class Sources(Struct, frozen=True):
    looked: Looked
    checked: tuple[str, ...]  # what is analysed
    known: tuple[str, ...]  # what is parsed
    names: Mapping[str, ModuleName]
    imported: Callable[[], Mapping[str, frozenset[str]]]  # the files that each imports


def look(paths: Sequence[str], config: Config, overlay: Overlay, seen: Mapping[str, Seen]) -> Looked:
    found = discover(paths, config, overlay.keys())
    targets = {file.path: file.config for file in found.files}
    errors = list(found.errors)
    around = _surroundings(paths, config)
    files = {**{file.path: file.config for file in around.files}, **targets}
    data = Contents(overlay, seen)
    for path in files:
        try:
            data.see(path)
        except OSError as error:
            if path in targets:
                errors.append(PathError(shown(path), reason(error)))
    others, pages = {**around.others, **found.others}, around.pages | found.pages
    return Looked(targets, files, data, tuple(sorted(errors)), others, pages)


def pages_of(looked: Looked, root: str, overlay: Overlay) -> Pages:
    """The templates beside the files; none is opened before somebody asks for it."""
    paths = {key_of(path, root): path for path in sorted(looked.pages)}

    def read(key: str) -> str:
        path = paths[key]
        try:
            if path in overlay:
                return overlay[path].decode("utf-8", "replace")
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    return Pages(paths, read)


def glances_of(data: Contents, known: Mapping[str, Raw]) -> dict[str, Raw]:
    """Encoded Glances, by the hash of what was looked at."""
    found: dict[str, Raw] = {}
    for path, content in data.hashes.items():
        if content not in found:
            glance = known.get(content)
            if glance is None:
                text = data[path]
                made = Glance(
                    is_seed(text),
                    names_driver(text),
                    names_async_api(text),
                    has_coroutine(text),
                    tuple(imports_of(text)),
                )
                glance = Raw(msgspec.msgpack.encode(made))
            found[content] = glance
    return found


def arranged(looked: Looked, config: Config, glances: Mapping[str, Raw], cache: Cache) -> Sources | None:
    """Which files are to be parsed and checked, under which names; None where nothing names SQLAlchemy."""
    of_path = {path: glances[content] for path, content in sorted(looked.data.hashes.items())}
    paths = tuple(of_path)
    try:
        of = digest(config.root, config.src, paths, tuple(of_path.values()))
    except UnicodeEncodeError:  # a file's name need not be UTF-8
        of = ""
    made = cache.arrangement(config.root)
    if made is None or not of or made.of != of:
        made = arrangement(of, of_path, config)
        cache.remember_arrangement(config.root, made, lasting=bool(of) and looked.data.is_stored)
    if not made.known:
        return None
    found = Arranged(made, paths)
    chosen = _for_targets(found.relevance(), found.imported, looked.targets)
    return Sources(
        looked, tuple(sorted(chosen.checked)), tuple(sorted(chosen.known)), found.names(), found.imported
    )


def _for_targets(
    whole: Relevance, imported: Callable[[], Mapping[str, frozenset[str]]], targets: Mapping[str, Config]
) -> Relevance:
    """What must be analysed so that the targets get the findings of a run over the whole project.

    A finding stands where the failure is, which may be in a helper that another file calls: so whatever
    imports a target is analysed too. And known is not only what these import: fixtures, subclasses, tables
    that others fill, and what is kept on an application are found by being searched for, in whatever imports
    lead to, up and down.
    """
    if whole.known <= targets.keys():
        return whole
    importers: dict[str, set[str]] = {path: set() for path in whole.known}
    imports: dict[str, set[str]] = {path: set() for path in whole.known}
    for path, others in imported().items():
        for each in others if path in imports else ():
            importers[each].add(path)
            imports[path].add(each)
        for conftest in _conftests(path, imports) if _may_have_tests(path) else ():
            importers[conftest].add(path)
    known = whole.known & targets.keys()
    checked = reachable(known, importers) & whole.checked
    around = {path: (*imports[path], *importers[path], *_conftests(path, imports)) for path in imports}
    return Relevance(checked, reachable(known, around))


def _conftests(path: str, known: Container[str]) -> Iterator[str]:
    """pytest imports these of itself."""
    directory = os.path.dirname(path)
    while True:
        conftest = os.path.join(directory, "conftest.py")
        if conftest in known:
            yield conftest
        parent = os.path.dirname(directory)
        if parent == directory:
            return
        directory = parent


def _may_have_tests(path: str) -> bool:
    stem = os.path.splitext(os.path.basename(path))[0]
    return stem.startswith("test") or stem.endswith(("_test", "_tests"))


def _surroundings(paths: Sequence[str], config: Config) -> Discovery:
    """The rest of the project that the paths belong to."""
    given = [os.path.abspath(path) for path in paths]
    roots = [os.path.join(config.root, each) for each in config.src if each != "."]
    is_below = all(_is_at_or_below(path, config.root) for path in given)
    if config.origin or (not config.src and is_below and is_project_root(config.root)):
        roots = [config.root, *roots]
    else:
        # Nothing says where the project ends.
        roots = [*roots, *led_to([path for path in given if os.path.isfile(path)])]
    roots = [os.path.abspath(root) for root in roots if os.path.exists(root)]
    missing = [root for root in roots if not any(_is_at_or_below(root, path) for path in given)]
    return discover(missing, config)


def _is_at_or_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)
