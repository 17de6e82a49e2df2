"""The way back, for tests: a Program as an `ast` tree, and an `ast` tree as a Program would give it.

Positions are offsets in characters: `lineno` holds the start and `end_lineno` the end.
"""

from __future__ import annotations

import ast
import re
import sys

from asyncsqla_lint import program as p

# Before 3.12 `ast` has no true positions inside f-strings.
EXACT_FORMAT_STRINGS = sys.version_info >= (3, 12)
OPAQUE, FORMAT = "opaque", "format"

UNARY = {"not": ast.Not, "-": ast.USub, "+": ast.UAdd, "~": ast.Invert}
BINARY = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "**": ast.Pow,
    "@": ast.MatMult,
    "<<": ast.LShift,
    ">>": ast.RShift,
    "|": ast.BitOr,
    "&": ast.BitAnd,
    "^": ast.BitXor,
}
COMPARE = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "is": ast.Is,
    "is not": ast.IsNot,
    "in": ast.In,
    "not in": ast.NotIn,
}


def at(node: ast.AST, span: p.Span) -> ast.AST:
    node.lineno, node.end_lineno = p.start_of(span), p.end_of(span)
    node.col_offset = node.end_col_offset = 0
    return node


def marked(name: str, parts: list[ast.AST]) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), parts, [])


def formatted(value: ast.AST, conversion: str, specification: list[ast.AST]) -> ast.Call:
    return marked(FORMAT, [value, without_places(ast.Constant(conversion)), *format_parts(specification)])


def format_parts(parts: list[ast.AST]) -> list[ast.AST]:
    """Neighbouring strings joined, as `ast` does with literal pieces, and without places."""
    joined: list[ast.AST] = []
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            if joined and isinstance(joined[-1], ast.Constant) and isinstance(joined[-1].value, str):
                joined[-1].value += part.value
            elif part.value:
                joined.append(ast.Constant(part.value))
        else:
            # A piece that cannot be stored is opaque, and like all pieces without its place.
            unstored = isinstance(part, ast.Call) and not part.args and getattr(part.func, "id", "") == OPAQUE
            joined.append(part if EXACT_FORMAT_STRINGS and not unstored else without_places(part))
    return joined


def without_places(node: ast.AST) -> ast.AST:
    for inner in ast.walk(node):
        for name in ("lineno", "end_lineno", "col_offset", "end_col_offset"):
            vars(inner).pop(name, None)
    return node


