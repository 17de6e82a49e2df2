"""Where every node stands, found while the tree is walked.

LibCST nodes do not know their place. Codegen would tell (15 µs a line for the leanest `CodegenState`), but
it visits every whitespace node. A walk in source order need not: the tree says which token comes next,
and between two tokens there is only trivia, which one regular expression steps over. The `Cursor` is
that step. Places are those of `ast`: without surrounding parentheses (a tuple and a generator keep theirs),
from the first token to the end of the last; a decorated definition begins at `async`, `def` or `class`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import libcst as cst

from asyncsqla_lint.program import LENGTH_BITS, LONGEST, Span

# A comma or a semicolon belongs to no node that we place, so it may be stepped over like a space.
SKIPPED = " \t\n,\r\f\\#;\ufeff"
skip_trivia = re.compile(r"(?:[ \t\n,\r\f;\ufeff]+|\\\r?\n?|#[^\r\n]*)*").match


class Parenthesized(Protocol):
    """Any LibCST expression or pattern."""

    @property
    def lpar(self) -> Sequence[cst.LeftParen]: ...

    @property
    def rpar(self) -> Sequence[cst.RightParen]: ...


class Cursor:
    """A place in the text, always at the end of the last token that was read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def next(self) -> int:
        """Step to the next token; its start."""
        at = self.at
        if self.text[at] in SKIPPED:
            at = self.at = skip_trivia(self.text, at).end()  # type: ignore[union-attr]  # it matches nothing too
        return at

    def token(self, length: int) -> int:
        """Read the next token; its start."""
        at = self.at
        if self.text[at] in SKIPPED:
            at = skip_trivia(self.text, at).end()  # type: ignore[union-attr]
        self.at = at + length
        return at

    def begin(self, node: Parenthesized) -> int:
        """Read a node's opening parentheses; where the node itself starts."""
        if node.lpar:
            for _ in node.lpar:
                self.token(1)
        at = self.at
        if self.text[at] in SKIPPED:
            at = self.at = skip_trivia(self.text, at).end()  # type: ignore[union-attr]
        return at

    def finish(self, node: Parenthesized, start: int) -> Span:
        """The span of a node that ends here; its closing parentheses are read after."""
        length = self.at - start
        if node.rpar:
            for _ in node.rpar:
                self.token(1)
        return start << LENGTH_BITS | (length if length < LONGEST else LONGEST)

    def since(self, start: int) -> Span:
        length = self.at - start
        return start << LENGTH_BITS | (length if length < LONGEST else LONGEST)
