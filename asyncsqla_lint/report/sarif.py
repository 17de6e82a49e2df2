"""SARIF 2.1.0, which GitHub code scanning and many editors read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from asyncsqla_lint.findings import Finding, Location
from asyncsqla_lint.report.context import TOOL, Context, RuleText, encodable

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BASE = "SRCROOT"


class Struct(msgspec.Struct, omit_defaults=True, rename="camel"):
    pass


class Message(Struct):
    text: str


class Text(Struct):
    text: str


class ArtifactLocation(Struct):
    uri: str
    uri_base_id: str | None = None


class Region(Struct):
    start_line: int
    start_column: int
    end_line: int
    end_column: int


class PhysicalLocation(Struct):
    artifact_location: ArtifactLocation
    region: Region


class Place(Struct):
    physical_location: PhysicalLocation
    id: int | None = None
    message: Message | None = None


class Configuration(Struct):
    level: str


class ReportingDescriptor(Struct):
    id: str
    name: str
    short_description: Text
    full_description: Text
    default_configuration: Configuration
    properties: dict[str, list[str]]
    help_uri: str | None = None


class Driver(Struct):
    name: str
    semantic_version: str
    rules: list[ReportingDescriptor]
    information_uri: str | None = None


class Tool(Struct):
    driver: Driver


class Result(Struct):
    rule_id: str
    rule_index: int
    level: str
    message: Message
    locations: list[Place]
    related_locations: list[Place]
    partial_fingerprints: dict[str, str]


class Run(Struct):
    tool: Tool
    results: list[Result]
    column_kind: str
    original_uri_base_ids: dict[str, ArtifactLocation]


class Log(Struct):
    version: str
    runs: list[Run]
    schema: str = msgspec.field(name="$schema")


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    texts = context.rules()
    codes = sorted({finding.code for finding in findings})
    index = {code: number for number, code in enumerate(codes)}
    names = {finding.code: finding.name for finding in findings}
    driver = Driver(
        name=TOOL,
        semantic_version=context.version,
        rules=[_descriptor(code, names[code], texts, context) for code in codes],
        information_uri=context.documentation,
    )
    run = Run(
        tool=Tool(driver),
        results=[_result(finding, index, context) for finding in findings],
        column_kind="unicodeCodePoints",
        original_uri_base_ids={_BASE: ArtifactLocation(Path(context.directory).as_uri() + "/")},
    )
    document = msgspec.json.encode(Log(version="2.1.0", runs=[run], schema=_SCHEMA))
    yield msgspec.json.format(document, indent=2).decode() + "\n"


def _descriptor(code: str, name: str, texts: Mapping[str, RuleText], context: Context) -> ReportingDescriptor:
    text = texts.get(code)
    return ReportingDescriptor(
        id=code,
        name=name,
        short_description=Text(text.summary if text else name),
        full_description=Text(text.why if text else name),
        default_configuration=Configuration("error"),
        properties={"tags": ["sqlalchemy", "asyncio", *([text.group] if text else [])]},
        help_uri=context.rule_url(name),
    )


def _result(finding: Finding, index: Mapping[str, int], context: Context) -> Result:
    return Result(
        rule_id=finding.code,
        rule_index=index[finding.code],
        level="error" if finding.confidence == "certain" else "warning",
        message=Message(encodable(finding.message)),
        locations=[Place(_physical(finding.path, finding.location, finding.end_location, context))],
        related_locations=[
            Place(
                _physical(related.path, related.location, related.end_location, context),
                id=number,
                message=Message(encodable(related.message)),
            )
            for number, related in enumerate(finding.related, start=1)
        ],
        partial_fingerprints={"asyncsqlaLint/v1": finding.fingerprint} if finding.fingerprint else {},
    )


def _physical(path: str, start: Location, end: Location, context: Context) -> PhysicalLocation:
    shown = context.posix(path)
    if shown.startswith(("/", "..")) or ":" in shown.split("/", 1)[0]:
        artifact = ArtifactLocation(Path(context.absolute(path)).as_uri())
    else:
        artifact = ArtifactLocation(quote(shown), _BASE)
    return PhysicalLocation(artifact, Region(start.row, start.column, end.row, end.column))
