"""How deep a text nests, found without parsing it.

LibCST's parser recurses on the machine's stack and does not look where it ends: three thousand
opening parentheses kill the process. So we look first: a scan that knows strings, comments and brackets, and
that counts operators only in the few logical lines that are long enough to hold many.
"""

from __future__ import annotations

import re

from asyncsqla_lint.stretches import STRING

# Any stack holds this many levels, and a line of so few characters cannot have more.
SHALLOW = 150
# CPython's own limit on brackets. Of operators it compiles as many thousands as its stack holds.
MOST_BRACKETS = 200
DEEPEST = 10_000

LAYOUT = re.compile(rf"[()\[\]{{}}]|\n|\r|#[^\r\n]*|\\\r?\n|{STRING}", re.DOTALL)
LINKS = re.compile(
    rf"[()\[\]{{}},;]|(?P<link>[.+\-*/%@&|^~]|\b(?:not|and|or|if|else|lambda|await)\b)|#[^\r\n]*|{STRING}",
    re.DOTALL,
)
ELSE_IF = re.compile(r"^[ \t\f]*elif\b", re.MULTILINE)


def depth(text: str) -> tuple[int, int]:
    """No part of the text nests deeper than this; and where it is reached."""
    deepest, where = 0, 0
    if len(text) < SHALLOW:
        return deepest, where
    if text.count("elif") > SHALLOW:
        deepest = len(ELSE_IF.findall(text))
    brackets = line = 0
    for match in LAYOUT.finditer(text):
        token = match[0]
        if token in "([{":
            brackets += 1
            if brackets > MOST_BRACKETS:
                return DEEPEST + 1, match.start()
            if brackets > deepest:
                deepest, where = brackets, match.start()
        elif token in ")]}":
            brackets -= brackets > 0
        elif (token == "\n" or token == "\r") and not brackets:
            at = match.end()
            if at - line > SHALLOW:
                deepest, where = max((deepest, where), chain(text, line, at))
            line = at
    if len(text) - line > SHALLOW:
        deepest, where = max((deepest, where), chain(text, line, len(text)))
    return deepest, where


def chain(text: str, start: int, end: int) -> tuple[int, int]:
    """How many operators of a logical line stand inside each other; a comma ends a chain."""
    deepest, where = 0, start
    outer: list[int] = []
    enclosing = links = 0  # around the innermost brackets, and in them since the last comma
    for match in LINKS.finditer(text, start, end):
        token = match[0]
        if match["link"] is not None:
            links += 1
        elif token in "([{":
            links += 1  # a call or a subscript is a link itself
            outer.append(links)
            enclosing += links
            links = 0
        elif token in ")]}":
            if outer:
                links = outer.pop()
                enclosing -= links
        elif token in ",;":
            links = 0
        if enclosing + links > deepest:
            deepest, where = enclosing + links, match.start()
    return deepest, where
