"""A module's text cut into stretches of whole statements, without a parser.

LibCST takes ten milliseconds for a hundred lines, and what it is asked about mostly stands in a function or
two. So who fixes a file parses these alone, and who knows a text parses what is new in the next one. Where
the cut is wrong (a string within a string within a string), the pieces cannot be parsed: then the whole is.
"""

from __future__ import annotations

import re

from msgspec import Struct

# As `str.splitlines` does not, and Python's tokenizer does.
LINE_END = re.compile(r"\r\n|\n|\r")
STRING = (
    r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""'
    r"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''"
    r'|"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
    r"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'"
)
_MARKS = re.compile(
    rf"(?P<opening>[(\[{{])|(?P<closing>[)\]}}])|(?P<comment>#[^\r\n]*)|(?P<string>{STRING})"
    r"|(?P<line>(?<![^\r\n])(?=[^\s#)\]}])(?!(?:else|elif|except|finally)\b))",
    re.DOTALL,
)
_DEFINITION = re.compile(r"@|class\b|(?:async[ \t]+)?def\b")


class Stretch(Struct, frozen=True):
    """Statements, mostly one, and above them the comments that are theirs."""

    start: int
    end: int
    is_definition: bool


def stretches(text: str) -> list[Stretch]:
    """They leave nothing of the text out."""
    begins: list[tuple[int, bool]] = []
    comments: list[tuple[int, int]] = []  # that begin a line
    depth, is_decorated = 0, False
    for mark in _MARKS.finditer(text):
        kind, at = mark.lastgroup, mark.start()
        if kind == "opening":
            depth += 1
        elif kind == "closing":
            depth -= 1
        elif kind == "comment":
            if not depth and text[at - 1 : at] in ("", "\n", "\r"):
                comments.append((at, mark.end()))
        elif kind == "line" and not depth and not _is_continued(text, at):
            if not is_decorated:
                is_definition = _DEFINITION.match(text, at) is not None
                begins.append((_own_comments(text, at, comments) if begins else 0, is_definition))
            is_decorated = text[at] == "@"
            comments.clear()
    ends = [start for start, _ in begins[1:]] + [len(text)]
    found = [Stretch(start, end, kind) for (start, kind), end in zip(begins, ends, strict=False)]
    return found or [Stretch(0, len(text), False)]


def _is_continued(text: str, at: int) -> bool:
    return text[max(at - 3, 0) : at].rstrip("\r\n").endswith("\\")


def _own_comments(text: str, at: int, comments: list[tuple[int, int]]) -> int:
    """Where those begin that stand right above."""
    for start, end in reversed(comments):
        if text[end:at].strip():
            break
        at = start
    return at


def line_starts(text: str) -> tuple[int, ...]:
    return (0, *[match.end() for match in LINE_END.finditer(text)])
