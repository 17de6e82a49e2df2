"""Strawberry: types are decorated classes, fields their annotations, resolvers decorated functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.roots import run_given
from asyncsqla_lint.frameworks.graphql import Library, Resolver, Types, resolved
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_RESOLVERS = frozenset({"field", "mutation"})
_TYPES = frozenset({"type", "interface"})


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)
    meanings.is_run_apart.append(lambda flow, info: _named(tuple(info.decorators), _RESOLVERS))


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    if not _named(tuple(info.decorators), _RESOLVERS):
        return False
    frame, _, exits = run_given(flow, state, info, {})
    resolved(flow, STRAWBERRY, frame, exits, _given_by(info))
    return True


def _named(symbols: tuple[object, ...], names: frozenset[str]) -> bool:
    return any(
        isinstance(one, External)
        and one.name.partition(".")[0] == "strawberry"
        and one.name.rpartition(".")[2] in names
        for one in symbols
    )


def is_type(cls: ClassInfo) -> bool:
    return _named(tuple(cls.decorators), _TYPES)


def _fields(cls: ClassInfo) -> dict[str, Types]:
    found: dict[str, Types] = {}
    for name, member in cls.fields.items():
        call = member.value if isinstance(member.value, p.Call) else None
        has_resolver = call is not None and (
            call.arguments or any(word.name == "resolver" for word in call.keywords)
        )
        if not has_resolver:
            found[name] = () if member.annotated is None else _types_in(cls.index.type(member.annotated))
    return found


def _resolvers(cls: ClassInfo) -> list[Resolver]:
    return [
        Resolver(member.function, _given_by(member.function))
        for ancestor in cls.ancestors
        for member in ancestor.members.values()
        if member.function is not None and _named(tuple(member.function.decorators), _RESOLVERS)
    ]


def _given_by(info: FunctionInfo) -> Types:
    if info.header.returns is None:
        return ()
    return _types_in(info.index.type(Scoped(info.header.returns, info.module, info.parent or info.owner)))


def _types_in(type_: Type) -> Types:
    """The GraphQL types that an annotation names, through lists and unions."""
    if isinstance(type_.symbol, ClassInfo):
        return (type_.symbol,) if is_type(type_.symbol) else ()
    return tuple(cls for one in (*type_.union, *type_.arguments) for cls in _types_in(one))


STRAWBERRY = Library(is_type, _fields, _resolvers)
