"""Whose method is it? `router.get`, where `router` is a global, a local, or a parameter."""

from __future__ import annotations

from asyncsqla_lint import program as p
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.names import External, Module, Scope, Scoped


def method_of(index: Index, module: Module, node: p.Expression, scope: Scope) -> str | None:
    """The dotted name of what a library's object is asked for, so far as values or annotations tell."""
    symbol = index.resolve(module, node, scope)
    if symbol is not None:
        return symbol.name if isinstance(symbol, External) else None
    names: list[str] = []
    while isinstance(node, p.Attribute):
        names.insert(0, node.name)
        node = node.value
    while isinstance(scope, FunctionInfo) and isinstance(node, p.Name):
        for parameter in scope.header.parameters:
            if parameter.name == node.id and parameter.annotation is not None:
                type_ = index.type(Scoped(parameter.annotation, module, scope.definition_scope))
                if isinstance(type_.symbol, External):
                    return ".".join([type_.symbol.name, *names])
        scope = scope.parent
    return None
