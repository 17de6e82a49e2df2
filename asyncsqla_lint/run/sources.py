"""The files of a run: those to report on, those that they need to be understood, and what each is called.

Everything here is decided from paths and bytes; the Programs come later.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct

from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import is_project_root
from asyncsqla_lint.workspace.discovery import PathError, discover, reason, shown
from asyncsqla_lint.workspace.module_names import Layout, ModuleName
from asyncsqla_lint.workspace.relevance import (
    Relevance,
    imports_of,
    is_seed,
    names_driver,
    reachable,
    relevant,
)

# What an editor or standard input holds of a file that is not saved: absolute path → bytes.
Overlay = Mapping[str, bytes]


class Sources(Struct, frozen=True):
    targets: Mapping[str, Config]  # absolute path → its configuration: what is reported on
    checked: tuple[str, ...]  # what is analysed
    known: tuple[str, ...]  # what is parsed
    names: Mapping[str, ModuleName]
    configs: Mapping[str, Config]
    data: Mapping[str, bytes]
    errors: tuple[PathError, ...]
    uses_sqlalchemy: bool


def gather(paths: Sequence[str], config: Config, overlay: Overlay) -> Sources:
    found = discover(paths, config, overlay.keys())
    targets = {file.path: file.config for file in found.files}
    errors = list(found.errors)
    files = {**_surroundings(paths, config), **targets}
    data: dict[str, bytes] = {}
    for path in files:
        try:
            data[path] = overlay[path] if path in overlay else _read(path)
        except OSError as error:
            if path in targets:
                errors.append(PathError(shown(path), reason(error)))
    seeds = {path for path, content in data.items() if is_seed(content)}
    if not seeds:
        return Sources(targets, (), (), {}, files, data, tuple(sorted(errors)), False)
    drivers = {path for path, content in data.items() if names_driver(content)}
    imports = {path: imports_of(content) for path, content in data.items()}
    layout = Layout(data, imports, [os.path.join(config.root, each) for each in config.src])
    graph = {path: layout.imported(path) for path in data}
    chosen = _for_targets(relevant(seeds, graph, drivers), graph, targets)
    return Sources(
        targets,
        tuple(sorted(chosen.checked)),
        tuple(sorted(chosen.known)),
        layout.names,
        files,
        data,
        tuple(sorted(errors)),
        True,
    )


def _for_targets(
    whole: Relevance, graph: Mapping[str, frozenset[str]], targets: Mapping[str, Config]
) -> Relevance:
    """What must be analysed so that the targets get the findings of a run over the whole project.

    A finding stands where the failure is, which may be in a helper that another file calls: so whatever
    imports a target is analysed too.
    """
    if whole.known <= targets.keys():
        return whole
    importers: dict[str, list[str]] = {}
    for path, imported in graph.items():
        for each in imported:
            importers.setdefault(each, []).append(path)
    checked = reachable(whole.known & targets.keys(), importers) & whole.checked
    return Relevance(checked, reachable(checked, graph))


def _surroundings(paths: Sequence[str], config: Config) -> dict[str, Config]:
    """The rest of the project that the paths belong to."""
    given = [os.path.abspath(path) for path in paths]
    roots = [os.path.join(config.root, each) for each in config.src if each != "."]
    if config.origin or (config.nested and is_project_root(config.root)):
        roots = [config.root, *roots]
    else:
        # Nothing says where the project ends: only the neighbours of the files that were named.
        beside = {os.path.dirname(path) for path in given if os.path.isfile(path)}
        neighbours = [entry for directory in sorted(beside) for entry in _python_files(directory)]
        roots = [*roots, *neighbours]
    roots = [os.path.abspath(root) for root in roots if os.path.exists(root)]
    missing = [root for root in roots if not any(_is_at_or_below(root, path) for path in given)]
    if not missing:
        return {}
    return {file.path: file.config for file in discover(missing, config).files}


def _python_files(directory: str) -> list[str]:
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return [os.path.join(directory, name) for name in sorted(names) if name.endswith(".py")]


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()


def _is_at_or_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)
