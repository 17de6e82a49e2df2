"""Lists of gitignore-style patterns, decided one path at a time, as git decides them.

pathspec translates each pattern; what is matched here is the path itself and never an ancestor, since a
walk has already decided those, and a directory named on the command line is walked whatever says otherwise.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from msgspec import Struct

_SPECIAL = re.compile(r"[*?\[\\]")


class _Rule(Struct, frozen=True):
    order: int
    ignores: bool  # False: the pattern began with "!"
    only_directories: bool


class _Glob(Struct, frozen=True):
    rule: _Rule
    regex: re.Pattern[str]
    on_name: bool  # matched against the last segment only
    is_prefix: bool  # "foo/**": everything below, not foo itself; pathspec anchors it where it has to


class Patterns:
    """One list of patterns, all relative to the directory `base`."""

    def __init__(self, base: str, lines: Iterable[str]) -> None:
        self.base = base
        self._prefix = len(base.rstrip(os.sep)) + 1
        self._names: dict[str, list[_Rule]] = {}
        self._globs: list[_Glob] = []  # last first
        for order, line in enumerate(lines):
            self._add(order, line)
        self._globs.reverse()

    def __bool__(self) -> bool:
        return bool(self._names or self._globs)

    def decides(self, path: str, name: str, is_directory: bool) -> bool | None:
        """True: ignored. False: expressly kept. None: no pattern speaks of it. The last pattern wins."""
        best: _Rule | None = None
        for rule in reversed(self._names.get(name, ())):
            if is_directory or not rule.only_directories:
                best = rule
                break
        if self._globs:
            relative = path[self._prefix :]
            if os.sep != "/":
                relative = relative.replace(os.sep, "/")
            for glob in self._globs:
                rule = glob.rule
                if best is not None and rule.order < best.order:
                    break
                if rule.only_directories and not is_directory:
                    continue
                match = glob.regex.search if glob.is_prefix else glob.regex.fullmatch
                if match(name if glob.on_name else relative):
                    best = rule
                    break
        return None if best is None else best.ignores

    def _add(self, order: int, line: str) -> None:
        pattern = line.rstrip("\r\n")
        stripped = pattern.rstrip(" ")
        if stripped.endswith("\\") and stripped != pattern:
            stripped += " "  # an escaped trailing space belongs to the name
        pattern = stripped
        if not pattern or pattern.startswith("#"):
            return
        ignores = not pattern.startswith("!")
        if not ignores:
            pattern = pattern[1:]
        only_directories = pattern.endswith("/")
        if only_directories:
            pattern = pattern[:-1]
        if not pattern or pattern == "/":
            return
        rule = _Rule(order, ignores, only_directories)
        on_name = "/" not in pattern
        if on_name and not _SPECIAL.search(pattern):
            self._names.setdefault(pattern, []).append(rule)
            return
        regex = _translated(pattern)
        if regex is not None:
            self._globs.append(_Glob(rule, regex, on_name, pattern.endswith("/**")))


_ANYTHING = re.compile(r"(?s).+")


def _translated(pattern: str) -> re.Pattern[str] | None:
    if pattern in ("*", "**", "/**", "**/*", "**/**"):
        return _ANYTHING
    # Here, since only a list with a glob needs it, and a warm run often has none.
    import pathspec

    escaped = f"\\{pattern}" if pattern[0] in "#!" else pattern
    try:
        (translated,) = pathspec.GitIgnoreSpec.from_lines([escaped]).patterns
    except ValueError:  # git, too, leaves out a pattern that it cannot read
        return None
    regex = getattr(translated, "regex", None)
    if not isinstance(regex, re.Pattern):
        return None
    return _ANYTHING if regex.pattern == "." else regex  # to be searched for, says pathspec


def read_patterns(base: str, path: str) -> Patterns | None:
    """The patterns of an ignore file; None if there is none or it cannot be read."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    lines = os.fsdecode(data.removeprefix(b"\xef\xbb\xbf")).split("\n")
    patterns = Patterns(base, lines)
    return patterns if patterns else None


def git_exclude_file(repository: str) -> str:
    """`.git/info/exclude`, also where `.git` is a file that points to the real directory (a worktree)."""
    git = os.path.join(repository, ".git")
    if os.path.isfile(git):
        git = os.path.join(repository, _first_line(git).removeprefix("gitdir:").strip())
        common = _first_line(os.path.join(git, "commondir")).strip()
        git = os.path.join(git, common) if common else git
    return os.path.join(git, "info", "exclude")


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline()
    except OSError:
        return ""
