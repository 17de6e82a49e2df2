"""`--statistics`: how many findings of each rule, and how much of the project was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import Context
from asyncsqla_lint.report.style import CODE, HELP, NAME, Piece, paint


class RuleCount(msgspec.Struct):
    """One line, in ruff's shape."""

    code: str
    name: str
    count: int
    fixable: bool
    fixable_count: int


def count(findings: Sequence[Finding], context: Context) -> list[RuleCount]:
    """Most frequent first, then by code."""
    totals = Counter((finding.code, finding.name) for finding in findings)
    safe = Counter(finding.code for finding in findings if context.fixes(finding))
    counts = [RuleCount(code, name, n, safe[code] > 0, safe[code]) for (code, name), n in totals.items()]
    return sorted(counts, key=lambda line: (-line.count, line.code))


def render(findings: Sequence[Finding], reach: Mapping[str, int], context: Context) -> Iterator[str]:
    counts = count(findings, context)
    width = max((len(str(line.count)) for line in counts), default=0)
    for line in counts:
        mark: list[Piece] = [("[", ""), ("*", HELP), ("] ", "")] if line.fixable else [("    ", "")]
        number: Piece = (f"{line.count:>{width}}", NAME)
        yield (
            paint([number, ("  ", ""), (line.code, CODE), ("  ", ""), *mark, (line.name, "")], context.color)
            + "\n"
        )
    if reach:
        width = max(len(f"{value:,}") for value in reach.values())
        yield "\n" if counts else ""
        for name, value in reach.items():
            yield f"{value:>{width},}  {name}\n"
    for text in context.summary:
        yield text + "\n"


def render_json(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    yield msgspec.json.format(msgspec.json.encode(count(findings, context)), indent=2).decode() + "\n"
