"""Walking over a Program's nodes, for questions that no name leads to."""

from __future__ import annotations

from collections.abc import Iterator

from asyncsqla_lint import program as p
from asyncsqla_lint.program import Node


def walk(node: Node | tuple[object, ...]) -> Iterator[Node]:
    """The nodes of a statement or expression, parents first; bodies of functions are not part of it."""
    waiting: list[object] = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, tuple):
            waiting.extend(reversed(current))
        elif isinstance(current, Node):
            yield current
            waiting.extend(
                getattr(current, name) for name in reversed(current.__struct_fields__) if name != "span"
            )


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
