"""Azure Pipelines' logging commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import Context, encodable


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    for finding in findings:
        kind = "error" if finding.confidence == "certain" else "warning"
        properties = (
            f"type={kind};sourcepath={_escaped(context.absolute(finding.path))};"
            f"linenumber={finding.location.row};columnnumber={finding.location.column};code={finding.code};"
        )
        yield f"##vso[task.logissue {properties}]{_data(encodable(finding.message))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