class Rebuild:
    """From a Program to `ast`."""

    def __init__(self, program: p.Program) -> None:
        self.program = program

    def module(self) -> ast.Module:
        return ast.Module(self.all(self.program.statements), [])

    def all(self, nodes: tuple) -> list:
        return [self.of(node) for node in nodes]

    def optional(self, node):
        return None if node is None else self.of(node)

    def of(self, node: p.Node):
        built = getattr(self, type(node).__name__)(node)
        return built if isinstance(node, (p.Clause, p.WithItem, p.Case)) else at(built, node.span)

    def Name(self, node):
        return ast.Name(node.id, ast.Load())

    def Attribute(self, node):
        return ast.Attribute(self.of(node.value), node.name, ast.Load())

    def Keyword(self, node):
        return ast.keyword(node.name, self.of(node.value))

    def Call(self, node):
        return ast.Call(self.of(node.function), self.all(node.arguments), self.all(node.keywords))

    def Constant(self, node):
        return ast.Constant(node.value)

    def FormatString(self, node):
        return marked(FORMAT, format_parts(self.all(node.parts)))

    def Formatted(self, node):
        return formatted(self.of(node.value), node.conversion, self.all(node.specification))

    def Subscript(self, node):
        return ast.Subscript(self.of(node.value), self.of(node.index), ast.Load())

    def Slice(self, node):
        return ast.Slice(*(self.optional(part) for part in (node.lower, node.upper, node.step)))

    def TupleDisplay(self, node):
        return ast.Tuple(self.all(node.elements), ast.Load())

    def ListDisplay(self, node):
        return ast.List(self.all(node.elements), ast.Load())

    def SetDisplay(self, node):
        return ast.Set(self.all(node.elements))

    def DictDisplay(self, node):
        return ast.Dict(
            [self.optional(item.key) for item in node.items], [self.of(item.value) for item in node.items]
        )

    def Starred(self, node):
        return ast.Starred(self.of(node.value), ast.Load())

    def Await(self, node):
        return ast.Await(self.of(node.value))

    def Lambda(self, node):
        function = self.program.functions[node.function]
        (result,) = self.program.bodies[node.function]
        assert function.span == node.span
        return ast.Lambda(self.arguments(function.parameters), self.of(result.value))

    def Compare(self, node):
        operators = [COMPARE[operator]() for operator in node.operators]
        return ast.Compare(self.of(node.left), operators, self.all(node.comparators))

    def BooleanOperation(self, node):
        return ast.BoolOp(ast.And() if node.operator == "and" else ast.Or(), self.all(node.values))

    def UnaryOperation(self, node):
        return ast.UnaryOp(UNARY[node.operator](), self.of(node.operand))

    def BinaryOperation(self, node):
        return ast.BinOp(self.of(node.left), BINARY[node.operator](), self.of(node.right))

    def Conditional(self, node):
        return ast.IfExp(self.of(node.test), self.of(node.body), self.of(node.otherwise))

    def Clause(self, node):
        return ast.comprehension(
            self.of(node.target), self.of(node.iterable), self.all(node.conditions), int(node.is_async)
        )

    def Comprehension(self, node):
        clauses = self.all(node.clauses)
        if node.kind == "dict":
            return ast.DictComp(self.of(node.element), self.of(node.value), clauses)
        kind = {"list": ast.ListComp, "set": ast.SetComp, "generator": ast.GeneratorExp}[node.kind]
        return kind(self.of(node.element), clauses)

    def NamedExpression(self, node):
        return ast.NamedExpr(self.of(node.target), self.of(node.value))

    def Yield(self, node):
        return ast.Yield(self.optional(node.value))

    def YieldFrom(self, node):
        return ast.YieldFrom(self.of(node.value))

    def Opaque(self, node):
        return marked(OPAQUE, self.all(node.parts))

    # --- patterns ---

    def CapturePattern(self, node):
        return ast.MatchAs(self.optional(node.pattern), node.name)

    def ValuePattern(self, node):
        value = node.value
        if isinstance(value, p.Constant) and (value.value is None or isinstance(value.value, bool)):
            return ast.MatchSingleton(value.value)
        return ast.MatchValue(self.of(value))

    def ClassPattern(self, node):
        return ast.MatchClass(
            self.of(node.cls),
            self.all(node.positional),
            [name for name, _ in node.keywords],
            [self.of(pattern) for _, pattern in node.keywords],
        )

    def SequencePattern(self, node):
        return ast.MatchSequence(self.all(node.elements))

    def StarPattern(self, node):
        return ast.MatchStar(node.name)

    def MappingPattern(self, node):
        return ast.MatchMapping(
            [self.of(key) for key, _ in node.items],
            [self.of(pattern) for _, pattern in node.items],
            node.rest,
        )

    def OrPattern(self, node):
        return ast.MatchOr(self.all(node.alternatives))

    # --- statements ---

    def Evaluate(self, node):
        return ast.Expr(self.of(node.value))

    def Assign(self, node):
        return ast.Assign(self.all(node.targets), self.of(node.value))

    def AnnotatedAssign(self, node):
        simple = int(isinstance(node.target, p.Name))
        return ast.AnnAssign(
            self.of(node.target), self.of(node.annotation), self.optional(node.value), simple
        )

    def AugmentedAssign(self, node):
        return ast.AugAssign(self.of(node.target), BINARY[node.operator](), self.of(node.value))

    def Return(self, node):
        return ast.Return(self.optional(node.value))

    def Raise(self, node):
        return ast.Raise(self.optional(node.exception), self.optional(node.cause))

    def If(self, node):
        return ast.If(self.of(node.test), self.all(node.body), self.all(node.otherwise))

    def While(self, node):
        return ast.While(self.of(node.test), self.all(node.body), self.all(node.otherwise))

    def For(self, node):
        kind = ast.AsyncFor if node.is_async else ast.For
        return kind(
            self.of(node.target), self.of(node.iterable), self.all(node.body), self.all(node.otherwise)
        )

    def WithItem(self, node):
        return ast.withitem(self.of(node.context), self.optional(node.target))

    def With(self, node):
        kind = ast.AsyncWith if node.is_async else ast.With
        return kind(self.all(node.items), self.all(node.body))

    def Handler(self, node):
        return ast.ExceptHandler(self.optional(node.type), node.name, self.all(node.body))

    def Try(self, node):
        kind = ast.TryStar if node.is_star else ast.Try
        return kind(
            self.all(node.body), self.all(node.handlers), self.all(node.otherwise), self.all(node.final)
        )

    def Case(self, node):
        return ast.match_case(self.of(node.pattern), self.optional(node.guard), self.all(node.body))

    def Match(self, node):
        return ast.Match(self.of(node.subject), self.all(node.cases))

    def FunctionDefinition(self, node):
        function = self.program.functions[node.function]
        assert function.span == node.span
        built = (ast.AsyncFunctionDef if function.is_async else ast.FunctionDef)(
            function.name,
            self.arguments(function.parameters),
            self.all(self.program.bodies[node.function]),
            self.all(function.decorators),
            self.optional(function.returns),
        )
        built.type_params = list(map(ast.Name, function.type_parameters))
        return built

    def ClassDefinition(self, node):
        built = ast.ClassDef(
            node.name,
            self.all(node.bases),
            self.all(node.keywords),
            self.all(node.body),
            self.all(node.decorators),
        )
        built.type_params = list(map(ast.Name, node.type_parameters))
        return built

    def arguments(self, parameters):
        def kind(wanted):
            return [at(ast.arg(q.name, self.optional(q.annotation)), q.span) for q in of[wanted]]

        of = {name: [] for name in ("positional", "any", "star", "keyword", "double")}
        for parameter in parameters:
            of[parameter.kind].append(parameter)
        return ast.arguments(
            kind("positional"),
            kind("any"),
            next(iter(kind("star")), None),
            kind("keyword"),
            [self.optional(q.default) for q in of["keyword"]],
            next(iter(kind("double")), None),
            [self.of(q.default) for q in [*of["positional"], *of["any"]] if q.default is not None],
        )

    def Alias(self, node):
        return ast.alias(node.name, node.asname)

    def Import(self, node):
        return ast.Import(self.all(node.names))

    def ImportFrom(self, node):
        return ast.ImportFrom(node.module or None, self.all(node.names), node.level)

    def Delete(self, node):
        return ast.Delete(self.all(node.targets))

    def Assert(self, node):
        return ast.Assert(self.of(node.test), self.optional(node.message))

    def Global(self, node):
        return ast.Global(list(node.names))

    def Nonlocal(self, node):
        return ast.Nonlocal(list(node.names))

    def Break(self, node):
        return ast.Break()

    def Continue(self, node):
        return ast.Continue()

    def TypeAlias(self, node):
        return ast.TypeAlias(node.name, [], self.of(node.value))


