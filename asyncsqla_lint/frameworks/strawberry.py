"""Strawberry: types are decorated classes, fields their annotations, resolvers decorated functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.roots import receiver_of, run_given
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Value
from asyncsqla_lint.frameworks.graphql import Library, Resolver, Types, resolved
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Scope, Scoped
from asyncsqla_lint.project.walking import calls
from asyncsqla_lint.semantics.application_state import handed_over, noticed

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_RESOLVERS = frozenset({"field", "mutation"})
_TYPES = frozenset({"type", "interface"})


_INFOS = ("strawberry.Info", "strawberry.types.Info", "strawberry.types.info.Info")
_GETTER, _CONTEXT = "context_getter", "context_value"


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)
    for name in ("strawberry.Schema", "strawberry.schema.Schema", "strawberry.federation.Schema"):
        meanings.calls[name] = lambda flow, state, arguments, at: Schema()
    for name in _INFOS:
        meanings.instances[name] = _info


class Schema(Value, frozen=True):
    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name) if name in ("execute", "subscribe") else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        context = arguments.get(2, _CONTEXT)
        if context is not None:
            noticed(flow, state, _CONTEXT, context)
        return flow.call_unknown(state, self, arguments, at)


class ContextOf(Value, frozen=True):
    """What a resolver is given as `info`."""

    context: Value

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return self.context if name == "context" else UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.context,)


def _info(flow: Flow, state: State, arguments: tuple[Value, ...], at: Span) -> Value:
    """There is one context for each query."""
    known = flow.notes.get("context of the query")
    if isinstance(known, ContextOf):
        return known
    context = _context(flow, state, at)
    if context is UNKNOWN and arguments and isinstance(arguments[0], ClassValue):
        context = flow.meanings.instance_of(flow, state, arguments[0], at)
    flow.notes["context of the query"] = found = ContextOf(context)
    return found


def _context(flow: Flow, state: State, at: Span) -> Value:
    getters = kept(flow.index, "strawberry's getters", lambda: tuple(dict.fromkeys(_getters(flow.index))))
    if not getters:
        return handed_over(flow, _CONTEXT)
    if len(getters) > 1:
        return UNKNOWN
    (getter,) = getters
    function = FunctionValue(getter, (), receiver_of(flow, state, getter))
    made = function.call(flow, state, Arguments(more=UNKNOWN, more_keywords=UNKNOWN), at)
    return made.awaited(flow, state, at) if getter.is_async else made


def _getters(index: Index) -> Iterator[FunctionInfo]:
    for module in index.modules.values():
        if module.says(_GETTER):
            index.foundation.add(module)
            bodies: list[tuple[p.Statements, Scope]] = [(module.program.statements, None)]
            bodies += [(one.body, one) for one in index.functions_of(module)]
            for body, scope in bodies:
                for call in calls(body):
                    for word in call.keywords:
                        if word.name == _GETTER:
                            found = index.resolve(module, word.value, scope)
                            if isinstance(found, FunctionInfo) and not found.header.is_generator:
                                yield found


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
