"""What top levels use: decorate with, call, or put things into."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.names import (
    BUILTINS,
    Binding,
    ClassBinding,
    FunctionBinding,
    ImportBinding,
    Names,
    ValueBinding,
)

CALLED = "__call__"
OWN = ""  # what the module's own functions and classes are used from


class Use(Struct, frozen=True):
    expression: p.Expression
    through: str  # CALLED: a decorator
    within: tuple[p.ClassDefinition, ...]


def uses(program: p.Program, body: p.Statements, within: tuple[p.ClassDefinition, ...] = ()) -> Iterator[Use]:
    for statement in body:
        expressions: tuple[p.Expression, ...] = ()
        through = ""
        if isinstance(statement, p.FunctionDefinition):
            header = program.functions[statement.function]
            # `@total.setter def total`: a property that is being completed.
            expressions = tuple(one for one in header.decorators if root_of(one) != header.name)
            through = CALLED
        elif isinstance(statement, p.ClassDefinition):
            expressions, through = statement.decorators, CALLED
            yield from uses(program, statement.body, (*within, statement))
        elif isinstance(statement, p.Evaluate) and isinstance(statement.value, p.Call):
            expressions = (statement.value, *statement.value.arguments)
        elif isinstance(statement, p.Assign):
            expressions = tuple(target for target in statement.targets if isinstance(target, p.Subscript))
        elif isinstance(statement, p.If) and _is_script(statement.test):
            yield from uses(program, statement.otherwise, within)
        elif isinstance(statement, (p.If, p.For)):
            yield from uses(program, statement.body, within)
            yield from uses(program, statement.otherwise, within)
        elif isinstance(statement, (p.With, p.Try)):
            yield from uses(program, statement.body, within)
        for expression in expressions:
            yield Use(expression, through, within)


def _is_script(test: p.Expression) -> bool:
    """`__name__ == "__main__"`: what an import leaves out."""
    named = (test.left, *test.comparators) if isinstance(test, p.Compare) else ()
    return any(isinstance(one, p.Constant) and one.value == "__main__" for one in named)


def root_of(node: p.Expression) -> str | None:
    """`bus` of `bus.on("paid")`."""
    while not isinstance(node, p.Name):
        if isinstance(node, p.Call):
            node = node.function
        elif isinstance(node, (p.Attribute, p.Subscript)):
            node = node.value
        else:
            return None
    return node.id


def used_from(program: p.Program, statements: p.Statements | None = None) -> frozenset[str]:
    """Whence (these statements of its top level): packages that are imported, and OWN. The module's own
    variables are left out: what it puts into them itself need not be searched for.
    """
    names: dict[int, Names] = {}

    def bound(name: str, within: tuple[p.ClassDefinition, ...]) -> Iterator[Binding]:
        for body in (*(one.body for one in within), program.statements):
            if id(body) not in names:
                names[id(body)] = Names(program, body)
            yield from names[id(body)].bindings.get(name, ())

    def found() -> Iterator[str]:
        seen: set[str] = set()
        body = program.statements if statements is None else statements
        waiting = [(root_of(use.expression), use.within) for use in uses(program, body)]
        while waiting:
            name, within = waiting.pop()
            if name is None or (not within and name in seen):
                continue
            seen.update(() if within else (name,))
            bindings = list(bound(name, within))
            for binding in bindings:
                if isinstance(binding, ImportBinding):
                    yield OWN if binding.level else binding.module.partition(".")[0]
                elif isinstance(binding, (ClassBinding, FunctionBinding)):
                    yield OWN
                elif isinstance(binding, ValueBinding) and isinstance(binding.value, (p.Name, p.Attribute)):
                    waiting.append((root_of(binding.value), ()))
            if not bindings and name not in BUILTINS:
                stars = names[id(program.statements)].stars
                yield from (OWN if one.level else one.module.partition(".")[0] for one in stars)

    return frozenset(found())
