"""A code frame: the lines around some places of one file, each place underlined and labelled.

40 |     posts = (await session.scalars(select(Post))).all()
   |                                    ------------ the query
41 |     for post in posts:
42 |         print(post.author)
   |               ^^^^^^^^^^^
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asyncsqla_lint.findings import Location
from asyncsqla_lint.report.context import one_line
from asyncsqla_lint.report.style import GUTTER, PRIMARY, SECONDARY, Piece, cells

_CONTEXT = 2  # lines shown around the primary place
_TAB = "    "
_WIDEST = 160  # a longer line is cut around its mark: a minified line must not flood the terminal


@dataclass(frozen=True)
class Mark:
    location: Location
    end_location: Location
    label: str
    primary: bool

    @property
    def style(self) -> str:
        return PRIMARY if self.primary else SECONDARY

    @property
    def line(self) -> str:
        return "^" if self.primary else "-"


def frame(lines: Sequence[str], marks: Sequence[Mark], gutter: int) -> Iterator[list[Piece]]:
    """The frame's lines, without the bar that opens and closes it."""
    marks = [mark for mark in marks if 0 < mark.location.row <= len(lines)]
    previous = 0
    for row in _rows(lines, marks):
        if previous and row > previous + 1:
            yield [("...".rjust(gutter + 2), GUTTER)]
        previous = row
        here = [mark for mark in marks if mark.location.row == row]
        text, shift = _cut(lines[row - 1], here)
        yield [(f"{row:>{gutter}} | ", GUTTER), (one_line(_untabbed(text)), "")]
        for mark in sorted(here, key=lambda mark: (not mark.primary, mark.location.column)):
            yield [(f"{'':>{gutter}} | ", GUTTER), *_underline(text, mark, shift)]


def gutter_width(lines: Sequence[str] | None, marks: Sequence[Mark]) -> int:
    last = max((mark.location.row + (_CONTEXT if mark.primary else 0) for mark in marks), default=1)
    return len(str(min(last, len(lines)) if lines else last))


def _rows(lines: Sequence[str], marks: Sequence[Mark]) -> list[int]:
    rows: set[int] = set()
    for mark in marks:
        row = mark.location.row
        around = _CONTEXT if mark.primary else 0
        rows.update(range(max(1, row - around), min(len(lines), row + around) + 1))
    # One hidden line is shown rather than replaced by dots; blank lines at the edges help nobody.
    rows.update(row + 1 for row in list(rows) if row + 2 in rows)
    marked = {mark.location.row for mark in marks}
    ordered = sorted(rows)
    while ordered and ordered[0] not in marked and not lines[ordered[0] - 1].strip():
        ordered.pop(0)
    while ordered and ordered[-1] not in marked and not lines[ordered[-1] - 1].strip():
        ordered.pop()
    return ordered


def _cut(text: str, marks: Sequence[Mark]) -> tuple[str, int]:
    """The part of a very long line that holds its first mark, and how much was left off before it."""
    if len(text) <= _WIDEST:
        return text, 0
    first = min((mark.location.column - 1 for mark in marks), default=0)
    start = max(0, min(first - _WIDEST // 3, len(text) - _WIDEST))
    return text[start : start + _WIDEST], start


def _underline(text: str, mark: Mark, shift: int) -> Iterator[Piece]:
    start = min(max(mark.location.column - 1 - shift, 0), len(text))
    same_line = mark.end_location.row == mark.location.row
    end = mark.end_location.column - 1 - shift if same_line else len(text)
    end = max(min(end, len(text)), start)
    yield " " * _width(text[:start]), ""
    yield mark.line * max(_width(text[start:end]), 1), mark.style
    if mark.label:
        yield f" {one_line(mark.label)}", mark.style


def _width(text: str) -> int:
    return cells(one_line(_untabbed(text)))


def _untabbed(text: str) -> str:
    # A fixed width a tab, not tab stops: what stands under a cut line must stay aligned.
    return text.replace("\t", _TAB).replace("\f", "")
