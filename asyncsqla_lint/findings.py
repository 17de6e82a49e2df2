"""The Finding: what the linter says, and the only thing that reports, fixes and surfaces see of a rule."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

from msgspec import Struct

# What the tool says of a file, of a comment, and of itself.
SYNTAX_ERROR, UNUSED_SUPPRESSION, INTERNAL_ERROR = "ASQ901", "ASQ902", "ASQ903"

Confidence = Literal["certain", "likely"]
Applicability = Literal["safe", "unsafe"]


class Location(Struct, frozen=True, order=True):
    """1-based row and column, in characters, as ruff counts them."""

    row: int
    column: int


class Related(Struct, frozen=True):
    """Another place that belongs to the finding: the query, the commit, the caller."""

    path: str
    location: Location
    end_location: Location
    message: str


class Repair(Struct, frozen=True):
    """One codemod to run on one file: its name, where it applies, and its arguments."""

    codemod: str
    path: str
    location: Location
    end_location: Location
    arguments: dict[str, str | list[str] | bool] = {}


class Fix(Struct, frozen=True):
    """What would mend the finding. `fixes` turns the repairs into edits.

    `otherwise` is the next best: of the same applicability, made where the source does not let this one be.
    `then` is what is left to do by hand once it is made: "run `uv lock`".
    """

    message: str
    applicability: Applicability
    repairs: tuple[Repair, ...]
    otherwise: Fix | None = None
    then: str = ""

    @property
    def advice(self) -> str:
        return f"{self.message}; then {self.then}" if self.then else self.message

    @property
    def ways(self) -> tuple[Fix, ...]:
        return (self,) if self.otherwise is None else (self, *self.otherwise.ways)

    @property
    def paths(self) -> set[str]:
        """The files that it may change."""
        return {repair.path for way in self.ways for repair in way.repairs}


class FileEdit(Struct, frozen=True):
    """One piece of what a fix does: the text of a file between two places becomes `content`."""

    path: str
    location: Location
    end_location: Location
    content: str


class Finding(Struct, frozen=True):
    code: str
    name: str
    message: str
    path: str
    location: Location
    end_location: Location
    confidence: Confidence = "certain"
    related: tuple[Related, ...] = ()
    fix: Fix | None = None
    noqa_row: int = 0
    fingerprint: str = ""
    cause: str = ""  # of what has one cause, one finding is enough: where it lies

    @property
    def sort_key(self) -> tuple[str, Location, str, str]:
        return (self.path, self.location, self.code, self.message)


def fingerprint(code: str, path: str, scope: str, subject: str) -> str:
    """Stable across edits elsewhere in the file: it names the function and what is read, not the line."""
    identity = "\0".join((code, path, scope, subject))
    # A file's name need not be UTF-8.
    return blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
