"""A text that is no Python module, and where it goes wrong."""

from __future__ import annotations

import re
from bisect import bisect_right

import libcst as cst

from asyncsqla_lint.stretches import LINE_END, line_starts

PARSER = re.compile(r"parser error: error at (\d+):(\d+): (.*)", re.DOTALL)
TOKENIZER = "tokenizer error: "
TOO_MANY_CHOICES = 80
TOKEN_END = re.compile(r"\w+$|.$")
CHARACTER = re.compile(r"'(.)' is not a valid character")
TRIPLE_QUOTED = re.compile(
    r"#[^\r\n]*|\"\"\"[^\"\\]*(?:(?:\\.|\"(?!\"\"))[^\"\\]*)*(?P<double>\"\"\")?"
    r"|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?P<single>''')?"
    r"|\"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'",
    re.DOTALL,
)


class SyntaxFailure(Exception):
    """The text is no Python module. `row` and `column` are 1-based, in characters."""

    def __init__(self, message: str, row: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.column = column

    @classmethod
    def at(cls, message: str, text: str, offset: int) -> SyntaxFailure:
        starts = line_starts(text)
        row = bisect_right(starts, offset)
        return cls(message, row, offset - starts[row - 1] + 1)


def explain(text: str, error: cst.ParserSyntaxError) -> SyntaxFailure:
    """LibCST's error in one short line, with the place of the token that cannot stand there."""
    parser = PARSER.fullmatch(error.message)
    if parser is not None:
        message = parser[3] if len(parser[3]) < TOO_MANY_CHOICES else "invalid syntax"
        return SyntaxFailure(message, *before(text, int(parser[1]), int(parser[2])))
    message = error.message.removeprefix(TOKENIZER)
    if "triple-quoted" in message:
        for string in TRIPLE_QUOTED.finditer(text):
            if string[0][:3] in ('"""', "'''") and not (string["double"] or string["single"]):
                return SyntaxFailure.at(message, text, string.start())
    if error.message.startswith(TOKENIZER):
        return untokenized(text, error.message)
    return SyntaxFailure(message, error.raw_line, error.raw_column + 1)


def before(text: str, row: int, column: int) -> tuple[int, int]:
    """LibCST names the end of the unexpected token; this is its start."""
    lines = LINE_END.split(text)
    row = min(row, len(lines))
    if column == 0 and row > 1:  # the end of a line, or of the file
        return row - 1, len(lines[row - 2]) + 1
    token = TOKEN_END.search(lines[row - 1][:column])
    return row, 1 if token is None else token.start() + 1


def untokenized(text: str, message: str) -> SyntaxFailure:
    """LibCST's tokenizer tells no place: it is the first line without which the text passes."""
    starts = line_starts(text)
    ends = [*starts[1:], len(text)]

    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        if fails(text[: ends[middle]], message):
            high = middle
        else:
            low = middle + 1
    row = low + 1
    line = text[starts[row - 1] : ends[row - 1]]
    character = CHARACTER.search(message)
    column = line.find(character[1]) if character else len(line) - len(line.lstrip())
    return SyntaxFailure(message.removeprefix(TOKENIZER), row, max(column, 0) + 1)


def fails(text: str, message: str) -> bool:
    try:
        cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        return error.message == message
    return False
