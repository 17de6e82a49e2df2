"""The patterns of `match`, from LibCST to the Program."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.program import (
    CapturePattern,
    ClassPattern,
    Expression,
    MappingPattern,
    OrPattern,
    Pattern,
    SequencePattern,
    StarPattern,
    ValuePattern,
)
from asyncsqla_lint.syntax.expression import Expressions


class Patterns(Expressions):
    def pattern(self, node: cst.MatchPattern) -> Pattern:
        lowered: Pattern = self.handlers[type(node)](node)
        return lowered

    def visit_MatchValue(self, node: cst.MatchValue) -> Pattern:
        value = self.expression(node.value)
        return ValuePattern(value.span, value)

    def visit_MatchSingleton(self, node: cst.MatchSingleton) -> Pattern:
        value = self.expression(node.value)
        return ValuePattern(value.span, value)

    def visit_MatchAs(self, node: cst.MatchAs) -> Pattern:
        start = self.begin(node)
        pattern: Pattern | None = None
        if node.pattern is not None:
            pattern = self.pattern(node.pattern)
            self.token(2)
        name = self.wildcard(node.name)
        return CapturePattern(self.finish(node, start), pattern, name)

    def wildcard(self, node: cst.Name | None) -> str | None:
        if node is not None:
            return self.word(node)
        self.token(1)
        return None

    def visit_MatchOr(self, node: cst.MatchOr) -> Pattern:
        start = self.begin(node)
        alternatives: list[Pattern] = []
        for element in node.patterns:
            if alternatives:
                self.token(1)
            alternatives.append(self.pattern(element.pattern))
        return OrPattern(self.finish(node, start), tuple(alternatives))

    def sequence(self, node: cst.MatchSequence) -> tuple[Pattern, ...]:
        return tuple(
            [
                self.star(element) if isinstance(element, cst.MatchStar) else self.pattern(element.value)
                for element in node.patterns
            ]
        )

    def star(self, node: cst.MatchStar) -> Pattern:
        start = self.token(1)
        name = self.wildcard(node.name)
        return StarPattern(self.since(start), name)

    def visit_MatchList(self, node: cst.MatchList) -> Pattern:
        start = self.begin(node)
        if node.lbracket is not None:
            self.at += 1
        elements = self.sequence(node)
        if node.rbracket is not None:
            self.token(1)
        elif node.patterns and isinstance(node.patterns[-1].comma, cst.Comma):
            self.trailing_comma()
        return SequencePattern(self.finish(node, start), elements)

    def visit_MatchTuple(self, node: cst.MatchTuple) -> Pattern:
        start = self.next()
        for _ in node.lpar:
            start = self.token(1)
        elements = self.sequence(node)
        if node.rpar:
            self.token(1)
        elif node.patterns and isinstance(node.patterns[-1].comma, cst.Comma):
            self.trailing_comma()
        place = self.since(start)
        for _ in node.rpar[1:]:
            self.token(1)
        return SequencePattern(place, elements)

    def visit_MatchMapping(self, node: cst.MatchMapping) -> Pattern:
        start = self.begin(node)
        self.at += 1
        items: list[tuple[Expression, Pattern]] = []
        for element in node.elements:
            key = self.expression(element.key)
            self.token(1)
            items.append((key, self.pattern(element.pattern)))
        rest: str | None = None
        if node.rest is not None:
            self.token(2)
            rest = self.word(node.rest)
        self.token(1)
        return MappingPattern(self.finish(node, start), tuple(items), rest)

    def visit_MatchClass(self, node: cst.MatchClass) -> Pattern:
        start = self.begin(node)
        cls = self.expression(node.cls)
        self.token(1)
        positional = tuple([self.pattern(element.value) for element in node.patterns])
        keywords: list[tuple[str, Pattern]] = []
        for element in node.kwds:
            name = self.word(element.key)
            self.mentions.add(name)
            self.token(1)
            keywords.append((name, self.pattern(element.pattern)))
        self.token(1)
        return ClassPattern(self.finish(node, start), cls, positional, tuple(keywords))
