"""Workflow commands: GitHub Actions shows each as an annotation of the pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import TOOL, Context, encodable


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    for finding in findings:
        start, end = finding.location, finding.end_location
        properties = {
            "title": f"{TOOL} ({finding.code})",
            "file": context.absolute(finding.path),
            "line": str(start.row),
            "endLine": str(end.row),
        }
        if start.row == end.row:  # GitHub takes columns only within one line
            properties |= {"col": str(start.column), "endColumn": str(end.column)}
        command = "error" if finding.confidence == "certain" else "warning"
        place = f"{context.shown(finding.path)}:{start.row}:{start.column}"
        text = f"{place}: {finding.code} {encodable(finding.message)}"
        listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
        yield f"::{command} {listed}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
