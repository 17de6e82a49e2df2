"""Strawberry: types are decorated classes, fields their annotations, resolvers decorated functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.frames import Frame, Outcome
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.roots import receiver_of, run_given
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Value
from asyncsqla_lint.frameworks import fastapi
from asyncsqla_lint.frameworks.graphql import Library, Resolver, Types, resolved
from asyncsqla_lint.frameworks.injection import Injection, Need
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import External, Scope, Scoped
from asyncsqla_lint.project.walking import calls
from asyncsqla_lint.semantics import ledger
from asyncsqla_lint.semantics.application_state import handed_over, noticed

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_RESOLVERS = frozenset({"field", "mutation"})
_TYPES = frozenset({"type", "interface"})


_INFOS = ("strawberry.Info", "strawberry.types.Info", "strawberry.types.info.Info")
_GETTER, _CONTEXT = "context_getter", "context_value"
_EXTENSIONS = tuple(
    f"strawberry.extensions.{name}" for name in ("SchemaExtension", "base_extension.SchemaExtension")
)
_NOTE = "context of the query"


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
    known = flow.notes.get(_NOTE)
    if isinstance(known, ContextOf):
        return known
    context = _context(flow, state, at)
    if context is UNKNOWN and arguments and isinstance(arguments[0], ClassValue):
        context = flow.meanings.instance_of(flow, state, arguments[0], at)
    flow.notes[_NOTE] = found = ContextOf(context)
    return found


def _context(flow: Flow, state: State, at: Span) -> Value:
    getter = _getter(flow)
    if getter is None:
        return handed_over(flow, _CONTEXT)
    if isinstance(getter, ClassInfo):
        return flow.meanings.instance_of(flow, state, ClassValue(getter), at)
    if getter.header.is_generator:
        return UNKNOWN
    function = FunctionValue(getter, (), receiver_of(flow, state, getter))
    made = function.call(flow, state, Arguments(more=UNKNOWN, more_keywords=UNKNOWN), at)
    return made.awaited(flow, state, at) if getter.is_async else made


def _getter(flow: Flow) -> FunctionInfo | ClassInfo | None:
    getters = kept(flow.index, "strawberry's getters", lambda: tuple(dict.fromkeys(_getters(flow.index))))
    return getters[0] if len(getters) == 1 else None


def _getters(index: Index) -> Iterator[FunctionInfo | ClassInfo]:
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
                            if isinstance(found, (FunctionInfo, ClassInfo)):
                                yield found


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    if not _named(tuple(info.decorators), _RESOLVERS):
        return False
    if _run_in_its_request(flow, state, info):
        return True
    frame, _, exits = run_given(flow, state, info, {})
    resolved(flow, STRAWBERRY, frame, exits, _given_by(info))
    return True


class Context(Value, frozen=True):
    """What FastAPI's router makes for a query, by the `context_getter`, with what that depends on."""

    getter: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        found = ContextOf(arguments.keywords.get("context", UNKNOWN))
        flow.notes[_NOTE] = found
        return found

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.getter,)


def _run_in_its_request(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """What the getter depends on ends with the request: who writes by its session has to commit."""
    getter = _getter(flow)
    asking = next((one.name for one in info.header.parameters if _asks_for_info(info, one)), None)
    if getter is None or asking is None:
        return False
    if isinstance(getter, FunctionInfo):
        made: Value = FunctionValue(getter, (), receiver_of(flow, state, getter))
    else:
        made = ClassValue(getter)

    def needs_of(own: State, value: Value) -> list[Need]:
        if isinstance(value, Context):
            return [Need("context", value.getter)]
        return fastapi.needs_of(flow, own, value)

    def answered(frame: Frame, outcome: Outcome) -> None:
        if not _named(tuple(info.decorators), frozenset({"mutation"})):
            ledger.made_up(outcome.state, outcome.value)
        resolved(flow, STRAWBERRY, frame, [outcome], _given_by(info))

    has_extensions = bool(flow.index.derived_from(*_EXTENSIONS))  # they see the whole query, and may commit
    injection = Injection(flow, needs_of, info.header.name_span, sync_in_threads=True, is_part=has_extensions)
    injection.run(state, info, [Need(asking, Context(made))], answered)
    return True


def _asks_for_info(info: FunctionInfo, parameter: p.Parameter) -> bool:
    if parameter.annotation is None:
        return False
    type_ = info.index.type(Scoped(parameter.annotation, info.module, info.parent or info.owner))
    return isinstance(type_.symbol, External) and type_.symbol.name in _INFOS


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
