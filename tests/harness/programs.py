"""A fixture as data: its files, its cases, and the lines that it marks."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Literal

from msgspec import Struct

from harness.environments import PROJECT

FIXTURES = PROJECT / "fixtures"

_MARK = re.compile(
    r"#\s*expect(?:\[(?P<release>[\d.]+)\])?:\s*"
    r"(?P<codes>ASQ\d{3}(?:\s*,\s*ASQ\d{3})*)"
    r"(?:\s+(?P<outcome>[\w-]+(?:=\w+)?))?\s*$"
)
_LOOSE_MARK = re.compile(r"#\s*expect\b")
_SETTING = re.compile(r"^#\s*harness:\s*(?P<words>.+)$", re.MULTILINE)
# Rules whose fixtures are about what happens while the database takes its time.
_LATENCY_CODES = ("ASQ101", "ASQ201", "ASQ202", "ASQ204", "ASQ209", "ASQ210")
_SETTINGS = re.compile(r"latency|python>=3\.\d+")


class Mark(Struct, frozen=True):
    """`# expect: ASQ301,ASQ311 raises=DetachedInstanceError` on one line of one file."""

    path: str  # absolute
    line: int
    codes: tuple[str, ...]
    outcome: str | None  # None: what is usual for the code
    release: str | None  # None: every release

    def holds_on(self, release: str) -> bool:
        return self.release is None or self.release == release


class Source(Struct, frozen=True):
    path: str  # absolute
    text: str


class Fixture(Struct, frozen=True):
    key: str  # "ASQ301/bad_orders"
    kind: Literal["bad", "good"]
    main: Path
    root: Path  # the directory on sys.path
    target: Path  # what is handed to the linter
    sources: tuple[Source, ...]
    cases: tuple[str, ...]
    marks: tuple[Mark, ...]
    latency: bool

    def marks_on(self, release: str) -> list[Mark]:
        return [mark for mark in self.marks if mark.holds_on(release)]


class FixtureError(Exception):
    """A fixture that does not keep the format; the message names the file and line."""


def discover(*places: Path) -> list[Fixture]:
    """The fixtures below the places (directories of `bad_*`/`good_*`, or single fixtures), by key."""
    found: dict[str, Fixture] = {}
    for place in places or (FIXTURES,):
        for target in [place, *sorted(place.rglob("*"))] if place.is_dir() else [place]:
            if _is_fixture(target):
                fixture = load(target)
                if _runs_here(fixture):
                    found[fixture.key] = fixture
    return [found[key] for key in sorted(found)]


def load(target: Path) -> Fixture:
    target = target.resolve()
    directory = target.is_dir()
    main = target / "main.py" if directory else target
    paths = sorted(target.rglob("*.py")) if directory else [target]
    sources = tuple(Source(str(path), path.read_text(encoding="utf-8")) for path in paths)
    tree = ast.parse(main.read_text(encoding="utf-8"), str(main))
    cases = tuple(
        node.name
        for node in tree.body
        if isinstance(node, (ast.AsyncFunctionDef, ast.FunctionDef)) and node.name.startswith("case_")
    )
    marks = tuple(mark for source in sources for mark in _marks(source))
    kind: Literal["bad", "good"] = "bad" if target.name.startswith("bad_") else "good"
    if not cases:
        raise FixtureError(f"{main}: no case_… function")
    if kind == "good" and marks:
        raise FixtureError(f"{marks[0].path}:{marks[0].line}: a good fixture marks nothing")
    if kind == "bad" and not marks:
        raise FixtureError(f"{main}: a bad fixture marks a line")
    return Fixture(
        key=f"{target.parent.name}/{target.stem}",
        kind=kind,
        main=main,
        root=main.parent,
        target=target,
        sources=sources,
        cases=cases,
        marks=marks,
        latency=target.parent.name in _LATENCY_CODES or "latency" in _settings(sources),
    )


def _is_fixture(path: Path) -> bool:
    if any(place.name.startswith(("bad_", "good_")) for place in path.parents):
        return False
    return path.name.startswith(("bad_", "good_")) and (path.suffix == ".py" or (path / "main.py").exists())


def _settings(sources: tuple[Source, ...]) -> list[str]:
    texts = [found["words"] for source in sources for found in _SETTING.finditer(source.text)]
    words = " ".join(texts).split()
    for word in words:
        if not _SETTINGS.fullmatch(word):
            raise FixtureError(f"{sources[0].path}: unknown harness setting {word!r}")
    return words


def _runs_here(fixture: Fixture) -> bool:
    needs = [
        word.removeprefix("python>=") for word in _settings(fixture.sources) if word.startswith("python")
    ]
    return all(sys.version_info >= tuple(map(int, version.split("."))) for version in needs)


def _marks(source: Source) -> list[Mark]:
    marks = []
    for number, line in enumerate(source.text.splitlines(), start=1):
        if not _LOOSE_MARK.search(line):
            continue
        matched = _MARK.search(line)
        if matched is None:
            raise FixtureError(f"{source.path}:{number}: not a mark: {line.strip()}")
        codes = tuple(code.strip() for code in matched["codes"].split(","))
        marks.append(Mark(source.path, number, codes, matched["outcome"], matched["release"]))
    return marks
