"""`functools.singledispatch` and `singledispatchmethod`: the function for the class of the first argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, Decorated, FunctionValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Reference, Value, alternatives
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Scoped, Symbol

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

KIND = "dispatch"
Implementations = tuple[tuple[Symbol, FunctionInfo], ...]


def register(meanings: Meanings) -> None:
    for name in ("functools.singledispatch", "functools.singledispatchmethod"):
        meanings.calls[name] = _dispatching


def _dispatching(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = arguments.positional[0] if arguments.positional else UNKNOWN
    return Decorated(KIND, value) if isinstance(value, FunctionValue) else value


def dispatch(flow: Flow, state: State, function: FunctionValue, arguments: Arguments, at: Span) -> Value:
    known = implementations_of(flow, function.info)
    first = arguments.positional[0] if arguments.positional else UNKNOWN
    given = alternatives(first)
    if len(given) > 1:
        rest = arguments.positional[1:]
        return flow.alternatives(
            state,
            given,
            lambda one, own: dispatch(
                flow, own, function, Arguments((one, *rest), arguments.keywords, arguments.more), at
            ),
        )
    chosen = {
        FunctionValue(info, function.closure if info is function.info else (), function.receiver): cls
        for info, cls in _chosen(state, first, function.info, known).items()
    }

    def run(one: Value, own: State) -> Value:
        cls = chosen[one] if isinstance(one, FunctionValue) else None
        if cls is not None and isinstance(first, Reference):
            own.record(first.oid).specialised(flow, own, first, ClassValue(cls))
        return one.call(flow, own, arguments, at)

    return flow.alternatives(state, tuple(chosen), run)


def _chosen(
    state: State, value: Value, general: FunctionInfo, known: Implementations
) -> dict[FunctionInfo, ClassInfo | None]:
    """The functions that may run; with the subclass that the argument is one of, where that one does."""
    if isinstance(value, Constant):
        name = f"builtins.{type(value.value).__name__}"
        found = [info for symbol, info in known if isinstance(symbol, External) and symbol.name == name]
        return dict.fromkeys(found or [general])
    record = state.record(value.oid) if isinstance(value, Reference) else None
    cls = None if record is None else record.class_info()
    if record is None or cls is None:
        return dict.fromkeys([general, *(info for _, info in known)])
    several: dict[FunctionInfo, ClassInfo | None] = {_of_class(cls, general, known): None}
    for one in record.possible_subclasses():
        several.setdefault(_of_class(one, general, known), one)
    return several


def _of_class(cls: ClassInfo, general: FunctionInfo, known: Implementations) -> FunctionInfo:
    for ancestor in cls.ancestors:
        for symbol, info in known:
            if symbol is ancestor:
                return info
    return general


def implementations_of(flow: Flow, general: FunctionInfo) -> Implementations:
    key = (implementations_of, general)
    found = flow.memory.get(key)
    if not isinstance(found, tuple):
        modules = flow.index.registrations.of_function(general)
        found = flow.memory[key] = tuple(
            one
            for module in modules
            for info in flow.index.functions_of(module)
            for one in _registered(general, info)
        )
    return found


def _registered(general: FunctionInfo, info: FunctionInfo) -> Iterator[tuple[Symbol, FunctionInfo]]:
    """`@general.register` above a function, with the class in its brackets or in the annotation."""
    scope = info.definition_scope
    for expression in info.header.decorators:
        call = expression if isinstance(expression, p.Call) else None
        named = expression if call is None else call.function
        if not isinstance(named, p.Attribute) or named.name != "register":
            continue
        if info.index.resolve(info.module, named.value, scope) is not general:
            continue
        where = call.arguments[0] if call is not None and call.arguments else _annotation(info)
        if where is not None:
            type_ = info.index.type(Scoped(where, info.module, scope))
            for symbol in _symbols(type_):
                yield symbol, info


def _annotation(info: FunctionInfo) -> p.Expression | None:
    position = 0 if info.owner is None else 1
    parameters = info.header.parameters
    return parameters[position].annotation if len(parameters) > position else None


def _symbols(type_: Type) -> Iterator[Symbol]:
    for one in type_.union or (type_,):
        if isinstance(one.symbol, (ClassInfo, External)):
            yield one.symbol
