"""`--add-noqa`: a suppression on the line of each finding, beside what is written there already."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.findings import INTERNAL_ERROR, SYNTAX_ERROR, UNUSED_SUPPRESSION, Finding
from asyncsqla_lint.fixes.edits import Edit, applied, insertion
from asyncsqla_lint.fixes.tree import Refused, Tree
from asyncsqla_lint.workspace.decoding import DecodeError, decode, encode, encoding_of

_CODES = r"[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*"
_NOQA = re.compile(rf"#\s*noqa(?::\s*(?P<codes>{_CODES}))?", re.IGNORECASE)
# Findings about the file or the tool: a comment would silence nothing.
_NEVER = frozenset({SYNTAX_ERROR, UNUSED_SUPPRESSION, INTERNAL_ERROR})


def suppressed(before: bytes, findings: Sequence[Finding]) -> tuple[bytes, int]:
    """The file with its findings silenced, and how many comments that took."""
    try:
        text = decode(before)
        tree = Tree(text, whole=True)
    except (DecodeError, cst.ParserSyntaxError):
        return before, 0
    lines: dict[int, set[str]] = {}
    for finding in findings:
        if finding.code not in _NEVER:
            lines.setdefault(_line(tree, finding), set()).add(finding.code)
    edits = [edit for row, codes in sorted(lines.items()) for edit in _comment(tree, row, sorted(codes))]
    after = applied(text, edits)
    try:
        cst.parse_module(after)
    except cst.ParserSyntaxError:
        return before, 0
    return encode(after, encoding_of(before)), len(edits)


def _line(tree: Tree, finding: Finding) -> int:
    """The row whose end takes a comment: not inside a string of several lines, nor before a backslash."""
    row = finding.noqa_row or finding.location.row
    strings = [tree.extent(node) for node in tree.everything() if isinstance(node, cst.BaseString)]
    starts = tree.line_starts
    while row < len(starts):
        end = tree.line_end(starts[row - 1])
        inside = any(start < end < stop for start, stop in strings)
        if not inside and not tree.text[starts[row - 1] : end].endswith("\\"):
            break
        row += 1
    return row


def _comment(tree: Tree, row: int, codes: list[str]) -> list[Edit]:
    if row > len(tree.line_starts):
        raise Refused("the place is past the end of the file")
    start = tree.line_starts[row - 1]
    end = tree.line_end(start)
    line = tree.text[start:end]
    known = _NOQA.search(line)
    if known is None:
        blank = len(line) - len(line.rstrip())
        return [Edit(end - blank, end, f"  # noqa: {', '.join(codes)}")]
    if known["codes"] is None:
        return []
    there = re.findall(r"[A-Za-z]+[0-9]+", known["codes"])
    new = [code for code in codes if code not in (one.upper() for one in there)]
    return [insertion(start + known.end("codes"), "".join(f", {code}" for code in new))] if new else []
