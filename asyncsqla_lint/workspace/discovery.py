"""Which Python files a run is about, and which templates stand beside them.

A directory is walked with ruff's manners: gitignore rules, `exclude`, and the nearest configuration file
apply; symbolic links to directories are not followed, so a link can make no loop and no duplicate. A file
that is named is taken whatever the rules say, unless `force-exclude` is set.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import FILE_NAMES, config_file_in, read_config_file, with_overrides
from asyncsqla_lint.workspace.ignoring import Patterns, git_exclude_file, read_patterns

PAGES = (".html", ".htm", ".jinja", ".jinja2", ".j2", ".txt", ".xml")  # what a template's name may end with


class SourceFile(Struct, frozen=True):
    path: str  # absolute
    config: Config  # of the nearest configuration file


class PathError(Struct, frozen=True, order=True):
    """A path that could not be used. `path` is as the user gave it, or as it was found."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Discovery(Struct, frozen=True):
    files: tuple[SourceFile, ...]  # by path
    errors: tuple[PathError, ...]
    others: Mapping[str, list[str]]  # directories that were walked → what else stands there
    pages: frozenset[str]  # what may be templates, of these


def discover(paths: Sequence[str], config: Config, unsaved: Collection[str] = ()) -> Discovery:
    """All files at or below `paths`. An `unsaved` one (absolute) need not be there."""
    walk = _Walk(config, unsaved)
    for path in paths:
        walk.start(path)
    return walk.result()


class _Ignores(Struct, frozen=True):
    """The ignore files that hold here: the innermost first."""

    patterns: Patterns
    outer: _Ignores | None

    def ignores(self, path: str, name: str, is_directory: bool) -> bool:
        link: _Ignores | None = self
        while link is not None:
            decision = link.patterns.decides(path, name, is_directory)
            if decision is not None:
                return decision
            link = link.outer
        return False


