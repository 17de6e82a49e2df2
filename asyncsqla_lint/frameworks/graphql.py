"""GraphQL: what a resolver returns is resolved further, field by field, once the resolver is done.

Which fields a client asks for is the client's affair: what they read is likely, not certain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.frames import Frame, Outcome, PathEnds
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, TupleValue, Value, alternatives
from asyncsqla_lint.frameworks.serializing import Reading, Step, serialize
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.models import Model

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

Types = tuple[ClassInfo, ...]
DEEPEST = 4


class Resolver(Struct, frozen=True):
    function: FunctionInfo
    gives: Types


class Library(Struct, frozen=True):
    """How a GraphQL library declares its types."""

    is_type: Callable[[ClassInfo], bool]
    fields: Callable[[ClassInfo], dict[str, Types]]  # without a resolver of their own, and what they hold
    resolvers: Callable[[ClassInfo], list[Resolver]]


def resolved(flow: Flow, library: Library, frame: Frame, exits: list[Outcome], gives: Types) -> None:
    """A resolver has come to its ends."""
    for outcome in exits:
        if outcome.kind == "return" and outcome.at >= 0:
            with flow.entered(frame), flow.hedged(True):
                Resolving(flow, library, outcome.at).value(outcome.state, outcome.value, gives, 0)


class Resolving:
    """One result on its way to the client."""

    def __init__(self, flow: Flow, library: Library, at: Span) -> None:
        self.flow = flow
        self.library = library
        self.at = at

    def value(self, state: State, value: Value, types: Types, depth: int) -> None:
        if depth > DEEPEST:
            return
        for one in alternatives(value):
            record = state.record(one.oid) if isinstance(one, Reference) else None
            if isinstance(one, TupleValue) or isinstance(record, ListRecord):
                for element in one.refers_to(state):
                    self.value(state, element, types, depth)
            elif isinstance(one, Reference) and isinstance(record, ObjectRecord):
                self.object(state, one, record, depth)
            elif isinstance(one, Reference) and record is not None and record.class_info() is not None:
                for cls in types:
                    self.row(state, one, cls, depth)

    def object(self, state: State, me: Reference, record: ObjectRecord, depth: int) -> None:
        """An object of a GraphQL type: its resolvers run, what its fields hold is resolved too."""
        if not self.library.is_type(record.cls.info):
            return
        for name, types in self.library.fields(record.cls.info).items():
            held = record.attributes.get(name)
            if held is not None:
                self.value(state, held, types, depth + 1)
        self.resolvers(state, me, record.cls.info, depth)

    def row(self, state: State, me: Reference, cls: ClassInfo, depth: int) -> None:
        """A mapped instance in place of such an object: the fields are read from it by name."""
        fields = self.library.fields(cls)

        def act(reading: Reading) -> Value:
            for name, types in fields.items():
                before = len(reading.loads)
                me.attribute(self.flow, state, name, self.at)
                for load in reading.loads[before:]:
                    if load.path and load.path[-1].target is not None:
                        load.below = self.below(load.path[-1].target, types)
            return UNKNOWN

        try:
            serialize(self.flow, state, self.at, cls.name, act)
            for name, types in fields.items():
                held = state.record(me.oid).peek(name)
                if held is not None:
                    self.value(state, held, types, depth + 1)
        except PathEnds:
            return
        self.resolvers(state, me, cls, depth)

    def resolvers(self, state: State, me: Reference, cls: ClassInfo, depth: int) -> None:
        for resolver in self.library.resolvers(cls):
            # Called with the row where there is one: it is no method of the mapped class.
            given = Arguments((me,), {}, UNKNOWN, UNKNOWN)
            try:
                result = run_function(self.flow, state, FunctionValue(resolver.function), given, self.at)
            except PathEnds:
                continue
            self.value(state, result, resolver.gives, depth + 1)

    def below(self, model: Model, types: Types, depth: int = 0) -> list[Step]:
        """What the fields of nested types would read of the instances of a relationship."""
        steps: list[Step] = []
        for cls in types if depth < DEEPEST else ():
            for name, inner in self.library.fields(cls).items():
                relationship = model.relationships.get(name)
                if relationship is not None and relationship.target is not None:
                    steps.append(Step(relationship, self.below(relationship.target, inner, depth + 1)))
        return steps
