"""Calls that may make a session factory, by their words alone: no name is resolved yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from asyncsqla_lint import program as p
from asyncsqla_lint.project.walking import calls, last_name

FACTORIES = frozenset(
    {"async_sessionmaker", "AsyncSession", "AsyncSessionConfig", "SQLAlchemyAsyncConfig", "sessionmaker"}
)
_KEYWORDS = {"bind", "class_", "expire_on_commit"}


def factory_calls(program: p.Program) -> list[p.Call]:
    """What may make a session factory."""
    makers = makers_in(program.statements)
    return [found for body in _factory_bodies(program) for found in factories_in(body, makers)]


def _factory_bodies(program: p.Program) -> list[p.Statements]:
    bodies = [program.statements]
    for number, header in enumerate(program.functions):
        if FACTORIES.intersection(header.mentions):
            bodies.append(program.bodies[number])
    return bodies


def factories_in(body: p.Statements, makers: Collection[str]) -> Iterator[p.Call]:
    for call in calls(body):
        if _may_make_sessions(call) or last_name(call.function) in (*FACTORIES, *makers):
            yield call


def makers_in(statements: p.Statements) -> set[str]:
    """Other names for factories: `from … import async_sessionmaker as make`, `class Db(AsyncSession)`."""
    found: set[str] = set()
    for one in statements:
        if isinstance(one, p.ImportFrom):
            found.update(alias.asname or alias.name for alias in one.names if alias.name in FACTORIES)
        elif isinstance(one, p.Assign) and last_name(one.value) in FACTORIES:
            found.update(target.id for target in one.targets if isinstance(target, p.Name))
        elif isinstance(one, p.ClassDefinition) and any(last_name(base) in FACTORIES for base in one.bases):
            found.add(one.name)
    return found


def _may_make_sessions(call: p.Call) -> bool:
    name = last_name(call.function)
    return (
        name.lower().endswith(("session", "maker", "sessionconfig"))
        or any(word.name in _KEYWORDS for word in call.keywords)
        or any("engine" in last_name(_called(one)).lower() for one in call.arguments)
    )


def _called(node: p.Expression) -> p.Expression:
    return node.function if isinstance(node, p.Call) else node