class Normalise(ast.NodeTransformer):
    """From `ast` to what a Program keeps of it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [text[start:end] for start, end in lines(text)]
        self.starts = [start for start, _ in lines(text)]

    def offset(self, line: int, column: int) -> int:
        source = self.lines[line - 1]
        if not source.isascii():
            column = len(source.encode()[:column].decode())
        return self.starts[line - 1] + column

    def visit(self, node):
        if hasattr(node, "lineno"):
            node.lineno, node.end_lineno = (
                self.offset(node.lineno, node.col_offset),
                self.offset(node.end_lineno, node.end_col_offset),
            )
            # A suite on one line ends, for `ast`, in its last semicolon.
            while self.text[node.end_lineno - 1] in "; \t" and node.end_lineno > node.lineno:
                node.end_lineno -= 1
            node.col_offset = node.end_col_offset = 0
        if hasattr(node, "ctx"):
            node.ctx = ast.Load()
        return super().visit(node)

    def visit_Constant(self, node):
        value = node.value
        stored = value is None or isinstance(value, (bool, float, int, str))
        if isinstance(value, int) and value >= 2**63:
            stored = False
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                stored = False
        if stored:
            node.kind = None
            return node
        return ast.copy_location(marked(OPAQUE, []), node)

    def visit_JoinedStr(self, node):
        return ast.copy_location(marked(FORMAT, format_parts(list(self.parts(node)))), node)

    def parts(self, node):
        for value in node.values:
            if isinstance(value, ast.Constant):
                yield self.visit_Constant(ast.Constant(value.value))
            else:
                found = self.visit(value.value)
                conversion = "" if value.conversion == -1 else chr(value.conversion)
                specification = [] if value.format_spec is None else list(self.parts(value.format_spec))
                if conversion or specification:
                    yield ast.copy_location(formatted(found, conversion, specification), found)
                else:
                    yield found

    def documented(self, node):
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)

    visit_Module = visit_ClassDef = visit_FunctionDef = visit_AsyncFunctionDef = documented

    def generic_visit(self, node):
        for name in ("body", "orelse", "finalbody"):
            value = getattr(node, name, None)
            if isinstance(value, list):
                setattr(node, name, [item for item in value if not isinstance(item, ast.Pass)])
        if getattr(node, "type_params", None):
            if isinstance(node, ast.stmt) and not isinstance(node, getattr(ast, "TypeAlias", ())):
                node.type_params = [ast.Name(parameter.name) for parameter in node.type_params]
            else:
                node.type_params = []
        if hasattr(node, "type_comment"):
            node.type_comment = None
        return super().generic_visit(node)

    def visit_AnnAssign(self, node):
        node.simple = int(isinstance(node.target, ast.Name))
        return self.generic_visit(node)

    def visit_TypeAlias(self, node):
        node.name = node.name.id
        return self.generic_visit(node)


def lines(text: str) -> list[tuple[int, int]]:
    ends = [match.end() for match in re.finditer(r"\r\n|\n|\r", text)]
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


def dump(tree: ast.AST, places: bool = True) -> str:
    return ast.dump(tree, include_attributes=places, indent=1)


def expected(text: str) -> str:
    return dump(Normalise(text).visit(ast.parse(text)))


def rebuilt(program: p.Program) -> str:
    return dump(Rebuild(program).module())
