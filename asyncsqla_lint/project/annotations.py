"""Annotations: expressions out of strings, and what type an annotation names.

A string annotation is parsed with the standard library's `ast`: it is a short expression in a grammar that
every supported Python knows, and a warm run must not pay for loading LibCST.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project.names import External, Scope, Scoped, Symbol, Variable

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

_DEPTH = 24
_TRANSPARENT = frozenset(
    "typing." + name for name in ("Final", "ClassVar", "Required", "NotRequired", "ReadOnly", "Unpack")
) | {"dataclasses.InitVar"}


@lru_cache(maxsize=16384)
def parse_annotation(text: str) -> p.Expression | None:
    """The expression that a string holds. Its spans are empty: they would be the string's, not the file's."""
    if len(text) > 10_000:
        return None
    try:
        return _convert(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _convert(node: ast.expr) -> p.Expression:
    if isinstance(node, ast.Name):
        return p.Name(0, node.id)
    if isinstance(node, ast.Attribute):
        return p.Attribute(0, _convert(node.value), node.attr)
    if isinstance(node, ast.Subscript):
        return p.Subscript(0, _convert(node.value), _convert(node.slice))
    if isinstance(node, ast.Constant):
        if node.value is None or isinstance(node.value, (bool, float, str)):
            return p.Constant(0, node.value)
        if isinstance(node.value, int) and -(2**63) <= node.value < 2**63:
            return p.Constant(0, node.value)
        if node.value is Ellipsis:
            return p.Opaque(0, ())
    if isinstance(node, ast.Tuple):
        return p.TupleDisplay(0, _convert_all(node.elts))
    if isinstance(node, ast.List):
        return p.ListDisplay(0, _convert_all(node.elts))
    if isinstance(node, ast.BinOp):
        operator = "|" if isinstance(node.op, ast.BitOr) else "&" if isinstance(node.op, ast.BitAnd) else "+"
        return p.BinaryOperation(0, _convert(node.left), operator, _convert(node.right))
    if isinstance(node, ast.Compare):
        operators = tuple(_COMPARE.get(type(operator), "?") for operator in node.ops)
        return p.Compare(0, _convert(node.left), operators, _convert_all(node.comparators))
    if isinstance(node, ast.Starred):
        return p.Starred(0, _convert(node.value))
    if isinstance(node, ast.Call):
        keywords = tuple(p.Keyword(0, word.arg, _convert(word.value)) for word in node.keywords)
        return p.Call(0, _convert(node.func), _convert_all(node.args), keywords)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return p.UnaryOperation(0, "not", _convert(node.operand))
    return p.Opaque(0, ())


def _convert_all(nodes: list[ast.expr]) -> tuple[p.Expression, ...]:
    return tuple(_convert(node) for node in nodes)


_COMPARE: dict[type[ast.cmpop], str] = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.Gt: ">"}


@dataclass(frozen=True)
class Type:
    """What an annotation says.

    `symbol` is the class (or External) that values are instances of, None when unknown; a union keeps its
    members in `union` and has a symbol only when `X | None` leaves one. `metadata` are the further
    arguments of every Annotated on the way, outermost first; `where` is the expression that names the symbol.
    """

    symbol: Symbol | None
    where: Scoped
    arguments: tuple[Type, ...] = ()
    optional: bool = False
    union: tuple[Type, ...] = ()
    metadata: tuple[Scoped, ...] = ()
    literals: tuple[str | int | bool | None, ...] = ()

    def external(self) -> str | None:
        return self.symbol.name if isinstance(self.symbol, External) else None


def read_type(index: Index, where: Scoped, depth: int = 0) -> Type:
    """The type that an annotation names, through strings, aliases, Annotated, Optional and unions."""
    expression = where.expression
    module, scope = where.module, where.scope
    if depth > _DEPTH:
        return Type(None, where)
    if isinstance(expression, p.Constant):
        if expression.value is None:
            return Type(External("builtins.None"), where, optional=True)
        parsed = parse_annotation(expression.value) if isinstance(expression.value, str) else None
        return Type(None, where) if parsed is None else read_type(index, _at(parsed, where), depth + 1)
    if isinstance(expression, p.BinaryOperation) and expression.operator == "|":
        return _union(index, where, [expression.left, expression.right], depth)
    if isinstance(expression, p.Starred):
        return read_type(index, _at(expression.value, where), depth + 1)
    if isinstance(expression, p.Subscript):
        return _generic(index, where, expression, depth)
    symbol = index.resolve(module, expression, scope)
    if isinstance(symbol, Variable):
        aliased = _alias_value(index, symbol)
        if aliased is not None:
            return read_type(index, aliased, depth + 1)
    return Type(symbol, where)


def _at(expression: p.Expression, where: Scoped) -> Scoped:
    return Scoped(expression, where.module, where.scope)


def _alias_value(index: Index, variable: Variable) -> Scoped | None:
    """The annotation that a variable stands for: `Session = Annotated[…]`, `NewType("UserId", int)`."""
    value = variable.value
    if value is None:
        return None
    scope: Scope = variable.owner or variable.scope
    if isinstance(value, p.Call):
        function = index.resolve(variable.module, value.function, scope)
        if function == External("typing.NewType") and len(value.arguments) > 1:
            return Scoped(value.arguments[1], variable.module, scope)
        return None
    if isinstance(value, (p.Name, p.Attribute, p.Subscript, p.BinaryOperation)):
        return Scoped(value, variable.module, scope)
    if isinstance(value, p.Constant) and isinstance(value.value, str):
        is_alias = variable.is_alias or (
            variable.annotation is not None
            and index.resolve(variable.module, variable.annotation, scope) == External("typing.TypeAlias")
        )
        return Scoped(value, variable.module, scope) if is_alias else None
    return None


def _generic(index: Index, where: Scoped, expression: p.Subscript, depth: int) -> Type:
    base = read_type(index, _at(expression.value, where), depth + 1)
    elements = (
        expression.index.elements if isinstance(expression.index, p.TupleDisplay) else (expression.index,)
    )
    name = base.external()
    if name == "typing.Annotated":
        inner = read_type(index, _at(elements[0], where), depth + 1) if elements else Type(None, where)
        metadata = tuple(_at(element, where) for element in elements[1:])
        return Type(
            inner.symbol,
            inner.where,
            inner.arguments,
            inner.optional,
            inner.union,
            metadata + inner.metadata,
            inner.literals,
        )
    if name == "typing.Optional":
        return _union(index, where, [*elements, p.Constant(where.span, None)], depth)
    if name == "typing.Union":
        return _union(index, where, list(elements), depth)
    if name == "typing.Literal":
        values = tuple(element.value for element in elements if isinstance(element, p.Constant))
        literals = tuple(value for value in values if not isinstance(value, float))
        return Type(base.symbol, where, literals=literals)
    if name in _TRANSPARENT:
        return read_type(index, _at(elements[0], where), depth + 1) if elements else Type(None, where)
    arguments = tuple(read_type(index, _at(element, where), depth + 1) for element in elements)
    return Type(base.symbol, base.where, arguments, base.optional, base.union, base.metadata)


def _union(index: Index, where: Scoped, elements: list[p.Expression], depth: int) -> Type:
    members: list[Type] = []
    optional = False
    metadata: tuple[Scoped, ...] = ()
    for element in elements:
        member = read_type(index, _at(element, where), depth + 1)
        optional = optional or member.optional
        metadata += member.metadata
        if member.external() == "builtins.None":
            continue
        members += member.union if member.union and member.symbol is None else (member,)
    if len(members) == 1:
        only = members[0]
        return Type(only.symbol, only.where, only.arguments, optional, (), metadata, only.literals)
    return Type(None, where, (), optional, tuple(members), metadata)
