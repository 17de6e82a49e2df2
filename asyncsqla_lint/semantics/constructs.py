"""What SQLAlchemy's functions give: statements, loader options, aliases, expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import (
    eager_use,
)
from asyncsqla_lint.semantics.expressions import SQL, AliasValue, Criterion
from asyncsqla_lint.semantics.loader_options import (
    COLUMN_STRATEGIES,
    NO_OPTIONS,
    RELATIONSHIP_STRATEGIES,
    Criteria,
    LoaderOptions,
    extended,
    target_class,
    unpacked,
)
from asyncsqla_lint.semantics.statements import new_statement

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


EXPRESSIONS = "or_ not_ func case cast literal column exists between desc asc".split()


def register(meanings: Meanings) -> None:
    for name in ("select", "insert", "update", "delete", "text"):
        meanings.calls[f"sqlalchemy.{name}"] = _statement(name)
    for dialect in ("postgresql", "sqlite", "mysql"):
        meanings.calls[f"sqlalchemy.dialects.{dialect}.insert"] = _statement("insert", dialect)
    for home in ("sqlmodel", "sqlmodel.sql.expression"):
        meanings.calls[f"{home}.select"] = _select_of_sqlmodel
    for strategy in RELATIONSHIP_STRATEGIES | COLUMN_STRATEGIES | {"selectin_polymorphic"}:
        meanings.calls[f"sqlalchemy.orm.{strategy}"] = _loader(strategy)
    meanings.calls["sqlalchemy.orm.with_loader_criteria"] = _criteria
    meanings.calls["sqlalchemy.orm.Load"] = _load
    meanings.calls["sqlalchemy.orm.aliased"] = _aliased
    meanings.calls["sqlalchemy.orm.with_polymorphic"] = _with_polymorphic
    meanings.calls["sqlalchemy.and_"] = _and
    for name in EXPRESSIONS:
        meanings.calls[f"sqlalchemy.{name}"] = lambda *_: SQL
    meanings.prefixes.append(("sqlalchemy.func.", lambda *_: SQL))


def _criteria(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Criteria(arguments.get(0, "entity_or_base") or UNKNOWN)


def _select_of_sqlmodel(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    made = new_statement(flow, "select", at, arguments)
    # Of how many columns `select(*columns)` is nobody knows.
    return replace(made, gives_values=len(made.entities) == 1 and made.entities[0] is not UNKNOWN)


def _statement(kind: str, dialect: str = ""):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        made = new_statement(flow, kind, at, arguments)
        return replace(made, dialect=dialect) if dialect else made

    return meaning


def _loader(strategy: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return eager_use.written(flow, extended(NO_OPTIONS, strategy, unpacked(flow, state, arguments, at)))

    return meaning


def _load(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    root = target_class(arguments.positional[0]) if arguments.positional else None
    return LoaderOptions(root=root, is_open=root is None)


def _aliased(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = target_class(arguments.positional[0]) if arguments.positional else None
    name = arguments.keywords.get("name")
    label = name.value if isinstance(name, Constant) and isinstance(name.value, str) else None
    return UNKNOWN if cls is None else AliasValue(cls, flow.new_id(), label=label)


def _with_polymorphic(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = target_class(arguments.positional[0]) if arguments.positional else None
    if cls is None:
        return UNKNOWN
    given = arguments.get(1, "classes") or UNKNOWN
    if given == Constant("*"):
        return AliasValue(cls, flow.new_id(), tuple(cls.subclasses))
    iteration = given.iterate(flow, state, at, False)
    classes = tuple(one.info for one in iteration.items or () if isinstance(one, ClassValue))
    return AliasValue(cls, flow.new_id(), classes)


def _and(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Criterion(
        tuple(pair for one in arguments.positional if isinstance(one, Criterion) for pair in one.equalities)
    )
