"""What a run answers."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from asyncsqla_lint.findings import INTERNAL_ERROR, Finding
from asyncsqla_lint.workspace.decoding import DecodeError, decode
from asyncsqla_lint.workspace.discovery import PathError

CLEAN, FOUND, FAILED = 0, 1, 2


class Statistics(Struct, frozen=True):
    """How far a run reached. Only `seconds` differs between two runs on the same files."""

    files: int = 0  # named or found below the paths
    relevant: int = 0  # of these, looked at
    parsed: int = 0  # with the rest of the project that they need
    lines: int = 0  # of the parsed
    counters: dict[str, int] = {}  # the analysis' own
    seconds: dict[str, float] = {}  # by stage

    def reach(self) -> dict[str, int]:
        return {
            "files found": self.files,
            "files checked": self.relevant,
            "files parsed": self.parsed,
            "lines parsed": self.lines,
            **self.counters,
        }


class Report(Struct, frozen=True):
    findings: tuple[Finding, ...]  # paths as a user would write them from the working directory
    errors: tuple[PathError, ...] = ()
    statistics: Statistics = field(default_factory=Statistics)
    uses_sqlalchemy: bool = True  # False: nothing in the project names it, so nothing was looked at
    notes: tuple[str, ...] = ()  # what there is to say of the run itself, as of a cache that cannot be used
    sources: Mapping[str, bytes] = {}  # the files that findings and their fixes name, as they were checked

    @property
    def exit_code(self) -> int:
        if self.errors or any(finding.code == INTERNAL_ERROR for finding in self.findings):
            return FAILED
        return FOUND if self.findings else CLEAN

    def read(self, path: str) -> str | None:
        """The text of a file that a finding names, as it was checked."""
        data = self.sources.get(path)
        if data is None:
            return None
        try:
            return decode(data)
        except DecodeError:
            return data.decode("utf-8", "replace")
