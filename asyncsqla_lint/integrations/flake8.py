"""The flake8 plugin.

flake8 hands over one file at a time, in several processes; what a query loaded is often decided in another
file. So the first file that is handed over starts one run over everything that flake8 was asked to check,
and every file, in every process, is answered from that run. flake8's tree is not used: a file is parsed
once, by the run. `# noqa`, `--select` and `--ignore` stay flake8's business.
"""

from __future__ import annotations

import ast
import atexit
import os
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from functools import cache
from typing import ClassVar

import msgspec

from asyncsqla_lint.about import NAME, VERSION
from asyncsqla_lint.findings import SYNTAX_ERROR, UNUSED_SUPPRESSION, Finding
from asyncsqla_lint.report.context import one_line, printable_path

Said = tuple[int, int, str]  # row, column from 0, code and message
ByFile = dict[str, list[Said]]

# flake8 says E999 itself; and a suppression may be for a run of flake8 with other settings.
_NOT_SAID = (SYNTAX_ERROR, UNUSED_SUPPRESSION)
# A directory, made before flake8 starts its processes, where the one that ran leaves its findings.
_SHARED = "ASYNCSQLA_LINT_FLAKE8_RUN"


class Plugin:
    name = NAME
    version = VERSION

    _paths: ClassVar[tuple[str, ...]] = (".",)
    _stdin_name: ClassVar[str | None] = None

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        self._filename = filename
        self._lines = lines

    @classmethod
    def parse_options(cls, manager: object, options: Namespace, arguments: Sequence[str]) -> None:
        named: list[str] = list(options.filenames or ())
        cls._stdin_name = options.stdin_display_name if "-" in named else None
        cls._paths = tuple(name for name in named if name != "-") or (".",)
        _refuse_bad_settings(cls._paths)
        if _SHARED not in os.environ:
            os.environ[_SHARED] = tempfile.mkdtemp(prefix="asyncsqla-lint-")
            atexit.register(shutil.rmtree, os.environ[_SHARED], ignore_errors=True)

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        if self._filename == self._stdin_name:
            # Seen in its project, when it is given a file's name.
            overlay = {os.path.abspath(self._filename): "".join(self._lines).encode()}
            by_file = _run((self._filename,), overlay)
        else:
            by_file = check_project(self._paths)
        for row, column, text in by_file.get(_key(self._filename), ()):
            yield row, column, text, type(self)


@cache
def check_project(paths: tuple[str, ...]) -> ByFile:
    """All findings, from the run of whichever process came first."""
    directory = os.environ.get(_SHARED, "")
    if not os.path.isdir(directory):
        return _run(paths, {})
    result = os.path.join(directory, "findings")
    with open(os.path.join(directory, "lock"), "wb") as lock:
        # Held until the file is closed, also by a crash: the next one then runs in its place.
        if not _locked(lock.fileno()):
            return _run(paths, {})
        if os.path.exists(result):
            with open(result, "rb") as file:
                return msgspec.msgpack.decode(file.read(), type=ByFile)
        findings = _run(paths, {})
        with open(f"{result}.part", "wb") as file:
            file.write(msgspec.msgpack.encode(findings))
        os.replace(f"{result}.part", result)
        return findings


def _locked(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: each process runs by itself
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        return False
    return True


def _run(paths: tuple[str, ...], overlay: dict[str, bytes]) -> ByFile:
    from asyncsqla_lint.run.cache import stored
    from asyncsqla_lint.run.pipeline import run
    from asyncsqla_lint.workspace.config_files import load_config

    config = load_config(paths)
    report = run(list(paths), config, overlay=overlay, cache=stored(config))
    by_file: ByFile = {}
    for finding in report.findings:
        if finding.code not in _NOT_SAID:
            said = (finding.location.row, finding.location.column - 1, _text(finding))
            by_file.setdefault(_key(finding.path), []).append(said)
    return by_file


def _text(finding: Finding) -> str:
    return f"{finding.code} {one_line(finding.message)}"


def _key(path: str) -> str:
    return printable_path(os.path.abspath(path))


def _refuse_bad_settings(paths: tuple[str, ...]) -> None:
    """Now, on one line, rather than in each process as a crash of the plugin."""
    from flake8.exceptions import ExecutionError  # type: ignore[import-untyped]  # flake8 ships no types

    from asyncsqla_lint.workspace.config import ConfigError
    from asyncsqla_lint.workspace.config_files import load_config

    try:
        load_config(paths)
    except ConfigError as error:
        raise ExecutionError(f"{NAME}: {error}") from None
