"""Comments that silence: `# noqa`, `# asyncsqla-lint: ignore[…]` and their file-level forms.

The grammar is that of flake8 and ruff: case does not matter, codes are separated by commas or spaces, and
what follows them is free text. A comment covers every line of the simple statement, or of the header of the
compound statement, that it stands in; on a line of its own it covers that line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from asyncsqla_lint.program import Suppression, span

Extent = tuple[int, int]

# Most files have none of these words, and a search for them costs next to nothing.
MARK = re.compile(r"noqa|asyncsqla-lint", re.IGNORECASE)
COMMENT = re.compile(r"#[^\r\n]*")
CODE = re.compile(r"[A-Z]+[0-9]+", re.IGNORECASE)
CODES = r"[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*"
BRACKETS = r"\[(?P<codes>[^\]]*)\]"
FILE = re.compile(
    r"#\s*(?:"
    rf"(?:flake8|ruff|asyncsqla-lint)\s*[:=]\s*noqa(?:\s*:\s*(?P<codes>{CODES}))?\s*(?:$|\#)"
    r"|asyncsqla-lint\s*:\s*ignore-file(?:\[(?P<listed>[^\]]*)\])?)",
    re.IGNORECASE,
)
IGNORE = re.compile(rf"#\s*asyncsqla-lint\s*:\s*ignore\b(?!-)(?:\s*{BRACKETS})?", re.IGNORECASE)
NOQA = re.compile(rf"#\s*noqa(?:(?P<bare>(?![\w-]|\s*:))|\s*:\s*(?P<codes>{CODES})|(?=\s*:))", re.IGNORECASE)


def suppressions(
    text: str, line_starts: Sequence[int], strings: Sequence[Extent], extents: Sequence[Extent]
) -> tuple[Suppression, ...]:
    """The suppressions of a module, given where its strings, simple statements and headers stand."""
    if MARK.search(text) is None:
        return ()
    found: list[Suppression] = []
    statements: dict[int, tuple[int, int]] | None = None
    for start, comment in comments(text, line_starts, strings):
        line = bisect_right(line_starts, start)
        alone = not text[line_starts[line - 1] : start].strip(" \t\f\ufeff")
        for kind, codes, first, last in silenced(comment, alone):
            if kind == "file":
                lines = (1, len(line_starts))
            else:
                if statements is None:
                    statements = statement_lines(line_starts, extents)
                lines = statements.get(line, (line, line))
            found.append(Suppression(span(start + first, start + last), *lines, codes, kind))
    return tuple(found)


def comments(text: str, line_starts: Sequence[int], strings: Sequence[Extent]) -> Iterator[tuple[int, str]]:
    """The marked comments, which are not those that a string holds."""
    inside = sorted(strings)
    starts = [start for start, _ in inside]
    seen = -1
    for mark in MARK.finditer(text):
        line = line_starts[bisect_right(line_starts, mark.start()) - 1]
        at = text.find("#", max(line, seen), mark.start())
        while at >= 0:
            index = bisect_right(starts, at) - 1
            if index < 0 or inside[index][1] <= at:
                break
            at = text.find("#", inside[index][1], mark.start())
        if at >= 0:
            comment = COMMENT.match(text, at)
            assert comment is not None
            seen = comment.end()
            yield at, comment.group()


def silenced(comment: str, alone: bool) -> Iterator[tuple[str, tuple[str, ...], int, int]]:
    """Kind, codes and place (in the comment) of each suppression that a comment holds."""
    whole = FILE.match(comment) if alone else None  # flake8 and ruff want a line of its own
    if whole is not None:
        yield "file", codes_in(whole["codes"] or whole["listed"]), *whole.span()
        return
    for match in IGNORE.finditer(comment):
        yield "ignore", codes_in(match["codes"]), *match.span()
    noqa = NOQA.search(comment)
    if noqa is not None:
        yield "noqa", codes_in(noqa["codes"]), *noqa.span()


def codes_in(listed: str | None) -> tuple[str, ...]:
    return tuple(code.upper() for code in CODE.findall(listed or ""))


def statement_lines(line_starts: Sequence[int], extents: Sequence[Extent]) -> dict[int, tuple[int, int]]:
    """For each line, the lines of the innermost (the shortest) extent on it."""
    lines: dict[int, tuple[int, int]] = {}
    for start, end in sorted(extents, key=lambda extent: extent[0] - extent[1]):
        first, last = bisect_right(line_starts, start), bisect_right(line_starts, end)
        for line in range(first, last + 1):
            lines[line] = (first, last)
    return lines
