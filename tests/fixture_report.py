"""`python tests/fixture_report.py [-v] [ASQ301 …]`: what the linter makes of the fixtures, rule by rule.

Each marked line counts once per SQLAlchemy release on which its mark holds. `missed` are marked lines that
are not reported, `extra` are findings where nothing is marked, wherever they stand. `-v` names them.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from harness.environments import PROJECT, releases
from harness.programs import Fixture, discover
from msgspec import Struct

import asyncsqla_lint
from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.workspace.config_files import load_config


class Place(Struct, frozen=True, order=True):
    path: str  # absolute
    line: int
    code: str

    def __str__(self) -> str:
        return f"{Path(self.path).relative_to(PROJECT).as_posix()}:{self.line}: {self.code}"


class Linted(Struct, frozen=True):
    """One fixture as the linter sees it for one release."""

    fixture: Fixture
    release: str
    marked: frozenset[Place]
    reported: tuple[Place, ...]  # one reported twice is there twice
    messages: dict[Place, str]

    @property
    def missed(self) -> list[Place]:
        return sorted(self.marked.difference(self.reported))

    @property
    def extra(self) -> list[Place]:
        return sorted((Counter(self.reported) - Counter(self.marked)).elements())

    def complaints(self) -> list[str]:
        missed = [f"not reported: {place}" for place in self.missed]
        return missed + [f"not marked: {place} {self.messages[place]}" for place in self.extra]


def settings_for(fixture: Fixture, release: str) -> dict[str, object]:
    return {
        "select": ["ASQ"],
        "preview": True,
        "target-sqlalchemy": release,
        "src": [str(fixture.root)],
    }


def lint(fixture: Fixture, release: str) -> Linted:
    config = load_config([str(fixture.target)], isolated=True, overrides=settings_for(fixture, release))
    messages = [
        (
            Place(str(Path(finding.path).resolve()), finding.location.row, finding.code),
            finding.message,
        )
        for finding in asyncsqla_lint.check([fixture.target], config)
    ]
    marks = fixture.marks_on(release)
    marked = frozenset(Place(mark.path, mark.line, code) for mark in marks for code in mark.codes)
    return Linted(fixture, release, marked, tuple(sorted(place for place, _ in messages)), dict(messages))


# --- the table -----------------------------------------------------------------------------------


def main() -> int:
    verbose = "-v" in sys.argv
    wanted = [argument for argument in sys.argv[1:] if argument != "-v"]
    started = time.perf_counter()
    linted: list[Linted] = []
    crashed: list[str] = []
    for fixture in discover():
        for release in releases():
            try:
                linted.append(lint(fixture, release))
            except Exception as error:
                crashed.append(f"{fixture.key} on {release}: {type(error).__name__}: {error}")
    codes = sorted(
        {rule.code for rule in catalogue.rules() if not rule.code.startswith("ASQ9")}
        | {one.fixture.key.partition("/")[0] for one in linted}
        | {place.code for one in linted for place in one.extra}
    )
    print(f"{'rule':<7} {'name':<38} {'fixtures':>8} {'marked':>7} {'found':>6} {'missed':>7} {'extra':>6}")
    totals = [0, 0, 0, 0, 0]
    for code in codes:
        if wanted and code not in wanted:
            continue
        rule = catalogue.find(code)
        marked = sum(place.code == code for one in linted for place in one.marked)
        missed = [place for one in linted for place in one.missed if place.code == code]
        extra = [place for one in linted for place in one.extra if place.code == code]
        folder = {one.fixture.key for one in linted if one.fixture.key.startswith(f"{code}/")}
        row = [len(folder), marked, marked - len(missed), len(missed), len(extra)]
        totals = [total + more for total, more in zip(totals, row, strict=True)]
        name = "(no such rule)" if rule is None else rule.name + (" (preview)" if rule.preview else "")
        print(f"{code:<7} {name:<38} {row[0]:>8} {row[1]:>7} {row[2]:>6} {row[3]:>7} {row[4]:>6}")
        if verbose:
            _name("missed", missed)
            _name("extra", extra)
    print(f"{'':<46} {totals[0]:>8} {totals[1]:>7} {totals[2]:>6} {totals[3]:>7} {totals[4]:>6}")
    for crash in crashed:
        print(crash)
    print(f"SQLAlchemy {', '.join(releases())}; {time.perf_counter() - started:.0f} s")
    return 1 if crashed or totals[3] or totals[4] else 0


def _name(what: str, places: list[Place]) -> None:
    for place, count in sorted(Counter(places).items()):
        print(f"        {what} {place}" + ("" if count > 1 else " (on one release)"))


if __name__ == "__main__":
    sys.exit(main())
