"""Strawberry: what a resolver returns is resolved further, field by field, once the resolver is done.

Which fields a client asks for is the client's affair: what they read is likely, not certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.frames import Frame, PathEnds
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.roots import run_given
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    FunctionValue,
    Reference,
    TupleValue,
    Value,
    alternatives,
)
from asyncsqla_lint.frameworks.serializing import Reading, Step, serialize
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.project.names import External, Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_RESOLVERS = frozenset({"field", "mutation"})
_TYPES = frozenset({"type", "interface"})
DEEPEST = 4


def register(meanings: Meanings) -> None:
    meanings.when_run.append(_run)


def _named(symbols: tuple[object, ...], names: frozenset[str]) -> bool:
    return any(
        isinstance(one, External)
        and one.name.partition(".")[0] == "strawberry"
        and one.name.rpartition(".")[2] in names
        for one in symbols
    )


def is_type(cls: ClassInfo) -> bool:
    return _named(tuple(cls.decorators), _TYPES)


def _run(flow: Flow, state: State, info: FunctionInfo) -> bool:
    if not _named(tuple(info.decorators), _RESOLVERS):
        return False
    frame, _, exits = run_given(flow, state, info, {})
    if info.header.returns is None:
        return True
    promised = flow.index.type(Scoped(info.header.returns, info.module, info.parent or info.owner))
    for outcome in exits:
        if outcome.kind == "return" and outcome.at >= 0:
            with flow.entered(frame), flow.hedged(True):
                Resolving(flow, frame, outcome.at).value(outcome.state, outcome.value, promised, 0)
    return True


class Resolving:
    """One result on its way to the client."""

    def __init__(self, flow: Flow, frame: Frame, at: Span) -> None:
        self.flow = flow
        self.frame = frame
        self.at = at

    def value(self, state: State, value: Value, type_: Type, depth: int) -> None:
        if depth > DEEPEST:
            return
        for one in alternatives(value):
            record = state.record(one.oid) if isinstance(one, Reference) else None
            if isinstance(one, TupleValue) or isinstance(record, ListRecord):
                inner = type_.arguments[0] if type_.arguments else type_
                for element in one.refers_to(state):
                    self.value(state, element, inner, depth)
            elif isinstance(one, Reference) and isinstance(record, ObjectRecord):
                self.object(state, one, record, depth)
            elif isinstance(one, Reference) and record is not None and record.class_info() is not None:
                for cls in types_in(type_):
                    self.row(state, one, cls, depth)

    def object(self, state: State, me: Reference, record: ObjectRecord, depth: int) -> None:
        """An object of a GraphQL type: its resolvers run, what its fields hold is resolved too."""
        if not is_type(record.cls.info):
            return
        for name, member in record.cls.info.fields.items():
            held = record.attributes.get(name)
            if held is not None and member.annotated is not None:
                self.value(state, held, self.flow.index.type(member.annotated), depth + 1)
        self.resolvers(state, me, record.cls.info, depth)

    def row(self, state: State, me: Reference, cls: ClassInfo, depth: int) -> None:
        """A mapped instance in place of such an object: the fields are read from it by name."""

        def act(reading: Reading) -> Value:
            for name in _plain_fields(cls):
                before = len(reading.loads)
                me.attribute(self.flow, state, name, self.at)
                for load in reading.loads[before:]:
                    member = cls.fields[name]
                    if load.path and load.path[-1].target is not None and member.annotated is not None:
                        load.below = below(
                            self.flow, load.path[-1].target, self.flow.index.type(member.annotated)
                        )
            return UNKNOWN

        try:
            serialize(self.flow, state, self.at, cls.name, act)
            for name in _plain_fields(cls):
                member = cls.fields[name]
                record = state.record(me.oid)
                held = record.peek(name)
                if held is not None and member.annotated is not None:
                    self.value(state, held, self.flow.index.type(member.annotated), depth + 1)
        except PathEnds:
            return
        self.resolvers(state, me, cls, depth)

    def resolvers(self, state: State, me: Reference, cls: ClassInfo, depth: int) -> None:
        for ancestor in cls.ancestors:
            for member in ancestor.members.values():
                function = member.function
                if function is None or not _named(tuple(function.decorators), _RESOLVERS):
                    continue
                bound = FunctionValue(function, (), me)
                try:
                    result = run_function(
                        self.flow, state, bound, Arguments((), {}, UNKNOWN, UNKNOWN), self.at
                    )
                except PathEnds:
                    continue
                if function.header.returns is not None:
                    where = Scoped(function.header.returns, function.module, function.owner)
                    self.value(state, result, self.flow.index.type(where), depth + 1)


def types_in(type_: Type) -> list[ClassInfo]:
    """The GraphQL types that an annotation names, through lists and unions."""
    if isinstance(type_.symbol, ClassInfo):
        return [type_.symbol] if is_type(type_.symbol) else []
    return [cls for one in (*type_.union, *type_.arguments) for cls in types_in(one)]


def _plain_fields(cls: ClassInfo) -> list[str]:
    """The fields without a resolver of their own."""
    found = []
    for name, member in cls.fields.items():
        call = member.value if isinstance(member.value, p.Call) else None
        if call is None or not (call.arguments or any(word.name == "resolver" for word in call.keywords)):
            found.append(name)
    return found


def below(flow: Flow, model: Model, type_: Type, depth: int = 0) -> list[Step]:
    """What the fields of nested types would read of the instances of a relationship."""
    steps: list[Step] = []
    for cls in types_in(type_) if depth < DEEPEST else []:
        for name in _plain_fields(cls):
            relationship = model.relationships.get(name)
            member = cls.fields[name]
            if relationship is not None and relationship.target is not None and member.annotated is not None:
                inner = below(flow, relationship.target, flow.index.type(member.annotated), depth + 1)
                steps.append(Step(relationship, inner))
    return steps
