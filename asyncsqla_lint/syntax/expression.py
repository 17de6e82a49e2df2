"""Expressions, from LibCST to the Program."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

import libcst as cst

from asyncsqla_lint.program import (
    LENGTH_BITS,
    Attribute,
    Await,
    BinaryOperation,
    BooleanOperation,
    Call,
    Clause,
    Compare,
    Comprehension,
    Conditional,
    Constant,
    DictDisplay,
    DictItem,
    Expression,
    FormatString,
    Keyword,
    ListDisplay,
    Name,
    NamedExpression,
    Opaque,
    SetDisplay,
    Slice,
    Starred,
    Subscript,
    TupleDisplay,
    UnaryOperation,
    Yield,
    YieldFrom,
    span,
)
from asyncsqla_lint.syntax.operators import BINARY, COMPARE, TWO_WORDS, UNARY
from asyncsqla_lint.syntax.positions import SKIPPED, Cursor, skip_trivia
from asyncsqla_lint.syntax.strings import format_text, string_value
from asyncsqla_lint.syntax.visitor import Visitor

SINGLETONS = {"None": None, "True": True, "False": False}
# A longer `a + b + …` is a sum of data; kept as a tree it would nest deeper than readers can recurse.
LONGEST_SPINE = 100
LARGEST_INTEGER = 2**63


def identifier(name: str) -> str:
    """The name that Python binds: `ﬁ` is `fi`."""
    return name if name.isascii() else normalize("NFKC", name)


class Expressions(Visitor, Cursor):
    """Each `visit_…` reads its node's tokens in source order and returns the Program's node."""

    def __init__(self, text: str) -> None:
        Visitor.__init__(self)
        Cursor.__init__(self, text)
        self.mentions: set[str] = set()
        self.yields = False
        self.strings: list[tuple[int, int]] = []

    # --- names, attributes, calls ---

    def visit_Name(self, node: cst.Name) -> Expression:
        name = node.value
        if node.lpar:
            self.begin(node)
        at = self.at
        if self.text[at] in SKIPPED:
            at = skip_trivia(self.text, at).end()  # type: ignore[union-attr]
        length = len(name)
        self.at = at + length
        if node.rpar:
            self.finish(node, at)
        if name in SINGLETONS:
            return Constant(at << LENGTH_BITS | length, SINGLETONS[name])
        if not name.isascii():
            name = identifier(name)
        self.mentions.add(name)
        return Name(at << LENGTH_BITS | length, name)

    def visit_Attribute(self, node: cst.Attribute) -> Expression:
        start = self.begin(node)
        value = node.value
        lowered = self.handlers[type(value)](value)
        self.token(1)
        name = node.attr.value
        self.token(len(name))
        if not name.isascii():
            name = identifier(name)
        self.mentions.add(name)
        return Attribute(self.finish(node, start), lowered, name)

    def visit_Call(self, node: cst.Call) -> Expression:
        start = self.begin(node)
        function = node.func
        callee = self.handlers[type(function)](function)
        opening = self.token(1)
        args = node.args
        if not args:
            self.token(1)
            return Call(self.finish(node, start), callee, (), ())
        arguments, keywords = self.arguments(args)
        self.token(1)
        if len(args) == 1 and isinstance(args[0].value, cst.GeneratorExp) and not args[0].value.lpar:
            # `f(x for x in y)`: the generator shares the call's parentheses, as in `ast`.
            generator = arguments[0]
            assert isinstance(generator, Comprehension)
            arguments = (
                Comprehension(
                    span(opening, self.at), "generator", generator.element, generator.value, generator.clauses
                ),
            )
        return Call(self.finish(node, start), callee, arguments, keywords)

    def arguments(self, args: Sequence[cst.Arg]) -> tuple[tuple[Expression, ...], tuple[Keyword, ...]]:
        arguments: list[Expression] = []
        keywords: list[Keyword] = []
        handlers = self.handlers
        for arg in args:
            value = arg.value
            keyword = arg.keyword
            if keyword is not None:
                start = self.token(len(keyword.value))
                self.token(1)
                lowered = handlers[type(value)](value)
                keywords.append(Keyword(self.since(start), identifier(keyword.value), lowered))
            elif not arg.star:
                arguments.append(handlers[type(value)](value))
            else:
                start = self.token(len(arg.star))
                lowered = handlers[type(value)](value)
                if arg.star == "*":
                    arguments.append(Starred(self.since(start), lowered))
                else:
                    keywords.append(Keyword(self.since(start), None, lowered))
        return tuple(arguments), tuple(keywords)

    def visit_Subscript(self, node: cst.Subscript) -> Expression:
        start = self.begin(node)
        value = self.visit(node.value)
        self.token(1)
        elements = node.slice
        first = self.next()
        index = self.subscript_element(elements[0])
        if len(elements) > 1 or isinstance(elements[0].comma, cst.Comma) or isinstance(index, Starred):
            parts = [index, *(self.subscript_element(element) for element in elements[1:])]
            if isinstance(elements[-1].comma, cst.Comma):
                self.trailing_comma()
            index = TupleDisplay(self.since(first), tuple(parts))
        self.token(1)
        return Subscript(self.finish(node, start), value, index)

    def subscript_element(self, element: cst.SubscriptElement) -> Expression:
        piece = element.slice
        if isinstance(piece, cst.Index):
            if piece.star is None:
                return self.expression(piece.value)
            start = self.token(1)
            value = self.expression(piece.value)
            return Starred(self.since(start), value)
        assert isinstance(piece, cst.Slice)
        start = self.next()
        lower = self.optional(piece.lower)
        self.token(1)
        upper = self.optional(piece.upper)
        if isinstance(piece.second_colon, cst.Colon):
            self.token(1)
        step = self.optional(piece.step)
        return Slice(self.since(start), lower, upper, step)

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

    # --- literals ---

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
        evaluated = tuple(part for part in parts if not isinstance(part, Constant))
        return Opaque(self.finish(node, start), evaluated)

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
            parts.append(formatted)
            if piece.conversion is not None:
                self.token(1 + len(piece.conversion))
            if piece.format_spec is None:
                self.token(1)
                continue
            self.token(1)
            specification: list[Expression] = []
            self.format_parts(piece.format_spec, raw, specification)
            parts.extend(part for part in specification if not isinstance(part, Constant))
            self.at += 1

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
            return Opaque(place, tuple(part for part in parts if not isinstance(part, Constant)))
        texts = [piece.value for piece in pieces if isinstance(piece, Constant)]
        if len(texts) == len(pieces):
            return Constant(place, "".join(str(text) for text in texts))
        return FormatString(place, tuple(part for piece in pieces for part in self.parts_of(piece)))

    @staticmethod
    def parts_of(piece: Expression) -> tuple[Expression, ...]:
        return piece.parts if isinstance(piece, (FormatString, Opaque)) else (piece,)

    # --- operators ---

    def visit_BinaryOperation(self, node: cst.BinaryOperation) -> Expression:
        # `a + b + c + …` leans left, as deep as it is long.
        spine: list[tuple[cst.BinaryOperation, int]] = []
        leftmost: cst.BaseExpression = node
        while isinstance(leftmost, cst.BinaryOperation):
            spine.append((leftmost, self.begin(leftmost)))
            leftmost = leftmost.left
        left = self.expression(leftmost)
        if len(spine) > LONGEST_SPINE:
            return self.flat(left, spine)
        for operation, start in reversed(spine):
            operator = BINARY[type(operation.operator)]
            self.token(len(operator))
            right = self.expression(operation.right)
            left = BinaryOperation(self.finish(operation, start), left, operator, right)
        return left

    def flat(self, left: Expression, spine: list[tuple[cst.BinaryOperation, int]]) -> Expression:
        parts = [left]
        for operation, start in reversed(spine):
            self.token(len(BINARY[type(operation.operator)]))
            parts.append(self.expression(operation.right))
            place = self.finish(operation, start)
        return Opaque(place, tuple(parts))

    def visit_BooleanOperation(self, node: cst.BooleanOperation) -> Expression:
        start = self.begin(node)
        kind = type(node.operator)
        operator = "and" if kind is cst.And else "or"
        operands: list[cst.BaseExpression] = []
        leftmost: cst.BaseExpression = node
        while isinstance(leftmost, cst.BooleanOperation) and type(leftmost.operator) is kind:
            if leftmost is not node and leftmost.lpar:
                break
            operands.append(leftmost.right)
            leftmost = leftmost.left
        values = [self.expression(leftmost)]
        for operand in reversed(operands):
            self.token(len(operator))
            values.append(self.expression(operand))
        return BooleanOperation(self.finish(node, start), operator, tuple(values))

    def visit_UnaryOperation(self, node: cst.UnaryOperation) -> Expression:
        start = self.begin(node)
        operator = UNARY[type(node.operator)]
        self.token(len(operator))
        operand = self.expression(node.expression)
        return UnaryOperation(self.finish(node, start), operator, operand)

    def visit_Comparison(self, node: cst.Comparison) -> Expression:
        start = self.begin(node)
        left = self.expression(node.left)
        operators: list[str] = []
        comparators: list[Expression] = []
        for target in node.comparisons:
            kind = type(target.operator)
            operator = COMPARE[kind]
            if kind in TWO_WORDS:
                for word in operator.split():
                    self.token(len(word))
            else:
                self.token(len(operator))
            operators.append(operator)
            comparators.append(self.expression(target.comparator))
        return Compare(self.finish(node, start), left, tuple(operators), tuple(comparators))

    def visit_IfExp(self, node: cst.IfExp) -> Expression:
        start = self.begin(node)
        body = self.expression(node.body)
        self.token(2)
        test = self.expression(node.test)
        self.token(4)
        otherwise = self.expression(node.orelse)
        return Conditional(self.finish(node, start), test, body, otherwise)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> Expression:
        start = self.begin(node)
        target = self.expression(node.target)
        self.token(2)
        value = self.expression(node.value)
        return NamedExpression(self.finish(node, start), target, value)

    def visit_Await(self, node: cst.Await) -> Expression:
        start = self.begin(node)
        self.at += 5
        value = node.expression
        lowered = self.handlers[type(value)](value)
        return Await(self.finish(node, start), lowered)

    def visit_Yield(self, node: cst.Yield) -> Expression:
        self.yields = True
        start = self.begin(node)
        self.at += 5
        value = node.value
        if isinstance(value, cst.From):
            self.token(4)
            source = self.expression(value.item)
            return YieldFrom(self.finish(node, start), source)
        lowered = self.optional(value)
        return Yield(self.finish(node, start), lowered)

    # --- displays and comprehensions ---

    def elements(self, nodes: Sequence[cst.BaseElement]) -> tuple[Expression, ...]:
        handlers = self.handlers
        return tuple(
            [
                handlers[type(node.value)](node.value)
                if type(node) is cst.Element
                else self.visit_StarredElement(node)  # type: ignore[arg-type]  # the only other element
                for node in nodes
            ]
        )

    def visit_StarredElement(self, node: cst.StarredElement) -> Starred:
        start = self.begin(node)
        self.at += 1
        value = self.expression(node.value)
        return Starred(self.finish(node, start), value)

    def visit_Tuple(self, node: cst.Tuple) -> Expression:
        if not node.lpar:
            start = self.next()
            elements = self.elements(node.elements)
            if isinstance(node.elements[-1].comma, cst.Comma):
                self.trailing_comma()
            return TupleDisplay(self.since(start), elements)
        for _ in node.lpar:
            start = self.token(1)
        elements = self.elements(node.elements)
        self.token(1)
        place = self.since(start)
        for _ in node.rpar[1:]:
            self.token(1)
        return TupleDisplay(place, elements)

    def visit_List(self, node: cst.List) -> Expression:
        start = self.begin(node)
        self.at += 1
        elements = self.elements(node.elements)
        self.token(1)
        return ListDisplay(self.finish(node, start), elements)

    def visit_Set(self, node: cst.Set) -> Expression:
        start = self.begin(node)
        self.at += 1
        elements = self.elements(node.elements)
        self.token(1)
        return SetDisplay(self.finish(node, start), elements)

    def visit_Dict(self, node: cst.Dict) -> Expression:
        start = self.begin(node)
        self.at += 1
        items: list[DictItem] = []
        for element in node.elements:
            key: Expression | None = None
            if isinstance(element, cst.DictElement):
                first = self.next()
                key = self.expression(element.key)
                self.token(1)
            else:
                first = self.token(2)
            value = self.expression(element.value)
            items.append(DictItem(self.since(first), key, value))
        self.token(1)
        return DictDisplay(self.finish(node, start), tuple(items))

    def clauses(self, clause: cst.CompFor | None) -> tuple[Clause, ...]:
        clauses: list[Clause] = []
        while clause is not None:
            start = self.next()
            if clause.asynchronous is not None:
                self.token(5)
            self.token(3)
            target = self.expression(clause.target)
            self.token(2)
            iterable = self.expression(clause.iter)
            conditions: list[Expression] = []
            for condition in clause.ifs:
                self.token(2)
                conditions.append(self.expression(condition.test))
            is_async = clause.asynchronous is not None
            clauses.append(Clause(self.since(start), target, iterable, tuple(conditions), is_async))
            clause = clause.inner_for_in
        return tuple(clauses)

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> Expression:
        start = self.next()
        for _ in node.lpar:
            start = self.token(1)
        element = self.expression(node.elt)
        clauses = self.clauses(node.for_in)
        if node.rpar:
            self.token(1)
        place = self.since(start)
        for _ in node.rpar[1:]:
            self.token(1)
        return Comprehension(place, "generator", element, None, clauses)

    def visit_ListComp(self, node: cst.ListComp) -> Expression:
        return self.comprehension(node, "list")

    def visit_SetComp(self, node: cst.SetComp) -> Expression:
        return self.comprehension(node, "set")

    def comprehension(self, node: cst.ListComp | cst.SetComp, kind: str) -> Expression:
        start = self.begin(node)
        self.at += 1
        element = self.expression(node.elt)
        clauses = self.clauses(node.for_in)
        self.token(1)
        return Comprehension(self.finish(node, start), kind, element, None, clauses)

    def visit_DictComp(self, node: cst.DictComp) -> Expression:
        start = self.begin(node)
        self.at += 1
        key = self.expression(node.key)
        self.token(1)
        value = self.expression(node.value)
        clauses = self.clauses(node.for_in)
        self.token(1)
        return Comprehension(self.finish(node, start), "dict", key, value, clauses)

    def visit_StarredDictComp(self, node: cst.StarredDictComp) -> Expression:
        # `{**a for a in b}` (3.15) merges mappings; the Program has no such comprehension.
        start = self.begin(node)
        self.at += 1
        self.token(2)
        value = self.expression(node.value)
        clauses = self.clauses(node.for_in)
        self.token(1)
        place = self.finish(node, start)
        return Opaque(place, (Comprehension(place, "generator", value, None, clauses),))
