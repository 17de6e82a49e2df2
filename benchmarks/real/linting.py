"""One run of the linter over one commit, as a user would run it: a subprocess with a time limit."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import msgspec
from clones import Clone

PACKAGE = Path(__file__).parents[2] / "asyncsqla_lint"
COMMAND = ("check", "--output-format", "json")


class Position(msgspec.Struct, frozen=True):
    row: int
    column: int


class Spot(msgspec.Struct, frozen=True):
    path: str
    first: int
    last: int


class Found(msgspec.Struct, frozen=True):
    """A finding with paths relative to the tree."""

    rule: str
    message: str
    confidence: str
    spot: Spot
    related: tuple[Spot, ...]


class Run(msgspec.Struct, frozen=True):
    """`partial`: it answered, but reports trouble of its own (ASQ903, a file that cannot be parsed)."""

    status: Literal["ok", "partial", "crash", "timeout"]
    seconds: float
    peak_mib: int
    found: tuple[Found, ...] = ()
    trouble: str = ""

    @property
    def answered(self) -> bool:
        return self.status in ("ok", "partial")


class _Related(msgspec.Struct):
    filename: str
    location: Position
    end_location: Position


class _Reported(msgspec.Struct):
    code: str
    message: str
    filename: str
    location: Position
    end_location: Position
    confidence: str
    related: list[_Related]


def lint(clone: Clone, commit: str, scratch: Path, limit: float, options: tuple[str, ...]) -> Run:
    """Lint a commit; the answer is kept in `scratch` for this linter, these options and this commit."""
    key = blake2b("\0".join((linter(), *options, commit)).encode(), digest_size=12).hexdigest()
    kept = scratch / f"{key}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=Run)
    scratch.mkdir(parents=True, exist_ok=True)
    tree = Path(tempfile.mkdtemp(prefix="tree-", dir=scratch))
    try:
        clone.extract(commit, tree)
        run = lint_tree(tree, limit, options)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    kept.write_bytes(msgspec.json.encode(run))
    return run


def lint_tree(tree: Path, limit: float, options: tuple[str, ...]) -> Run:
    command = [sys.executable, "-m", "asyncsqla_lint", *COMMAND, *options, "."]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "NO_COLOR": "1"}
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command, cwd=tree, env=environment, stdout=out, stderr=err, start_new_session=True
        )
        expired = threading.Event()

        def stop() -> None:
            expired.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, stop)
        timer.start()
        _, wait_status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(wait_status)
        seconds = round(time.monotonic() - started, 2)
        peak = usage.ru_maxrss // 1024
        out.seek(0)
        err.seek(0)
        output, errors = out.read(), err.read().decode("utf-8", "replace")
    if expired.is_set():
        return Run("timeout", seconds, peak)
    try:
        reported = msgspec.json.decode(output, type=list[_Reported])
    except msgspec.DecodeError:
        return Run("crash", seconds, peak, trouble=errors[-2000:])
    found = tuple(_found(finding, tree.resolve()) for finding in reported)
    status: Literal["ok", "partial"] = "ok" if process.returncode in (0, 1) else "partial"
    return Run(status, seconds, peak, found, errors[-2000:])


def _found(finding: _Reported, tree: Path) -> Found:
    related = tuple(_spot(one.filename, one.location, one.end_location, tree) for one in finding.related)
    own = _spot(finding.filename, finding.location, finding.end_location, tree)
    return Found(finding.code, finding.message, finding.confidence, own, related)


def _spot(filename: str, start: Position, end: Position, tree: Path) -> Spot:
    path = Path(filename)
    relative = path.relative_to(tree) if path.is_absolute() and path.is_relative_to(tree) else path
    return Spot(relative.as_posix(), start.row, max(start.row, end.row))


@cache
def linter() -> str:
    """A digest of the linter's own source: another linter gives other answers."""
    digest = blake2b(digest_size=12)
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
