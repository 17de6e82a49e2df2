"""What a command costs: seconds on the clock, seconds of all its processes, and its largest process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

TOOL = "asyncsqla-lint"
FILES = "*.py"  # in a command: every file, for a tool that walks no directories


class Cost(Struct, frozen=True):
    wall: float  # seconds
    cpu: float  # seconds, of the command and its children
    peak: int  # bytes, of its largest process


class Row(Struct, frozen=True):
    project: str
    lines: int
    tool: str
    stage: str  # "cold", "warm", "one edit"
    cost: Cost


def measured(command: Sequence[str], folder: Path) -> Cost:
    if FILES in command:
        files = [str(path.relative_to(folder)) for path in sorted(folder.rglob(FILES))]
        command = [word for each in command for word in (files if each == FILES else [each])]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 30, *range(2, 32)):  # pylint and fixit say more than yes and no
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def _environment() -> dict[str, str]:
    here = str(Path(__file__).resolve().parent.parent)
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}
    found.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled, ours as the others
    return found


def ours(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "asyncsqla_lint", *arguments]


def others(folder: Path | None) -> dict[str, list[str]]:
    """The tools that are installed, each as it is run from cold."""
    known = {
        "ruff": ["ruff", "check", "--no-cache", "--isolated", "."],
        "flake8-async": ["flake8-async", "--enable", "ASYNC", FILES],
        "fixit": ["fixit", "--quiet", "lint", "."],
        "pylint": ["pylint", "--recursive=y", "--jobs=0", "--persistent=n", "."],
        "mypy": ["mypy", "--cache-dir", os.devnull, "--ignore-missing-imports", "."],
        "pyright": ["pyright", "."],
    }
    beside = str(folder or Path(sys.executable).parent)
    path = os.pathsep.join((beside, os.environ.get("PATH", "")))
    found = {name: shutil.which(command[0], path=path) for name, command in known.items()}
    return {name: [place, *known[name][1:]] for name, place in found.items() if place is not None}


def our_rows(project: str, lines: int, folder: Path, edited: str) -> list[Row]:
    """Cold, warm, and after an edit inside of a function."""
    shutil.rmtree(folder / ".asyncsqla_lint_cache", ignore_errors=True)
    command = ours("check", "--quiet", ".")
    rows = [Row(project, lines, TOOL, "cold", measured(command, folder))]
    measured(command, folder)  # files younger than two seconds are read again once
    rows.append(Row(project, lines, TOOL, "warm", measured(command, folder)))
    path = folder / edited
    before = path.read_text(encoding="utf-8")
    path.write_text(edited_text(before), encoding="utf-8")
    rows.append(Row(project, lines, TOOL, "one edit", measured(command, folder)))
    path.write_text(before, encoding="utf-8")
    return rows


def edited_text(text: str) -> str:
    """With one statement more, before the last `return` of the file."""
    lines = text.split("\n")
    number = max(at for at, line in enumerate(lines) if line.lstrip().startswith("return"))
    indent = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
    lines.insert(number, f"{indent}edited = {time.time_ns()}")
    return "\n".join(lines)


def counted(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.py"))
