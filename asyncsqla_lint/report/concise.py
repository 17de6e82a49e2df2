"""For people and editors: one line a finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import Context, one_line
from asyncsqla_lint.report.style import CODE, FAINT, HELP, NAME, Piece, paint, with_code


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    for finding in findings:
        place: list[Piece] = [
            (one_line(context.shown(finding.path)), NAME),
            (f":{finding.location.row}:{finding.location.column}: ", FAINT),
        ]
        yield paint([*place, *saying(finding, context)], context.color) + "\n"
    for text in context.summary:
        yield text + "\n"


def saying(finding: Finding, context: Context) -> list[Piece]:
    """`ASQ304 [*] message`"""
    mark: list[Piece] = [("[", ""), ("*", HELP), ("] ", "")] if context.fixes(finding) else []
    return [(finding.code, CODE), (" ", ""), *mark, *with_code(one_line(finding.message))]
