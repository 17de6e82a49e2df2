"""Pylint's parseable lines, which many editors and CI servers read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import Context, one_line


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    for finding in findings:
        path = one_line(context.shown(finding.path))
        yield f"{path}:{finding.location.row}: [{finding.code}] {one_line(finding.message)}\n"
