"""FastAPI: routes are called with their dependencies, and what they return is serialised.

Whatever the version, a response is validated before the dependencies' code after `yield` runs (it was moved
to before and to after the sending of the response, in 0.106 and 0.118, never to before its making).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.frames import Frame, Outcome, PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import FALSE, NONE, UNKNOWN, Arguments, Reference, Value, alternatives
from asyncsqla_lint.frameworks.fastapi_routes import only_reads, response_of, route_of
from asyncsqla_lint.frameworks.fastapi_users import CurrentUser
from asyncsqla_lint.frameworks.injection import Injection, Need, parameters_of
from asyncsqla_lint.frameworks.pydantic import dump, name_of
from asyncsqla_lint.frameworks.schemas import is_schema
from asyncsqla_lint.frameworks.serializing import Reading, serialize
from asyncsqla_lint.frameworks.sqlmodel import TableBody
from asyncsqla_lint.frameworks.starlette import surrounded
from asyncsqla_lint.frameworks.validation import Validator, evaluated
from asyncsqla_lint.program import Expression, Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Scope, Scoped, Symbol
from asyncsqla_lint.semantics import ledger, unawaited

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# Other libraries inject in FastAPI's way.
_DEPENDS = (
    "fastapi.Depends",
    "fastapi.Security",
    "fastapi.params.Depends",
    "fastapi.params.Security",
    "fast_depends.Depends",
    "faststream.Depends",
    "taskiq.TaskiqDepends",
    "taskiq_dependencies.Depends",
)


def register(meanings: Meanings) -> None:
    for name in _DEPENDS:
        meanings.calls[name] = depends
    meanings.when_run.append(_run)


class Dependency(Value, frozen=True):
    """`Depends(f)`; without a function, the class that the parameter's annotation names."""

    provider: Value | None
    is_shared: bool

    def truth(self, state: State) -> bool | None:
        return True


def depends(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    provider = arguments.get(0, "dependency")
    return Dependency(None if provider == NONE else provider, arguments.keywords.get("use_cache") != FALSE)


# --- dependencies --------------------------------------------------------------------------------


def needs_of(flow: Flow, state: State, value: Value) -> list[Need]:
    """The dependencies that a function, class or callable object declares."""
    if isinstance(value, CurrentUser):
        return value.needs()
    info, parameters = parameters_of(state, value)
    if info is not None:
        return _needs(flow, state, info, parameters)
    if isinstance(value, ClassValue) and value.info.kind in ("dataclass", "attrs", "pydantic"):
        found: list[Need] = []
        for name, member in value.info.fields.items():
            scope = Scoped(member.annotation or p.Opaque(0, ()), member.owner.module, member.owner)
            found += _need(flow, state, name, member.annotation, member.value, scope)
        return found
    return []


def _needs(flow: Flow, state: State, info: FunctionInfo, parameters: tuple[p.Parameter, ...]) -> list[Need]:
    scope: Scope = info.parent or info.owner
    return [
        need
        for parameter in parameters
        for need in _need(
            flow,
            state,
            parameter.name,
            parameter.annotation,
            parameter.default,
            Scoped(parameter.annotation or p.Opaque(0, ()), info.module, scope),
        )
    ]


def _need(
    flow: Flow,
    state: State,
    name: str,
    annotation: Expression | None,
    default: Expression | None,
    where: Scoped,
) -> list[Need]:
    type_ = None if annotation is None else flow.index.type(where)
    declared = [
        scoped
        for scoped in (() if type_ is None else type_.metadata)
        if isinstance(scoped.expression, p.Call)
    ]
    if isinstance(default, (p.Call, p.Name, p.Attribute)):
        declared.insert(0, Scoped(default, where.module, where.scope))
    for scoped in declared:
        value = evaluated(flow, state, scoped)
        if isinstance(value, Dependency):
            provider = value.provider
            if provider is None:
                symbol = None if type_ is None else type_.symbol
                provider = ClassValue(symbol) if isinstance(symbol, ClassInfo) else None
            if provider is not None and not isinstance(provider, ExternalValue):
                if _stands_in(provider, None if type_ is None else type_.symbol):
                    return []
                return [Need(name, provider, value.is_shared, type_)]
    return []


def _bodies(flow: Flow, info: FunctionInfo, injected: set[str]) -> list[Need]:
    """`hero: Hero`, a table model of SQLModel: FastAPI makes it of the request's body."""
    found: list[Need] = []
    for parameter in info.header.parameters:
        if parameter.annotation is not None and parameter.name not in injected:
            type_ = flow.index.type(Scoped(parameter.annotation, info.module, info.definition_scope))
            symbol = type_.symbol
            if isinstance(symbol, ClassInfo) and symbol.kind == "pydantic" and flow.index.model(symbol):
                found.append(Need(parameter.name, TableBody(ClassValue(symbol)), False, type_))
    return found


def _stands_in(provider: Value, promised: Symbol | None) -> bool:
    """`uow: UnitOfWork = Depends(Marker)`: a class that the application replaces by another provider."""
    if not isinstance(provider, ClassValue) or not isinstance(promised, ClassInfo):
        return False
    given = provider.info
    return promised.kind != "protocol" and not given.is_subclass_of(promised) and not given.has_unknown_base


# --- roots ---------------------------------------------------------------------------------------


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    """Routes, and whatever else declares dependencies (they are run as a part of some route too)."""
    route = route_of(info)
    parameters = info.header.parameters
    needs = _needs(flow, state, info, parameters)
    if route is None and not needs:
        return False
    if route is not None:
        flow.notes["request"] = True
        needs += _bodies(flow, info, {need.name for need in needs})
    response = None if route is None else response_of(info, route)

    def answered(frame: Frame, outcome: Outcome) -> None:
        if route is not None and outcome.at >= 0:
            with flow.entered(frame):
                unawaited.taken(flow, outcome.state, outcome.value)
            if only_reads(route):
                ledger.made_up(outcome.state, outcome.value)
        if response is not None and outcome.at >= 0:
            _respond(flow, frame, outcome, response)

    injection = Injection(
        flow,
        lambda own, value: needs_of(flow, own, value),
        info.header.name_span,
        sync_in_threads=True,
        within=surrounded,
        is_part=route is None and not info.decorators,
    )
    injection.run(state, info, needs, answered)
    return True


def _respond(flow: Flow, frame: Frame, outcome: Outcome, response: Type) -> None:
    """Validation with `from_attributes`, whatever the schema says; then the computed fields run."""
    state, value, at = outcome.state, outcome.value, outcome.at
    if value in (UNKNOWN, NONE):
        return

    def act(reading: Reading) -> Value:
        result = Validator(flow, reading, at, True).value(state, value, response)
        _dumped(flow, state, result, at, 0)
        return result

    try:
        with flow.entered(frame):
            serialize(flow, state, at, name_of(response) or "the response", act)
    except PathEnds:
        return


def _dumped(flow: Flow, state: State, value: Value, at: Span, depth: int) -> None:
    for one in alternatives(value):
        if not isinstance(one, Reference) or depth > 4:
            continue
        record = state.record(one.oid)
        if isinstance(record, ObjectRecord):
            if is_schema(record.cls.info):
                dump(flow, state, one, at)
            else:
                continue
        elif record.class_info() is not None:
            continue
        for inner in record.refers_to():
            _dumped(flow, state, inner, at, depth + 1)
