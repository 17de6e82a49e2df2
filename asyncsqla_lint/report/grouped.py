"""For people: the findings under the name of their file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.concise import saying
from asyncsqla_lint.report.context import Context, one_line
from asyncsqla_lint.report.style import FAINT, NAME, Piece, paint


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    for path, group in groupby(findings, key=lambda finding: finding.path):
        of_file = list(group)
        rows = max(len(str(finding.location.row)) for finding in of_file)
        columns = max(len(str(finding.location.column)) for finding in of_file)
        yield paint([(one_line(context.shown(path)), NAME), (":", "")], context.color) + "\n"
        for finding in of_file:
            row, column = finding.location.row, finding.location.column
            place: Piece = (f"  {row:>{rows}}:{column:<{columns}} ", FAINT)
            yield paint([place, *saying(finding, context)], context.color) + "\n"
        yield "\n"
    for text in context.summary:
        yield text + "\n"
