"""Functions, lambdas and classes, from LibCST to the Program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import libcst as cst

from asyncsqla_lint.program import (
    ClassDefinition,
    Constant,
    Evaluate,
    Expression,
    Function,
    FunctionDefinition,
    Keyword,
    Lambda,
    Parameter,
    Return,
    Statement,
    Statements,
)
from asyncsqla_lint.syntax.statement import StatementLowering


def without_docstring(statements: Statements) -> Statements:
    if statements:
        first = statements[0]
        if (
            isinstance(first, Evaluate)
            and isinstance(first.value, Constant)
            and isinstance(first.value.value, str)
        ):
            return statements[1:]
    return statements


class Scope:
    """What is gathered while a function's body is read."""

    __slots__ = ("mentions", "yields")

    def __init__(self, mentions: set[str], yields: bool) -> None:
        self.mentions = mentions
        self.yields = yields


class Definitions(StatementLowering):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.prefix = ""
        self.functions: list[Function | None] = []
        self.bodies: list[Statements] = []

    @contextmanager
    def function_scope(self, qualname: str) -> Iterator[Scope]:
        """Read a body; the scope then holds what was gathered, and the enclosing one mentions it too."""
        outer = (self.prefix, self.mentions, self.yields, self.globals)
        self.prefix = f"{qualname}.<locals>."
        self.mentions, self.yields, self.globals = set(), False, set()
        scope = Scope(self.mentions, False)
        yield scope
        scope.yields = self.yields
        self.prefix, self.mentions, self.yields, self.globals = outer
        self.mentions |= scope.mentions

    def qualified(self, name: str) -> str:
        return name if name in self.globals else self.prefix + name

    def decorators(self, nodes: Sequence[cst.Decorator]) -> tuple[Expression, ...]:
        if not nodes:
            return ()
        decorators: list[Expression] = []
        for node in nodes:
            start = self.token(1)
            decorators.append(self.expression(node.decorator))
            self.extents.append((start, self.at))
        return tuple(decorators)

    def reserve(self) -> int:
        """A function comes before those that are defined inside it."""
        self.functions.append(None)
        self.bodies.append(())
        return len(self.functions) - 1

    def visit_FunctionDef(self, node: cst.FunctionDef) -> Statement:
        decorators = self.decorators(node.decorators)
        start = self.asynchronous(node.asynchronous, 3)
        index = self.reserve()
        at = self.next()
        name = self.word(node.name)
        name_span = self.since(at)
        self.mentions.add(name)
        type_parameters = self.type_parameters(node.type_parameters)
        self.token(1)
        parameters = self.parameters(node.params)
        self.token(1)
        returns: Expression | None = None
        if node.returns is not None:
            self.token(2)
            returns = self.expression(node.returns.annotation)
        qualname = self.qualified(name)
        with self.function_scope(qualname) as scope:
            body = without_docstring(self.compound(start, node.body))
        place = self.since(start)
        self.bodies[index] = body
        self.functions[index] = Function(
            place,
            name,
            qualname,
            name_span,
            node.asynchronous is not None,
            scope.yields,
            decorators,
            parameters,
            returns,
            type_parameters,
            tuple(sorted(scope.mentions)),
        )
        return FunctionDefinition(place, index)

    def visit_Lambda(self, node: cst.Lambda) -> Expression:
        start = self.begin(node)
        self.at += 6
        index = self.reserve()
        name_span = self.since(start)
        parameters = self.parameters(node.params)
        self.token(1)
        qualname = self.prefix + "<lambda>"
        with self.function_scope(qualname) as scope:
            value = self.expression(node.body)
        place = self.finish(node, start)
        self.bodies[index] = (Return(value.span, value),)
        self.functions[index] = Function(
            place,
            "<lambda>",
            qualname,
            name_span,
            False,
            scope.yields,
            (),
            parameters,
            None,
            (),
            tuple(sorted(scope.mentions)),
        )
        return Lambda(place, index)

    def parameters(self, node: cst.Parameters) -> tuple[Parameter, ...]:
        parameters = [self.parameter(parameter, "positional", 0) for parameter in node.posonly_params]
        if isinstance(node.posonly_ind, cst.ParamSlash):
            self.token(1)
        for parameter in node.params:
            parameters.append(self.parameter(parameter, "any", 0))
        if isinstance(node.star_arg, cst.Param):
            parameters.append(self.parameter(node.star_arg, "star", 1))
        elif isinstance(node.star_arg, cst.ParamStar):
            self.token(1)
        for parameter in node.kwonly_params:
            parameters.append(self.parameter(parameter, "keyword", 0))
        if node.star_kwarg is not None:
            parameters.append(self.parameter(node.star_kwarg, "double", 2))
        return tuple(parameters)

    def parameter(self, node: cst.Param, kind: str, stars: int) -> Parameter:
        if stars:
            self.token(stars)
        start = self.next()
        name = self.word(node.name)
        annotation: Expression | None = None
        if node.annotation is not None:
            self.token(1)
            annotation = self.expression(node.annotation.annotation)
        place = self.since(start)
        default: Expression | None = None
        if node.default is not None:
            self.token(1)
            default = self.expression(node.default)
        return Parameter(place, name, kind, annotation, default)

    def visit_ClassDef(self, node: cst.ClassDef) -> Statement:
        decorators = self.decorators(node.decorators)
        start = self.token(5)
        at = self.next()
        name = self.word(node.name)
        name_span = self.since(at)
        self.mentions.add(name)
        type_parameters = self.type_parameters(node.type_parameters)
        if isinstance(node.lpar, cst.LeftParen):
            self.token(1)
        bases, keywords = self.class_arguments(node)
        if isinstance(node.rpar, cst.RightParen):
            self.token(1)
        outer = (self.prefix, self.globals)
        self.prefix, self.globals = self.qualified(name) + ".", set()
        body = without_docstring(self.compound(start, node.body))
        self.prefix, self.globals = outer
        place = self.since(start)
        return ClassDefinition(place, name, name_span, bases, keywords, decorators, type_parameters, body)

    def class_arguments(self, node: cst.ClassDef) -> tuple[tuple[Expression, ...], tuple[Keyword, ...]]:
        # LibCST keeps `*bases` and `metaclass=` in two lists; a starred base may follow a keyword.
        if not node.keywords:
            return self.arguments(node.bases)
        return self.arguments([*node.bases, *node.keywords])
