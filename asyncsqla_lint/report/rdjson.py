"""Reviewdog's diagnostic format. It counts columns in UTF-8 bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from asyncsqla_lint.findings import Finding, Location
from asyncsqla_lint.report.context import TOOL, Context, encodable


class Position(msgspec.Struct):
    line: int
    column: int


class Range(msgspec.Struct):
    start: Position
    end: Position


class Place(msgspec.Struct):
    path: str
    range: Range


class Code(msgspec.Struct, omit_defaults=True):
    value: str
    url: str | None = None


class Diagnostic(msgspec.Struct, omit_defaults=True):
    message: str
    location: Place
    severity: str
    code: Code


class Source(msgspec.Struct, omit_defaults=True):
    name: str
    url: str | None = None


class DiagnosticResult(msgspec.Struct):
    source: Source
    severity: str
    diagnostics: list[Diagnostic]


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    result = DiagnosticResult(
        source=Source(TOOL, context.documentation),
        severity="ERROR",
        diagnostics=[_diagnostic(finding, context) for finding in findings],
    )
    yield msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n"


def _diagnostic(finding: Finding, context: Context) -> Diagnostic:
    return Diagnostic(
        message=_message(finding, context),
        location=_place(finding.path, finding.location, finding.end_location, context),
        severity="ERROR" if finding.confidence == "certain" else "WARNING",
        code=Code(finding.code, context.url(finding)),
    )


def _message(finding: Finding, context: Context) -> str:
    """With the related places in words: a reviewdog without a field for them refuses the report."""
    lines = [finding.message]
    for related in finding.related:
        place = f"{context.shown(related.path)}:{related.location.row}:{related.location.column}"
        lines.append(f"{place}: {related.message}")
    return encodable("\n".join(lines))


def _place(path: str, start: Location, end: Location, context: Context) -> Place:
    def position(location: Location) -> Position:
        return Position(location.row, context.utf8_column(path, location))

    return Place(context.absolute(path), Range(position(start), position(end)))