class _Walk:
    def __init__(self, config: Config, unsaved: Collection[str]) -> None:
        self.config = config
        self.unsaved = unsaved
        self.files: dict[str, Config] = {}
        self.links: dict[str, Config] = {}  # symbolic links to files
        self.errors: set[PathError] = set()
        self.others: dict[str, list[str]] = {}
        self.pages: set[str] = set()
        self._excludes: dict[int, Patterns] = {}
        self._configs: dict[str, Config] = {}

    def result(self) -> Discovery:
        real = {os.path.realpath(path) for path in self.files} if self.links else set()
        for path, config in sorted(self.links.items()):
            target = os.path.realpath(path)
            if target not in real:
                real.add(target)
                self.files[path] = config
        files = tuple(SourceFile(path, self.files[path]) for path in sorted(self.files))
        return Discovery(files, tuple(sorted(self.errors)), self.others, frozenset(self.pages))

    def start(self, given: str) -> None:
        path = os.path.abspath(given)
        if path in self.unsaved:
            mode = stat.S_IFREG
        else:
            try:
                mode = os.stat(path).st_mode
            except OSError as error:
                self.errors.add(PathError(given, reason(error)))
                return
        directory = stat.S_ISDIR(mode)
        config = self.config_of(path if directory else os.path.dirname(path))
        if config.force_exclude and self._excluded_by_force(path, config, directory):
            return
        if directory:
            self.walk(path, config, self._ignores_above(path) if config.respect_gitignore else None)
        elif not stat.S_ISREG(mode):
            self.errors.add(PathError(given, "not a regular file"))
        elif path.endswith(".ipynb"):
            self.errors.add(PathError(given, "notebooks are not checked"))
        elif not path.endswith(".pyi"):  # a stub holds no behaviour; pre-commit passes it all the same
            self.files[path] = config

    def walk(self, top: str, config: Config, ignores: _Ignores | None) -> None:
        stack = [(top, config, ignores)]
        while stack:
            directory, config, ignores = stack.pop()
            if directory in self.others:
                continue
            others = self.others[directory] = []
            try:
                with os.scandir(directory) as listing:
                    entries = list(listing)
            except OSError as error:
                self.errors.add(PathError(shown(directory), reason(error)))
                continue
            names = {entry.name for entry in entries}
            if directory != top:
                config = self._config_in(directory, names) or config
            if config.respect_gitignore:
                if ".git" in names:
                    ignores = _linked(directory, git_exclude_file(directory), None)
                if ".gitignore" in names:
                    ignores = _linked(directory, os.path.join(directory, ".gitignore"), ignores)
            excludes = self.excludes(config)
            for entry in entries:
                name = entry.name
                is_directory = entry.is_dir(follow_symlinks=False)
                if not is_directory and not name.endswith(".py"):
                    others.append(name)
                    if not name.endswith(PAGES):
                        continue
                path = entry.path
                if excludes.decides(path, name, is_directory):
                    continue
                if ignores is not None and ignores.ignores(path, name, is_directory):
                    continue
                if is_directory:
                    stack.append((path, config, ignores))
                elif not name.endswith(".py"):
                    self.pages.add(path)
                elif entry.is_symlink():
                    if os.path.isfile(path):
                        self.links[path] = config
                elif entry.is_file():
                    self.files[path] = config

    def excludes(self, config: Config) -> Patterns:
        found = self._excludes.get(id(config))
        if found is None:
            patterns = (
                _from_root(pattern, config.root) for pattern in (*config.exclude, *config.extend_exclude)
            )
            found = self._excludes[id(config)] = Patterns(config.root, patterns)
        return found

    # --- configuration ---------------------------------------------------------------------------

    def config_of(self, directory: str) -> Config:
        """The nearest configuration at or above a directory, as far up as the run's own."""
        above: list[str] = []
        while (
            self.config.nested and _is_below(directory, self.config.root) and directory not in self._configs
        ):
            above.append(directory)
            directory = os.path.dirname(directory)
        config = self._configs.get(directory, self.config)
        for each in reversed(above):
            config = self._config_in(each, FILE_NAMES) or config
            self._configs[each] = config
        return config

    def _config_in(self, directory: str, names: Iterable[str]) -> Config | None:
        if not self.config.nested or directory == self.config.root:
            return None
        if not any(name in names for name in FILE_NAMES):
            return None
        found = config_file_in(directory)
        if found is None:
            return None
        known = self._configs.get(directory)
        if known is None or known.origin != found:
            known = read_config_file(found)
            for layer in self.config.command_line:  # what the command line said holds for every file
                known = with_overrides(known, layer)
            self._configs[directory] = known
        return known

    # --- what lies above a named path --------------------------------------------------------------

    def _ignores_above(self, path: str) -> _Ignores | None:
        chain = [path]
        while not os.path.exists(os.path.join(chain[-1], ".git")):
            parent = os.path.dirname(chain[-1])
            if parent == chain[-1]:  # no repository: only the project's own ignore files count
                chain = [
                    each for each in chain if _is_below(each, self.config.root) or each == self.config.root
                ]
                break
            chain.append(parent)
        ignores: _Ignores | None = None
        for each in reversed(chain):
            if each == path:
                break  # the walk reads this one itself
            if os.path.exists(os.path.join(each, ".git")):
                ignores = _linked(each, git_exclude_file(each), None)
            ignores = _linked(each, os.path.join(each, ".gitignore"), ignores)
        return ignores

    def _excluded_by_force(self, path: str, config: Config, is_directory: bool) -> bool:
        excludes = self.excludes(config)
        while _is_below(path, config.root):
            if excludes.decides(path, os.path.basename(path), is_directory):
                return True
            path, is_directory = os.path.dirname(path), True
        return False


def _linked(base: str, path: str, outer: _Ignores | None) -> _Ignores | None:
    patterns = read_patterns(base, path)
    return outer if patterns is None else _Ignores(patterns, outer)


def _from_root(pattern: str, root: str) -> str:
    """An absolute pattern, as `--exclude $PWD/build` gives, seen from the root."""
    if os.path.isabs(pattern) and _is_below(pattern, root):
        return "/" + os.path.relpath(pattern, root).replace(os.sep, "/")
    return pattern.removeprefix("./")


def _is_below(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip(os.sep) + os.sep)


def shown(path: str, directory: str | None = None) -> str:
    """As a user would write it: relative where it lies below the (working) directory."""
    here = os.getcwd() if directory is None else directory
    return path[len(here.rstrip(os.sep)) + 1 :] if _is_below(path, here) else path


def reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or directory"
    return (error.strerror or type(error).__name__).lower()
