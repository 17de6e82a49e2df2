"""Walking over a Program's nodes, for questions that no name leads to."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import get_annotations

from asyncsqla_lint import program as p
from asyncsqla_lint.program import Node

# The annotations of fields in which no node stands.
_PLAIN = frozenset(("Span", "str", "str | None", "int", "bool", "Scalar", "tuple[str, ...]"))
_leading: dict[type[Node], tuple[str, ...]] = {}


def _leading_of(kind: type[Node]) -> tuple[str, ...]:
    """The names of the fields that lead to nodes, the last first."""
    said: dict[str, str] = {}
    for ancestor in kind.__mro__:
        said = {**get_annotations(ancestor), **said}
    found = tuple(name for name in reversed(kind.__struct_fields__) if said.get(name) not in _PLAIN)
    _leading[kind] = found
    return found


def walk(node: Node | tuple[object, ...]) -> Iterator[Node]:
    """The nodes of a statement or expression, parents first; bodies of functions are not part of it."""
    waiting: list[object] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple):
            waiting += current[::-1]
        elif isinstance(current, Node):
            yield current
            kind = type(current)
            names = _leading.get(kind)
            for name in _leading_of(kind) if names is None else names:
                value = getattr(current, name)
                if value:  # neither None nor empty
                    waiting.append(value)


def calls(node: Node | tuple[object, ...]) -> Iterator[p.Call]:
    for found in walk(node):
        if isinstance(found, p.Call):
            yield found


def blocks(statement: p.Statement) -> tuple[p.Statements, ...]:
    """The blocks of a compound statement."""
    if isinstance(statement, (p.If, p.While, p.For)):
        return statement.body, statement.otherwise
    if isinstance(statement, p.With):
        return (statement.body,)
    if isinstance(statement, p.Try):
        handlers = (one.body for one in statement.handlers)
        return statement.body, *handlers, statement.otherwise, statement.final
    if isinstance(statement, p.Match):
        return tuple(case.body for case in statement.cases)
    return ()


def statements(body: p.Statements) -> Iterator[p.Statement]:
    """The statements of a body and of the blocks within it, as they stand in the text."""
    for statement in body:
        yield statement
        for block in blocks(statement):
            yield from statements(block)


def last_name(node: p.Expression) -> str:
    """`c` of `a.b.c`."""
    return node.id if isinstance(node, p.Name) else node.name if isinstance(node, p.Attribute) else ""
