"""The Program of a text that differs little from one whose Program is known.

Only the stretches that are new are parsed; the nodes of the others are moved to where they stand now.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache
from typing import Any

from msgspec.structs import astuple

from asyncsqla_lint.program import (
    LENGTH_BITS,
    ClassDefinition,
    Function,
    FunctionDefinition,
    Lambda,
    Node,
    Program,
    Statement,
    Statements,
    start_of,
)
from asyncsqla_lint.stretches import Stretch, line_starts, stretches
from asyncsqla_lint.syntax.failure import SyntaxFailure
from asyncsqla_lint.syntax.function import Definitions, without_docstring
from asyncsqla_lint.syntax.module import parse
from asyncsqla_lint.syntax.suppressions import MARK

Known = dict[
    str, tuple[Stretch, Statements, int, int]
]  # by text: where it stood, which functions are its own


def lower_again(text: str, before: str, program: Program) -> Program | None:
    """What `lower(text)` gives; `program` is that of `before`. None where it is not to be had so."""
    if MARK.search(text) is not None:  # what a suppression covers is told by the whole tree
        return None
    try:
        return _Again(text, _known(before, program), program).lowered(stretches(text))
    except (SyntaxFailure, RecursionError):
        return None


def _known(before: str, program: Program) -> Known:
    """What can be used again. The first may have been a docstring, and `global` reaches what comes after."""
    statements = [start_of(one.span) for one in program.statements]
    functions = [start_of(one.span) for one in program.functions]
    known: Known = {}
    for part in stretches(before)[1:]:
        written = before[part.start : part.end]
        if written[-1:] not in "\r\n" or ("global" in written and not part.is_definition):
            continue
        first, last = bisect_left(statements, part.start), bisect_left(statements, part.end)
        own = bisect_left(functions, part.start), bisect_left(functions, part.end)
        known[written] = (part, program.statements[first:last], *own)
    return known


class _Again:
    def __init__(self, text: str, known: Known, program: Program) -> None:
        self.text = text
        self.known = known
        self.program = program
        self.lowering = Definitions(text)

    def lowered(self, parts: list[Stretch]) -> Program | None:
        lowering = self.lowering
        statements: list[Statement] = []
        try:
            for number, part in enumerate(parts):
                known = self.known.get(self.text[part.start : part.end]) if number else None
                if known is not None:
                    statements += self.moved(part, *known)
                    continue
                lowering.at = part.start
                found = lowering.block(parse(self.text[part.start : part.end]).body)
                if lowering.globals:
                    return None
                statements += found if number else without_docstring(found)
        finally:
            lowering.handlers.clear()  # bound methods: a cycle
        functions = tuple(one for one in lowering.functions if one is not None)
        bodies = tuple(lowering.bodies)
        return Program(tuple(statements), functions, bodies, (), line_starts(self.text))

    def moved(self, part: Stretch, was: Stretch, statements: Statements, first: int, last: int) -> Statements:
        mover = _Mover(part.start - was.start << LENGTH_BITS, len(self.lowering.functions) - first)
        functions: tuple[Function, ...] = mover(self.program.functions[first:last])
        self.lowering.functions += functions
        self.lowering.bodies += mover(self.program.bodies[first:last])
        moved: Statements = mover(statements)
        return moved


class _Mover:
    """Nodes as they are `by` further on, and their functions' numbers greater by `more`."""

    def __init__(self, by: int, more: int) -> None:
        self.by = by
        self.more = more

    def __call__(self, values: tuple[Any, ...]) -> Any:
        node = self.node
        return tuple(
            [
                node(one) if isinstance(one, Node) else self(one) if type(one) is tuple else one
                for one in values
            ]
        )

    def node(self, node: Node) -> Node:
        if not self.by and not self.more:
            return node
        kind = type(node)
        values: list[Any] = [*astuple(node)]
        values[0] += self.by
        for place in _parts(kind):
            value = values[place]
            if isinstance(value, Node):
                values[place] = self.node(value)
            elif value:
                values[place] = self(value)
        if kind is Function:
            values[_NAME_OF_FUNCTION] += self.by
        elif kind is ClassDefinition:
            values[_NAME_OF_CLASS] += self.by
        elif kind is FunctionDefinition or kind is Lambda:
            values[1] += self.more
        return kind(*values)


_NAME_OF_FUNCTION = Function.__struct_fields__.index("name_span")
_NAME_OF_CLASS = ClassDefinition.__struct_fields__.index("name_span")
_HOLDS_NO_NODE = re.compile(r"Span|Scalar|str|bool|int|str \| None|tuple\[str, \.\.\.\]")


@cache
def _parts(kind: type[Node]) -> tuple[int, ...]:
    """Which of its fields may hold nodes."""
    said = {
        name: hint for base in kind.__mro__ for name, hint in getattr(base, "__annotations__", {}).items()
    }
    return tuple(
        place
        for place, name in enumerate(kind.__struct_fields__)
        if _HOLDS_NO_NODE.fullmatch(said[name]) is None
    )
