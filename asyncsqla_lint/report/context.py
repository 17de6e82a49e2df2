"""What a format may know besides the findings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from msgspec import Struct

from asyncsqla_lint.findings import Applicability, FileEdit, Finding, Location

TOOL = "asyncsqla-lint"


class RuleText(Struct, frozen=True):
    """What a format tells of a rule."""

    code: str
    name: str
    summary: str
    why: str
    group: str
    fix: Applicability | None


def _no_edits(finding: Finding) -> Sequence[FileEdit]:
    return ()


@dataclass(frozen=True)
class Context:
    version: str
    # The text of a file as it was linted, or None. Only the formats that show source call it.
    read: Callable[[str], str | None]
    rules: Callable[[], Mapping[str, RuleText]] = dict
    # Where the documentation stands; a rule's page is `<documentation>/rules/<name>`.
    documentation: str | None = None
    directory: str = field(default_factory=os.getcwd)
    color: bool = False
    # Whether `--fix` exists here; only then are findings marked as fixable.
    can_fix: bool = False
    unsafe_fixes: bool = False
    # What a finding's fix would do. Only the formats that show fixes call it.
    edits: Callable[[Finding], Sequence[FileEdit]] = _no_edits
    # Lines that the formats for people print after the findings.
    summary: tuple[str, ...] = ()
    _lines: dict[str, list[str] | None] = field(default_factory=dict, repr=False)

    def absolute(self, path: str) -> str:
        return printable_path(os.path.join(self.directory, path))

    def shown(self, path: str) -> str:
        """As a person would write it here: relative when below the current directory."""
        relative = os.path.relpath(os.path.join(self.directory, path), self.directory) if path else path
        return printable_path(path if relative.startswith("..") else relative)

    def posix(self, path: str) -> str:
        """`shown` with forward slashes, for services that join it to a repository's root."""
        return PurePath(self.shown(path)).as_posix()

    def fixes(self, finding: Finding) -> bool:
        """Whether `--fix` would mend it under these settings: marked `[*]`, as ruff does."""
        if not self.can_fix or finding.fix is None:
            return False
        return self.unsafe_fixes or finding.fix.applicability == "safe"

    def url(self, finding: Finding) -> str | None:
        return self.rule_url(finding.name)

    def rule_url(self, name: str) -> str | None:
        return f"{self.documentation.rstrip('/')}/rules/{name}" if self.documentation else None

    def lines(self, path: str) -> list[str] | None:
        """The file's lines without their ends, or None when it cannot be shown."""
        if path not in self._lines:
            text = self.read(path)
            self._lines[path] = None if text is None else LINE_END.split(text)
        return self._lines[path]

    def utf8_column(self, path: str, location: Location) -> int:
        """The 1-based column in UTF-8 bytes, which some consumers count in."""
        lines = self.lines(path)
        if lines is None or not 0 < location.row <= len(lines):
            return location.column
        before = lines[location.row - 1][: location.column - 1]
        return location.column + len(before.encode("utf-8", "surrogatepass")) - len(before)


# Python's line ends. `str.splitlines` also breaks at form feeds and others, which Python does not.
LINE_END = re.compile(r"\r\n|\n|\r")


def printable_path(path: str) -> str:
    """Bytes that are no UTF-8 in a file's name become �, since every format is UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def encodable(text: str) -> str:
    """Lone surrogates (from a string literal, say) become �."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def one_line(text: str) -> str:
    """A message as one line without control characters: a terminal must not obey what a source file says."""
    text = encodable(text)
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\r\n\t":
        return " "
    if character < " ":
        return chr(0x2400 + ord(character))
    return "�"
