"""An array in ruff's shape, so that what reads ruff's JSON reads this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from asyncsqla_lint.findings import Applicability, Confidence, Finding, Location
from asyncsqla_lint.report.context import Context, encodable


class JsonEdit(msgspec.Struct):
    filename: str
    location: Location
    end_location: Location
    content: str


class JsonFix(msgspec.Struct):
    applicability: Applicability
    message: str
    edits: list[JsonEdit]  # none: it cannot be made here


class JsonRelated(msgspec.Struct):
    filename: str
    location: Location
    end_location: Location
    message: str


class JsonFinding(msgspec.Struct):
    code: str
    name: str
    message: str
    filename: str
    location: Location
    end_location: Location
    confidence: Confidence
    related: list[JsonRelated]
    fix: JsonFix | None
    noqa_row: int
    fingerprint: str
    url: str | None


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    document = msgspec.json.encode([as_json(finding, context) for finding in findings])
    yield msgspec.json.format(document, indent=2).decode() + "\n"


def as_json(finding: Finding, context: Context) -> JsonFinding:
    fix = finding.fix
    return JsonFinding(
        code=finding.code,
        name=finding.name,
        message=encodable(finding.message),
        filename=context.absolute(finding.path),
        location=finding.location,
        end_location=finding.end_location,
        confidence=finding.confidence,
        related=[
            JsonRelated(
                context.absolute(related.path),
                related.location,
                related.end_location,
                encodable(related.message),
            )
            for related in finding.related
        ],
        fix=None
        if fix is None
        else JsonFix(fix.applicability, encodable(fix.advice), _edits(finding, context)),
        noqa_row=finding.noqa_row or finding.location.row,
        fingerprint=finding.fingerprint,
        url=context.url(finding),
    )


def _edits(finding: Finding, context: Context) -> list[JsonEdit]:
    return [
        JsonEdit(context.absolute(edit.path), edit.location, edit.end_location, encodable(edit.content))
        for edit in context.edits(finding)
    ]
