"""For people: the code, with the place that fails and the places that explain it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncsqla_lint.findings import Finding, Related
from asyncsqla_lint.report.context import Context, one_line
from asyncsqla_lint.report.frame import Mark, frame, gutter_width
from asyncsqla_lint.report.style import CODE, FAINT, GUTTER, HELP, NAME, PLACE, Piece, paint, with_code


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    for finding in findings:
        for line in _lines(finding, context):
            yield paint(line, context.color).rstrip() + "\n"
        yield "\n"
    for text in context.summary:
        yield text + "\n"


def _lines(finding: Finding, context: Context) -> Iterator[list[Piece]]:
    yield _header(finding, context)
    pages = _pages(finding)
    sources = {path: context.lines(path) for path in pages}
    gutter = max(gutter_width(sources[path], marks) for path, marks in pages.items())
    bar: list[Piece] = [(f"{'':>{gutter}} |", GUTTER)]
    for path, marks in pages.items():
        arrow = "-->" if path == finding.path else ":::"
        first = marks[0].location
        place = f"{one_line(context.shown(path))}:{first.row}:{first.column}"
        yield [(f"{'':>{gutter}}{arrow} ", GUTTER), (place, PLACE)]
        lines = sources[path]
        if lines is None:
            yield from _notes(marks, gutter)
            continue
        yield bar
        yield from frame(lines, marks, gutter)
        yield bar
    if finding.confidence == "likely":
        yield _remark(gutter, "note", "likely: on some path, or under what the message assumes")
    if finding.fix is not None:
        yield _remark(gutter, "help", finding.fix.advice)


def _header(finding: Finding, context: Context) -> list[Piece]:
    mark: list[Piece] = [(" [", ""), ("*", HELP), ("]", "")] if context.fixes(finding) else []
    name: list[Piece] = [(f" {finding.name}", FAINT)]
    return [(finding.code, CODE), *name, *mark, (": ", ""), *with_code(one_line(finding.message))]


def _pages(finding: Finding) -> dict[str, list[Mark]]:
    """The marks by file, the finding's own file and mark first."""
    pages = {finding.path: [Mark(finding.location, finding.end_location, "", primary=True)]}
    for related in finding.related:
        pages.setdefault(related.path, []).append(_mark(related))
    return pages


def _mark(related: Related) -> Mark:
    return Mark(related.location, related.end_location, related.message, primary=False)


def _notes(marks: Sequence[Mark], gutter: int) -> Iterator[list[Piece]]:
    """What the labels say, when the source cannot be shown."""
    for mark in marks:
        if mark.label:
            yield _remark(gutter, "note", f"line {mark.location.row}: {mark.label}")


def _remark(gutter: int, kind: str, text: str) -> list[Piece]:
    return [
        (f"{'':>{gutter}} = ", GUTTER),
        (f"{kind}: ", HELP if kind == "help" else NAME),
        *with_code(one_line(text)),
    ]
