"""`json`, one object a line, for streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import Context
from asyncsqla_lint.report.json import as_json


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    for finding in findings:
        yield msgspec.json.encode(as_json(finding, context)).decode() + "\n"
