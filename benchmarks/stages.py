"""What each stage costs, in microseconds a line, on one core.

    python benchmarks/stages.py PATH…              the stages, then flake8-async and ruff where installed
    python benchmarks/stages.py PATH… --no-others  the stages alone

The best of `--rounds` is shown: other work on the machine can only add.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import libcst as cst
import msgspec

from asyncsqla_lint.program import Program
from asyncsqla_lint.syntax import SyntaxFailure, lower
from asyncsqla_lint.syntax.module import lowered
from asyncsqla_lint.syntax.nesting import depth

Input = TypeVar("Input")
Output = TypeVar("Output")


def python_files(paths: Iterable[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def readable(files: Iterable[Path]) -> dict[Path, str]:
    texts: dict[Path, str] = {}
    for file in files:
        try:
            text = file.read_bytes().decode("utf-8-sig")
            lower(text)
        except (UnicodeDecodeError, SyntaxFailure):
            continue
        texts[file] = text
    return texts


class Clock:
    """Seconds spent in each stage, summed over the files of a round."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def run(self, stage: str, work: Callable[[Input], Output], subject: Input) -> Output:
        started = time.perf_counter()
        result = work(subject)
        self.spent[stage] = self.spent.get(stage, 0.0) + time.perf_counter() - started
        return result


def measure(sources: list[str]) -> tuple[dict[str, float], int]:
    """One round: file after file, as a real run goes, so that no tree outlives its file."""
    clock = Clock()
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Program).decode
    size = 0
    for source in sources:
        clock.run("nesting guard", depth, source)
        module = clock.run("parse", cst.parse_module, source)
        program = clock.run("positions + lower", partial(lowered, source), module)
        stored = clock.run("encode", encode, program)
        clock.run("decode", decode, stored)
        size += len(stored)
    return clock.spent, size


def command(arguments: list[str], files: list[Path], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run([*arguments, *map(str, files)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - started)
    return best


def others() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if find_spec("flake8_async") is not None:
        found["flake8-async"] = [sys.executable, "-m", "flake8_async"]
    if (
        ruff := shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    ) is not None:
        found["ruff (all its cores)"] = [
            ruff,
            "check",
            "--isolated",
            "--no-cache",
            "--exit-zero",
            "--select",
            "ALL",
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-others", action="store_true")
    options = parser.parse_args()

    texts = readable(python_files(options.paths))
    sources = list(texts.values())
    lines = sum(source.count("\n") for source in sources)
    print(f"{len(texts)} files, {lines} lines; µs a line, the best of {options.rounds}")

    def show(name: str, seconds: float) -> None:
        print(f"  {name:<24}{seconds / lines * 1e6:8.2f}")

    best: dict[str, float] = {}
    for _ in range(options.rounds):
        spent, size = measure(sources)
        best = {stage: min(seconds, best.get(stage, seconds)) for stage, seconds in spent.items()}
    for stage, seconds in best.items():
        show(stage, seconds)
    show("text to Program", sum(best[stage] for stage in ("nesting guard", "parse", "positions + lower")))
    print(f"  {'stored bytes a line':<24}{size / lines:8.1f}")
    if not options.no_others:
        for name, arguments in others().items():
            show(name, command(arguments, list(texts), options.rounds))


if __name__ == "__main__":
    main()
