"""The ground of lowering, and the literals: numbers, strings, format strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import normalize

import libcst as cst

from asyncsqla_lint.program import Constant, Expression, FormatString, Formatted, Opaque, span
from asyncsqla_lint.syntax.positions import Cursor
from asyncsqla_lint.syntax.strings import format_text, string_value
from asyncsqla_lint.syntax.visitor import Visitor

LARGEST_INTEGER = 2**63


def identifier(name: str) -> str:
    """The name that Python binds: `ﬁ` is `fi`."""
    return name if name.isascii() else normalize("NFKC", name)


class Literals(Visitor, Cursor):
    """Each `visit_…` reads its node's tokens in source order and returns the Program's node."""

    def __init__(self, text: str) -> None:
        Visitor.__init__(self)
        Cursor.__init__(self, text)
        self.mentions: set[str] = set()
        self.yields = False
        self.strings: list[tuple[int, int]] = []

    def expression(self, node: cst.BaseExpression) -> Expression:
        lowered: Expression = self.handlers[type(node)](node)
        return lowered

    def word(self, node: cst.Name) -> str:
        """Read a name that is no expression."""
        name = node.value
        self.token(len(name))
        return identifier(name)

    def optional(self, node: cst.BaseExpression | None) -> Expression | None:
        return None if node is None else self.expression(node)

    def trailing_comma(self) -> None:
        """Read a comma that a node ends in."""
        self.at = self.text.index(",", self.at) + 1

    def visit_Integer(self, node: cst.Integer) -> Expression:
        source = node.value
        start = self.begin(node)
        self.at += len(source)
        place = self.finish(node, start)
        try:
            value = int(source, 0)
        except ValueError:  # longer than the interpreter converts
            return Opaque(place, ())
        return Constant(place, value) if value < LARGEST_INTEGER else Opaque(place, ())

    def visit_Float(self, node: cst.Float) -> Expression:
        start = self.begin(node)
        self.at += len(node.value)
        return Constant(self.finish(node, start), float(node.value))

    def visit_Imaginary(self, node: cst.Imaginary) -> Expression:
        start = self.begin(node)
        self.at += len(node.value)
        return Opaque(self.finish(node, start), ())

    def visit_Ellipsis(self, node: cst.Ellipsis) -> Expression:
        start = self.begin(node)
        self.at += 3
        return Opaque(self.finish(node, start), ())

    def visit_SimpleString(self, node: cst.SimpleString) -> Expression:
        source = node.value
        start = self.begin(node)
        self.at += len(source)
        self.strings.append((start, self.at))
        value = string_value(source)
        place = self.finish(node, start)
        return Opaque(place, ()) if value is None else Constant(place, value)

    def visit_FormattedString(self, node: cst.FormattedString) -> Expression:
        start = self.begin(node)
        self.at += len(node.start)
        parts: list[Expression] = []
        self.format_parts(node.parts, "r" in node.start.lower(), parts)
        self.at += len(node.end)
        self.strings.append((start, self.at))
        return FormatString(self.finish(node, start), tuple(parts))

    def visit_TemplatedString(self, node: cst.TemplatedString) -> Expression:
        start = self.begin(node)
        self.at += len(node.start)
        parts: list[Expression] = []
        self.format_parts(node.parts, "r" in node.start.lower(), parts)
        self.at += len(node.end)
        self.strings.append((start, self.at))
        return Opaque(self.finish(node, start), tuple(_evaluated(parts)))

    def format_parts(
        self,
        pieces: Sequence[cst.BaseFormattedStringContent] | Sequence[cst.BaseTemplatedStringContent],
        raw: bool,
        parts: list[Expression],
    ) -> None:
        for piece in pieces:
            if isinstance(piece, (cst.FormattedStringText, cst.TemplatedStringText)):
                start = self.at
                self.at += len(piece.value)
                text = format_text(piece.value, raw)
                place = self.since(start)
                parts.append(Opaque(place, ()) if text is None else Constant(place, text))
                continue
            assert isinstance(piece, (cst.FormattedStringExpression, cst.TemplatedStringExpression))
            self.at += 1
            opened = self.at
            formatted = self.expression(piece.expression)
            if piece.equal is not None:  # `{x = }` writes its own source first
                self.token(1)
                self.next()
                parts.append(Constant(span(opened, self.at), self.text[opened : self.at]))
            conversion = piece.conversion or ""
            if conversion:
                self.token(1 + len(conversion))
            self.token(1)
            specification: list[Expression] = []
            if piece.format_spec is not None:
                self.format_parts(piece.format_spec, raw, specification)
                self.at += 1
            elif piece.equal is not None:
                conversion = conversion or "r"
            if conversion or specification:
                formatted = Formatted(formatted.span, formatted, conversion, tuple(specification))
            parts.append(formatted)

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> Expression:
        start = self.begin(node)
        pieces: list[Expression] = []
        rest: cst.BaseString = node
        while isinstance(rest, cst.ConcatenatedString):
            pieces.append(self.expression(rest.left))
            rest = rest.right
        pieces.append(self.expression(rest))
        place = self.finish(node, start)
        if any(isinstance(piece, Opaque) for piece in pieces):  # bytes, or a template
            parts = [part for piece in pieces for part in self.parts_of(piece)]
            return Opaque(place, tuple(_evaluated(parts)))
        texts = [piece.value for piece in pieces if isinstance(piece, Constant)]
        if len(texts) == len(pieces):
            return Constant(place, "".join(str(text) for text in texts))
        return FormatString(place, tuple(part for piece in pieces for part in self.parts_of(piece)))

    @staticmethod
    def parts_of(piece: Expression) -> tuple[Expression, ...]:
        return piece.parts if isinstance(piece, (FormatString, Opaque)) else (piece,)


def _evaluated(parts: Iterable[Expression]) -> Iterator[Expression]:
    """What a template works out, which formats nothing."""
    for part in parts:
        if isinstance(part, Formatted):
            yield part.value
            yield from _evaluated(part.specification)
        elif not isinstance(part, Constant):
            yield part
