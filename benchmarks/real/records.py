"""What is kept of other people's code: where a defect stood, what was judged, never a line of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

HERE = Path(__file__).parent
Record = TypeVar("Record", bound=msgspec.Struct)


class Project(msgspec.Struct, frozen=True):
    """A repository and the commit at which its findings were judged."""

    repository: str
    commit: str
    style: str


class Place(msgspec.Struct, frozen=True):
    path: str
    line: int
    rule: str


class History(msgspec.Struct, frozen=True):
    """A commit that mended a defect. `path`, `line` and `rule` are what its parent should be told.

    `also` are other right answers; `decidable` says whether the source alone can decide it.
    """

    repository: str
    fix_commit: str
    parent_commit: str
    path: str
    line: int
    end_line: int
    rule: str
    also: tuple[Place, ...]
    decidable: Literal["yes", "partly", "no"]
    how: str
    reason: str

    @property
    def rules(self) -> frozenset[str]:
        return frozenset({self.rule, *(place.rule for place in self.also)})


class Verdict(msgspec.Struct, frozen=True):
    """One finding, read in its context."""

    repository: str
    commit: str
    path: str
    line: int
    rule: str
    verdict: Literal["true", "false", "unsure"]
    reason: str


def projects() -> list[Project]:
    document = msgspec.toml.decode((HERE / "projects.toml").read_bytes(), type=dict[str, list[Project]])
    return document["project"]


def histories() -> list[History]:
    return list(_lines(HERE / "histories.jsonl", History))


def verdicts() -> list[Verdict]:
    return list(_lines(HERE / "verdicts.jsonl", Verdict))


def _lines(path: Path, record: type[Record]) -> Iterator[Record]:
    if path.exists():
        for line in path.read_bytes().splitlines():
            yield msgspec.json.decode(line, type=record)
