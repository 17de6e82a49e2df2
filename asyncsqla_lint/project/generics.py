"""Type parameters: which expressions are one, and which an expression holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project.annotations import parse_annotation
from asyncsqla_lint.project.names import External, Scoped, Symbol, TypeParameter, Variable

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

_TYPE_VARIABLES = ("typing.TypeVar", "typing.TypeVarTuple", "typing.ParamSpec")


def parameter_name(index: Index, argument: Scoped) -> str | None:
    """The name of the type parameter that an expression is, if it is one."""
    expression = argument.expression
    if isinstance(expression, p.Constant) and isinstance(expression.value, str):
        parsed = parse_annotation(expression.value)
        if parsed is None:
            return None
        expression = parsed
    if isinstance(expression, p.Starred):
        expression = expression.value
    if not isinstance(expression, (p.Name, p.Attribute)):
        return None
    return type_variable(index, index.resolve(argument.module, expression, argument.scope))


def type_variable(index: Index, symbol: Symbol | None) -> str | None:
    """The name of the type parameter that a symbol is, if it is one."""
    if isinstance(symbol, TypeParameter):
        return symbol.name
    if isinstance(symbol, Variable) and isinstance(symbol.value, p.Call):
        made = index.resolve(symbol.module, symbol.value.function, symbol.owner or symbol.scope)
        if isinstance(made, External) and made.name in _TYPE_VARIABLES:
            return symbol.name
    return None


def type_variables_in(index: Index, argument: Scoped, depth: int = 0) -> list[str]:
    """The type parameters inside an argument, in order: of `dict[K, list[V]]`, K and V."""
    name = parameter_name(index, argument)
    if name is not None:
        return [name]
    expression = argument.expression
    if isinstance(expression, p.Constant) and isinstance(expression.value, str):
        parsed = parse_annotation(expression.value)
        expression = expression if parsed is None else parsed
    parts: tuple[p.Expression, ...] = ()
    if isinstance(expression, p.Subscript):
        parts = (expression.index,)
    elif isinstance(expression, (p.TupleDisplay, p.ListDisplay)):
        parts = expression.elements
    elif isinstance(expression, p.BinaryOperation):
        parts = (expression.left, expression.right)
    if depth > 8:
        return []
    return [
        name
        for part in parts
        for name in type_variables_in(index, Scoped(part, argument.module, argument.scope), depth + 1)
    ]
