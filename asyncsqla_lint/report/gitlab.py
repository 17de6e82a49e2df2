"""GitLab's Code Quality report (a subset of Code Climate's)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import Context, encodable


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    used: set[str] = set()
    document = [
        {
            "check_name": finding.code,
            "description": encodable(finding.message),
            "severity": "major" if finding.confidence == "certain" else "minor",
            "fingerprint": _fingerprint(finding, context, used),
            "location": {
                "path": context.posix(finding.path),
                "positions": {
                    "begin": {"line": finding.location.row, "column": finding.location.column},
                    "end": {"line": finding.end_location.row, "column": finding.end_location.column},
                },
            },
        }
        for finding in findings
    ]
    yield msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _fingerprint(finding: Finding, context: Context, used: set[str]) -> str:
    """GitLab merges findings of one fingerprint, so twins in one function are numbered."""
    identity = finding.fingerprint or "\0".join(
        (finding.code, context.posix(finding.path), encodable(finding.message))
    )
    number = 0
    while True:
        digest = blake2b(f"{identity}\0{number}".encode(), digest_size=16).hexdigest()
        if digest not in used:
            used.add(digest)
            return digest
        number += 1
