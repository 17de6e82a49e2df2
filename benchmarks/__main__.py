"""Measure this tool cold, warm and after one edit, beside the other tools that are installed.

    python -m benchmarks                             a generated project of 10,000 lines
    python -m benchmarks --lines 10000 100000        several sizes, for the plot
    python -m benchmarks PATH --edit app/service.py  a project of yours (it is copied first)
    python -m benchmarks --bin VENV/bin              where to look for the other tools
    python -m benchmarks --write docs                docs/performance.md's table and plot

Other work on the machine adds to the clock, less to CPU seconds.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.generated import feature_name, write_project
from benchmarks.measuring import Row, counted, measured, others, our_rows, ours
from benchmarks.report import plot, table

_START, _END = "<!-- measured -->", "<!-- end of measured -->"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--edit", help="the file of PATH that is edited, from PATH")
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000])
    parser.add_argument("--bin", type=Path, help="where the other tools are")
    parser.add_argument("--tools", nargs="*", help="which of them; none: no other")
    parser.add_argument("--most", type=int, default=150_000, help="lines up to which the others are run")
    parser.add_argument("--write", type=Path, metavar="DOCS")
    options = parser.parse_args()
    if options.path is not None and options.edit is None:
        parser.error("PATH needs --edit FILE")
    rows: list[Row] = []
    compileall.compile_dir(Path(__file__).parent.parent / "asyncsqla_lint", quiet=2)  # as an installer does
    with tempfile.TemporaryDirectory() as folder:
        version = [measured(ours("--version"), Path(folder)).wall for _ in range(5)]
        print(f"`asyncsqla-lint --version`: {min(version) * 1000:.0f} ms", flush=True)
        for project, lines, root, edited in _projects(options, Path(folder)):
            rows += our_rows(project, lines, root, edited)
            shutil.rmtree(root / ".asyncsqla_lint_cache", ignore_errors=True)
            for tool, command in others(options.bin).items():
                if lines <= options.most and (options.tools is None or tool in options.tools):
                    rows.append(Row(project, lines, tool, "cold", measured(command, root)))
            print(table([row for row in rows if row.project == project]), flush=True)
    if options.write is not None:
        _write(options.write, rows, min(version))
    return 0


def _projects(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, int, Path, str]]:
    if options.path is not None:
        root = folder / options.path.resolve().name
        shutil.copytree(options.path, root, ignore=shutil.ignore_patterns(".git", ".venv"), symlinks=True)
        yield root.name, counted(root), root, options.edit
        return
    for lines in options.lines:
        root = folder / f"generated-{lines}"
        written = write_project(root, lines)
        yield f"generated, {lines // 1000}k", written, root, f"shop/{feature_name(1)}/service.py"


def _write(docs: Path, rows: list[Row], version: float) -> None:
    """Between the two marks of the page; what stands around them is written by hand."""
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {sys.version.split()[0]}"
    page = docs / "performance.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(_START)
    after = rest.partition(_END)[2]
    text = f"{machine}. `asyncsqla-lint --version`: {version * 1000:.0f} ms.\n\n{table(rows)}"
    page.write_text(f"{before}{_START}\n{text}{_END}{after}", encoding="utf-8")
    (docs / "performance.svg").write_text(plot(rows), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
