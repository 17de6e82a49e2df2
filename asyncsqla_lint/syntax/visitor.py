"""A read-only visitor of LibCST trees.

`libcst.CSTVisitor` walks through `Module.visit`, which rebuilds every node, whitespace included. This one
only reads: it dispatches by node type to `visit_Call`, `visit_Name`, … and, where a subclass has no
method, goes on to the node's children in source order, leaving out trivia (whitespace, comments,
brackets, commas).

    class Calls(Visitor):
        def visit_Call(self, node: cst.Call) -> None:
            ...
            self.visit_children(node)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import libcst as cst

Handler = Callable[[Any], Any]

TRIVIA = frozenset(
    (
        *("lpar", "rpar", "lbracket", "rbracket", "lbrace", "rbrace", "comma", "semicolon", "dot", "colon"),
        *(
            "equal",
            "first_colon",
            "second_colon",
            "leading_lines",
            "lines_after_decorators",
            "header",
            "footer",
        ),
        *("leading_whitespace", "trailing_whitespace", "indent", "separator", "trailing_comma"),
        *("default_indent", "default_newline", "encoding", "has_trailing_newline"),
    )
)
# The fields whose order in the dataclass is not the order in the source.
SOURCE_ORDER = {
    "FunctionDef": ("decorators", "asynchronous", "name", "type_parameters", "params", "returns", "body"),
    "ClassDef": ("decorators", "name", "type_parameters", "bases", "keywords", "body"),
    "IfExp": ("body", "test", "orelse"),
    "Parameters": ("posonly_params", "posonly_ind", "params", "star_arg", "kwonly_params", "star_kwarg"),
    "Param": ("star", "name", "annotation", "default"),
    "Arg": ("keyword", "value"),
    "For": ("asynchronous", "target", "iter", "body", "orelse"),
    "With": ("asynchronous", "items", "body"),
    "CompFor": ("asynchronous", "target", "iter", "ifs", "inner_for_in"),
    "ExceptHandler": ("type", "name", "body"),
    "ExceptStarHandler": ("type", "name", "body"),
    "MatchCase": ("pattern", "guard", "body"),
    "ImportFrom": ("relative", "module", "names"),
    "LazyImportFrom": ("relative", "module", "names"),
    "TypeAlias": ("name", "type_parameters", "value"),
}

_semantic_fields: dict[type[cst.CSTNode], tuple[str, ...]] = {}


def semantic_fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """The names of the fields that hold meaning, in source order."""
    known = _semantic_fields.get(kind)
    if known is None:
        known = SOURCE_ORDER.get(kind.__name__) or tuple(
            field.name
            for field in fields(kind)
            if field.name not in TRIVIA and not field.name.startswith("whitespace")
        )
        _semantic_fields[kind] = known
    return known


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for name in semantic_fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from value


class Visitor:
    """Subclass it and write `visit_<NodeType>` methods; what they return is what `visit` returns."""

    handled: dict[type[cst.CSTNode], str] = {}

    def __init_subclass__(cls) -> None:
        found: dict[type[cst.CSTNode], str] = {}
        for name in dir(cls):
            # A node type that the installed LibCST does not have yet is never met.
            kind = getattr(cst, name[6:], None) if name.startswith("visit_") else None
            if isinstance(kind, type) and issubclass(kind, cst.CSTNode):
                found[kind] = name
        cls.handled = found

    def __init__(self) -> None:
        self.handlers: dict[type[cst.CSTNode], Handler] = {
            kind: getattr(self, name) for kind, name in self.handled.items()
        }

    def visit(self, node: cst.CSTNode) -> Any:
        handler: Handler = self.handlers.get(type(node), self.visit_children)
        return handler(node)

    def visit_children(self, node: cst.CSTNode) -> Any:
        visit = self.visit
        for child in children(node):
            visit(child)
