"""Expressions, from LibCST to the Program."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.program import (
    LENGTH_BITS,
    Attribute,
    Await,
    BinaryOperation,
    BooleanOperation,
    Call,
    Compare,
    Comprehension,
    Conditional,
    Constant,
    Expression,
    Keyword,
    Name,
    NamedExpression,
    Opaque,
    Slice,
    Starred,
    Subscript,
    TupleDisplay,
    UnaryOperation,
    Yield,
    YieldFrom,
    span,
)
from asyncsqla_lint.syntax.display import Displays
from asyncsqla_lint.syntax.literal import identifier
from asyncsqla_lint.syntax.operators import BINARY, COMPARE, TWO_WORDS, UNARY
from asyncsqla_lint.syntax.positions import SKIPPED, skip_trivia

SINGLETONS = {"None": None, "True": True, "False": False}
# A longer `a + b + …` is a sum of data; kept as a tree it would nest deeper than readers can recurse.
LONGEST_SPINE = 100


class Expressions(Displays):
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
