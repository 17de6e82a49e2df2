"""Graphene: types are subclasses, fields their class attributes, `resolve_<field>` its resolver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.roots import run_given
from asyncsqla_lint.flow.values import Arguments, Value
from asyncsqla_lint.frameworks.graphql import Library, Resolver, Types, resolved
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo, Member
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scope

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_HOME = "graphene."
_BASES = frozenset({"ObjectType", "Interface", "Mutation", "ClientIDMutation"})
_PREFIX = "resolve_"


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)
    meanings.when_instantiated.append(_instantiate)


def is_type(cls: ClassInfo) -> bool:
    return any(name.startswith(_HOME) and name.rpartition(".")[2] in _BASES for name in cls.external_bases)


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    cls = info.owner
    if cls is None or not is_type(cls):
        return False
    if info.name.startswith(_PREFIX):
        gives = _given_by(cls, info.name.removeprefix(_PREFIX))
    elif info.name == "mutate":
        gives = (cls,)
    else:
        return False
    # The first parameter is whatever the resolver above has returned.
    frame, _, exits = run_given(flow, state, info, {}, is_bound=False)
    resolved(flow, GRAPHENE, frame, exits, gives)
    return True


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    if not is_type(cls.info) or cls.info.find("__init__") is not None:
        return None
    return flow.allocate(state, ObjectRecord(cls, dict(arguments.keywords), is_open=True))


def _fields(cls: ClassInfo) -> dict[str, Types]:
    return {
        name: tuple(_types_in(member))
        for ancestor in reversed(cls.ancestors)
        for name, member in ancestor.members.items()
        if _is_field(member) and cls.find(_PREFIX + name) is None
    }


def _resolvers(cls: ClassInfo) -> list[Resolver]:
    return [
        Resolver(member.function, _given_by(cls, name.removeprefix(_PREFIX)))
        for ancestor in cls.ancestors
        for name, member in ancestor.members.items()
        if member.function is not None and name.startswith(_PREFIX)
    ]


def _given_by(cls: ClassInfo, field: str) -> Types:
    found = cls.find(field)
    return () if found is None else tuple(_types_in(found[1]))


def _is_field(member: Member) -> bool:
    """`name = graphene.String()`."""
    if not isinstance(member.value, p.Call):
        return False
    owner = member.owner
    symbol = owner.index.resolve(owner.module, member.value.function, owner)
    return isinstance(symbol, External) and symbol.name.startswith(_HOME)


def _types_in(member: Member) -> Iterator[ClassInfo]:
    """`Field(T)`, `List(NonNull(T))`, `Field(lambda: T)`."""
    if member.value is not None:
        yield from _named_in(member.value, member.owner, member.owner)


def _named_in(node: p.Expression, cls: ClassInfo, scope: Scope) -> Iterator[ClassInfo]:
    if isinstance(node, p.Call):
        for argument in node.arguments[:1]:
            yield from _named_in(argument, cls, scope)
        for word in node.keywords:
            if word.name in ("type", "type_", "of_type"):
                yield from _named_in(word.value, cls, scope)
    elif isinstance(node, p.Lambda):
        for statement in cls.module.program.bodies[node.function]:
            if isinstance(statement, p.Return) and statement.value is not None:
                yield from _named_in(statement.value, cls, scope)
    elif isinstance(node, (p.Name, p.Attribute)):
        symbol = cls.index.resolve(cls.module, node, scope)
        if isinstance(symbol, ClassInfo) and is_type(symbol):
            yield symbol


GRAPHENE = Library(is_type, _fields, _resolvers)
