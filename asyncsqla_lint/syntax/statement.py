"""Statements other than definitions, from LibCST to the Program."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.program import (
    Alias,
    AnnotatedAssign,
    Assert,
    Assign,
    AugmentedAssign,
    Break,
    CapturePattern,
    Case,
    Constant,
    Continue,
    Delete,
    Evaluate,
    Expression,
    For,
    Global,
    Handler,
    If,
    Import,
    ImportFrom,
    Match,
    Nonlocal,
    Raise,
    Return,
    Statement,
    Statements,
    Try,
    TypeAlias,
    While,
    With,
    WithItem,
    span,
)
from asyncsqla_lint.syntax.operators import AUGMENTED
from asyncsqla_lint.syntax.pattern import Patterns

# A longer chain of `elif` would nest deeper than msgpack and recursive readers like.
LONGEST_ELSE_IF = 50


class StatementLowering(Patterns):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        # Where simple statements and the headers of compound ones stand: what a suppression covers.
        self.extents: list[tuple[int, int]] = []
        self.globals: set[str] = set()

    # --- blocks ---

    def block(self, lines: Sequence[cst.BaseStatement]) -> Statements:
        statements: list[Statement] = []
        for line in lines:
            if isinstance(line, cst.SimpleStatementLine):
                self.small_statements(line.body, statements)
            else:
                statements.append(self.handlers[type(line)](line))
        return tuple(statements)

    def small_statements(self, nodes: Sequence[cst.BaseSmallStatement], statements: list[Statement]) -> None:
        for node in nodes:
            start = self.next()
            statement: Statement | None = self.handlers[type(node)](node)
            self.extents.append((start, self.at))
            if statement is not None:
                statements.append(statement)

    def suite(self, node: cst.BaseSuite) -> Statements:
        """The colon and what follows it."""
        self.token(1)
        if isinstance(node, cst.IndentedBlock):
            return self.block(node.body)
        assert isinstance(node, cst.SimpleStatementSuite)
        statements: list[Statement] = []
        self.small_statements(node.body, statements)
        return tuple(statements)

    def compound(self, start: int, node: cst.BaseSuite) -> Statements:
        self.extents.append((start, self.at))
        return self.suite(node)

    def optional_suite(self, node: cst.Else | cst.Finally | None, length: int) -> Statements:
        if node is None:
            return ()
        return self.compound(self.token(length), node.body)

    # --- simple statements ---

    def visit_Expr(self, node: cst.Expr) -> Statement:
        start = self.next()
        value = self.expression(node.value)
        return Evaluate(self.since(start), value)

    def visit_Assign(self, node: cst.Assign) -> Statement:
        start = self.next()
        targets: list[Expression] = []
        for target in node.targets:
            targets.append(self.expression(target.target))
            self.token(1)
        value = self.expression(node.value)
        return Assign(self.since(start), tuple(targets), value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> Statement:
        start = self.next()
        target = self.expression(node.target)
        self.token(1)
        annotation = self.expression(node.annotation.annotation)
        value: Expression | None = None
        if node.value is not None:
            self.token(1)
            value = self.expression(node.value)
        return AnnotatedAssign(self.since(start), target, annotation, value)

    def visit_AugAssign(self, node: cst.AugAssign) -> Statement:
        start = self.next()
        target = self.expression(node.target)
        operator = AUGMENTED[type(node.operator)]
        self.token(len(operator) + 1)
        value = self.expression(node.value)
        return AugmentedAssign(self.since(start), target, operator, value)

    def visit_Return(self, node: cst.Return) -> Statement:
        start = self.token(6)
        value = self.optional(node.value)
        return Return(self.since(start), value)

    def visit_Raise(self, node: cst.Raise) -> Statement:
        start = self.token(5)
        exception = self.optional(node.exc)
        cause: Expression | None = None
        if node.cause is not None:
            self.token(4)
            cause = self.expression(node.cause.item)
        return Raise(self.since(start), exception, cause)

    def visit_Assert(self, node: cst.Assert) -> Statement:
        start = self.token(6)
        test = self.expression(node.test)
        message = self.optional(node.msg)
        return Assert(self.since(start), test, message)

    def visit_Del(self, node: cst.Del) -> Statement:
        start = self.token(3)
        target = node.target
        if isinstance(target, cst.Tuple) and not target.lpar:
            targets = self.elements(target.elements)
            if isinstance(target.elements[-1].comma, cst.Comma):
                self.trailing_comma()
        else:
            targets = (self.expression(target),)
        return Delete(self.since(start), targets)

    def visit_Pass(self, node: cst.Pass) -> None:
        self.token(4)

    def visit_Break(self, node: cst.Break) -> Statement:
        return Break(self.since(self.token(5)))

    def visit_Continue(self, node: cst.Continue) -> Statement:
        return Continue(self.since(self.token(8)))

    def visit_Global(self, node: cst.Global) -> Statement:
        start = self.token(6)
        names = self.name_items(node.names)
        self.globals.update(names)
        return Global(self.since(start), names)

    def visit_Nonlocal(self, node: cst.Nonlocal) -> Statement:
        start = self.token(8)
        names = self.name_items(node.names)
        return Nonlocal(self.since(start), names)

    def name_items(self, items: Sequence[cst.NameItem]) -> tuple[str, ...]:
        return tuple([self.word(item.name) for item in items])

    def visit_TypeAlias(self, node: cst.TypeAlias) -> Statement:
        start = self.token(4)
        name = self.word(node.name)
        self.type_parameters(node.type_parameters)
        self.token(1)
        value = self.expression(node.value)
        return TypeAlias(self.since(start), name, value)

    def type_parameters(self, node: cst.TypeParameters | None) -> tuple[str, ...]:
        if node is None:
            return ()
        self.token(1)
        names: list[str] = []
        for parameter in node.params:
            declared = parameter.param
            if isinstance(declared, cst.TypeVarTuple):
                self.token(1)
            elif isinstance(declared, cst.ParamSpec):
                self.token(2)
            names.append(self.word(declared.name))
            if isinstance(declared, cst.TypeVar) and declared.bound is not None:
                self.token(1)
                self.expression(declared.bound)
            if parameter.default is not None:
                self.token(1)
                if parameter.star:
                    self.token(1)
                self.expression(parameter.default)
        self.token(1)
        return tuple(names)

    # --- imports ---

    def visit_Import(self, node: cst.Import) -> Statement:
        return self.imported(self.token(6), node)

    def visit_LazyImport(self, node: cst.LazyImport) -> Statement:
        start = self.token(4)
        self.token(6)
        return self.imported(start, node)

    def imported(self, start: int, node: cst.Import | cst.LazyImport) -> Statement:
        names = self.aliases(node.names)
        return Import(self.since(start), names)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> Statement:
        return self.imported_from(self.token(4), node)

    def visit_LazyImportFrom(self, node: cst.LazyImportFrom) -> Statement:
        start = self.token(4)
        self.token(4)
        return self.imported_from(start, node)

    def imported_from(self, start: int, node: cst.ImportFrom | cst.LazyImportFrom) -> Statement:
        for _ in node.relative:
            self.token(1)
        module = "" if node.module is None else self.dotted(node.module)
        self.token(6)
        if node.lpar is not None:
            self.token(1)
        names: tuple[Alias, ...]
        if isinstance(node.names, cst.ImportStar):
            names = (Alias(self.since(self.token(1)), "*", None),)
        else:
            names = self.aliases(node.names)
        if node.rpar is not None:
            self.token(1)
        return ImportFrom(self.since(start), module, len(node.relative), names)

    def aliases(self, nodes: Sequence[cst.ImportAlias]) -> tuple[Alias, ...]:
        aliases: list[Alias] = []
        for node in nodes:
            start = self.next()
            name = self.dotted(node.name)
            asname: str | None = None
            if node.asname is not None:
                assert isinstance(node.asname.name, cst.Name)
                self.token(2)
                asname = self.word(node.asname.name)
                self.mentions.add(asname)
            aliases.append(Alias(self.since(start), name, asname))
        return tuple(aliases)

    def dotted(self, node: cst.Attribute | cst.Name) -> str:
        if isinstance(node, cst.Name):
            name = self.word(node)
            self.mentions.add(name)
            return name
        assert isinstance(node.value, (cst.Attribute, cst.Name))
        prefix = self.dotted(node.value)
        self.token(1)
        return f"{prefix}.{self.dotted(node.attr)}"

    # --- compound statements ---

    def visit_If(self, node: cst.If) -> Statement:
        return self.conditional(node, 2, 0)

    def conditional(self, node: cst.If, keyword: int, above: int) -> Statement:
        start = self.token(keyword)
        test = self.expression(node.test)
        body = self.compound(start, node.body)
        otherwise: Statements
        if not isinstance(node.orelse, cst.If):
            otherwise = self.optional_suite(node.orelse, 4)
        elif above < LONGEST_ELSE_IF:
            otherwise = (self.conditional(node.orelse, 4, above + 1),)
        else:
            otherwise = (self.guarded_cases(node.orelse),)
        return If(self.since(start), test, body, otherwise)

    def guarded_cases(self, node: cst.If) -> Statement:
        """The tail of a very long `elif` chain, flat: `case _ if test:` for each; it means the same."""
        start = self.next()
        cases: list[Case] = []
        tail: cst.If | cst.Else | None = node
        while tail is not None:
            first = self.token(4)
            guard = self.expression(tail.test) if isinstance(tail, cst.If) else None
            wildcard = CapturePattern(self.since(first), None, None)
            body = self.compound(first, tail.body)
            cases.append(Case(self.since(first), wildcard, guard, body))
            tail = tail.orelse if isinstance(tail, cst.If) else None
        return Match(self.since(start), Constant(span(start, start), None), tuple(cases))

    def visit_While(self, node: cst.While) -> Statement:
        start = self.token(5)
        test = self.expression(node.test)
        body = self.compound(start, node.body)
        otherwise = self.optional_suite(node.orelse, 4)
        return While(self.since(start), test, body, otherwise)

    def asynchronous(self, node: cst.Asynchronous | None, keyword: int) -> int:
        if node is None:
            return self.token(keyword)
        start = self.token(5)
        self.token(keyword)
        return start

    def visit_For(self, node: cst.For) -> Statement:
        start = self.asynchronous(node.asynchronous, 3)
        target = self.expression(node.target)
        self.token(2)
        iterable = self.expression(node.iter)
        body = self.compound(start, node.body)
        otherwise = self.optional_suite(node.orelse, 4)
        return For(self.since(start), target, iterable, body, otherwise, node.asynchronous is not None)

    def visit_With(self, node: cst.With) -> Statement:
        start = self.asynchronous(node.asynchronous, 4)
        if isinstance(node.lpar, cst.LeftParen):
            self.token(1)
        items: list[WithItem] = []
        for item in node.items:
            first = self.next()
            context = self.expression(item.item)
            target: Expression | None = None
            if item.asname is not None:
                self.token(2)
                target = self.expression(item.asname.name)
            items.append(WithItem(self.since(first), context, target))
        if isinstance(node.rpar, cst.RightParen):
            self.token(1)
        body = self.compound(start, node.body)
        return With(self.since(start), tuple(items), body, node.asynchronous is not None)

    def visit_Try(self, node: cst.Try) -> Statement:
        return self.attempt(node, is_star=False)

    def visit_TryStar(self, node: cst.TryStar) -> Statement:
        return self.attempt(node, is_star=True)

    def attempt(self, node: cst.Try | cst.TryStar, is_star: bool) -> Statement:
        start = self.token(3)
        body = self.compound(start, node.body)
        handlers: list[Handler] = []
        for handler in node.handlers:
            first = self.token(6)
            if is_star:
                self.token(1)
            caught = self.optional(handler.type)
            name: str | None = None
            if handler.name is not None:
                assert isinstance(handler.name.name, cst.Name)
                self.token(2)
                name = self.word(handler.name.name)
            block = self.compound(first, handler.body)
            handlers.append(Handler(self.since(first), caught, name, block))
        otherwise = self.optional_suite(node.orelse, 4)
        final = self.optional_suite(node.finalbody, 7)
        return Try(self.since(start), body, tuple(handlers), otherwise, final, is_star)

    def visit_Match(self, node: cst.Match) -> Statement:
        start = self.token(5)
        subject = self.expression(node.subject)
        self.extents.append((start, self.at))
        self.token(1)
        cases: list[Case] = []
        for case in node.cases:
            first = self.token(4)
            pattern = self.pattern(case.pattern)
            guard: Expression | None = None
            if case.guard is not None:
                self.token(2)
                guard = self.expression(case.guard)
            body = self.compound(first, case.body)
            cases.append(Case(self.since(first), pattern, guard, body))
        return Match(self.since(start), subject, tuple(cases))
