"""Edits: pieces of a text replaced by others, and which of them can be made together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

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


def removed(extents: Sequence[tuple[int, int]], dropped: Collection[int], close: int) -> list[Edit]:
    """Without some of a list's elements, each with the comma that it needed. `close` is where the list ends.

    What is last takes the comma before it along; a trailing comma stays for the new last one.
    """
    edits: list[Edit] = []
    at = 0
    while at < len(extents):
        first = at
        while at < len(extents) and at in dropped:
            at += 1
        if at == first:
            at += 1
        elif at < len(extents):
            edits.append(Edit(extents[first][0], extents[at][0], ""))
        elif first:
            edits.append(Edit(extents[first - 1][1], extents[-1][1], ""))
        else:
            edits.append(Edit(extents[0][0], close, ""))
    return edits


class Changes(Struct, frozen=True):
    """What one repair does to its file: edits, and the names that these need imported.

    Of several that serve one `purpose` the first is made; whether the others are needed still shows then.
    """

    edits: tuple[Edit, ...]
    imports: tuple[Import, ...] = ()
    purpose: str = ""

    @classmethod
    def of(cls, edits: Sequence[Edit], imports: Sequence[Import] = (), purpose: str = "") -> Changes:
        return cls(tuple(sorted(set(edits))), tuple(sorted(set(imports))), purpose)


class Import(Struct, frozen=True, order=True):
    """`from module import name as alias` (no alias: ""); `import module` when the name is ""."""

    module: str
    name: str = ""
    alias: str = ""
    level: int = 0
