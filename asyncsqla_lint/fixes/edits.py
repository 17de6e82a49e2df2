"""Edits: pieces of a text replaced by others, and which of them can be made together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct


class Edit(Struct, frozen=True, order=True):
    """The text from `start` to `end` (in characters) becomes `text`."""

    start: int
    end: int
    text: str


def insertion(at: int, text: str) -> Edit:
    return Edit(at, at, text)


def conflict(one: Edit, other: Edit) -> bool:
    """Whether the outcome would depend on which of the two is made first. Equal edits are one edit."""
    if one == other:
        return False
    if one.start == one.end and other.start == other.end:
        return one.start == other.start
    return one.start < other.end and other.start < one.end


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text after edits that do not conflict."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(set(edits)):
        pieces += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join((*pieces, text[at:]))


def trimmed(before: str, after: str, start: int = 0) -> tuple[Edit, ...]:
    """`before`, which stands at `start`, becomes `after`: as small an edit as does it."""
    if before == after:
        return ()
    shortest = min(len(before), len(after))
    head = 0
    while head < shortest and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shortest - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return (Edit(start + head, start + len(before) - tail, after[head : len(after) - tail]),)


class Changes(Struct, frozen=True):
    """What one repair does to its file: edits, and the names that these need imported."""

    edits: tuple[Edit, ...]
    imports: tuple[Import, ...] = ()

    @classmethod
    def of(cls, edits: Sequence[Edit], imports: Sequence[Import] = ()) -> Changes:
        return cls(tuple(sorted(set(edits))), tuple(sorted(set(imports))))


class Import(Struct, frozen=True, order=True):
    """`from module import name as alias` (no alias: ""); `import module` when the name is ""."""

    module: str
    name: str = ""
    alias: str = ""
    level: int = 0
