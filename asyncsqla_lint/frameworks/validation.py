"""Validation: what pydantic does with a value and a type, so far as it reads objects.

pydantic turns whatever a read raises into an error of that field, so that another member of a union gets its
turn: only when all of them fail does the failure show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Iteration,
    Reference,
    TupleValue,
    UnknownCall,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.frameworks.schemas import Field, Path, Schema, bound, schema_of
from asyncsqla_lint.frameworks.serializing import DEEPEST_TREE, Reading, Step, attempt
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.models import Model, Relationship
from asyncsqla_lint.project.names import External, Scoped
from asyncsqla_lint.semantics.instances import InstanceRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_DEPTH = 10
_LISTS = frozenset(
    [
        "list",
        "List",
        "set",
        "Set",
        "frozenset",
        "FrozenSet",
        "Sequence",
        "MutableSequence",
        "Iterable",
        "Collection",
        "tuple",
        "Tuple",
        "deque",
        "Deque",
    ]
)
_DICTS = frozenset(["dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "DefaultDict", "OrderedDict"])
_CONVERTERS = {
    "pydantic.BeforeValidator": "before",
    "pydantic.functional_validators.BeforeValidator": "before",
    "pydantic.PlainValidator": "plain",
    "pydantic.functional_validators.PlainValidator": "plain",
    "pydantic.AfterValidator": "after",
    "pydantic.functional_validators.AfterValidator": "after",
}
EAGER_BY_DEFAULT = frozenset(
    {"selectin", "joined", "subquery", "immediate", "noload", "dynamic", "write_only"}
)


def type_of(value: Value, where: Scoped) -> Type | None:
    """The type that a class held as a value stands for."""
    if isinstance(value, ClassValue):
        arguments = tuple(type_of(one, where) or Type(None, where) for one in value.arguments)
        return Type(value.info, where, arguments)
    return Type(External(value.name), where) if isinstance(value, ExternalValue) else None


class PageRecord(Record, frozen=True):
    """An object of a library's generic class: its items are what the class's argument says."""

    items: Value

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return self.items if name in ("items", "results", "data") else UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (self.items,)


def _items(state: State, value: Value) -> tuple[Value, ...]:
    """The items of a page, which a library's generic class reads of what is returned, whoever has made it."""
    if isinstance(value, UnknownCall):
        return tuple([one for one in value.touched if _is_list(state, one)])
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if isinstance(record, PageRecord):
        return (record.items,)
    if isinstance(record, DictRecord):
        return tuple([one for one in record.entries.values() if _is_list(state, one)])
    return ()


def _is_list(state: State, value: Value) -> bool:
    return isinstance(value, Reference) and isinstance(state.record(value.oid), ListRecord)


class Validator:
    """One validation: `given` is the `from_attributes=` of the call, None where the schemas decide."""

    def __init__(self, flow: Flow, reading: Reading, at: Span, given: bool | None = None) -> None:
        self.flow = flow
        self.index = flow.index
        self.reading = reading
        self.at = at
        self.given = given

    # -- values

    def value(
        self, state: State, value: Value, type_: Type, depth: int = 0, discriminator: str | None = None
    ) -> Value:
        if depth > _DEPTH:
            return UNKNOWN
        for scoped in type_.metadata:
            kind, function = self._converter(state, scoped)
            if kind in ("before", "plain"):
                value = self._converted(state, function, value)
                if kind == "plain":
                    return value
        known = alternatives(value)
        usable = [one for one in known if one != NONE]
        if not usable:
            return value
        with self.flow.hedged(len(usable) > 1):
            results = [self._one(state, one, type_, depth, discriminator) for one in usable]
        if len(usable) < len(known):
            results.append(NONE)
        result = union(tuple(results))
        for scoped in type_.metadata:
            kind, function = self._converter(state, scoped)
            if kind == "after":
                result = self._converted(state, function, result)
        return result

    def _one(self, state: State, value: Value, type_: Type, depth: int, discriminator: str | None) -> Value:
        if type_.union and type_.symbol is None:
            return self._union(state, value, type_, depth, discriminator or self._discriminator(type_))
        symbol = type_.symbol
        if isinstance(symbol, ClassInfo):
            schema = schema_of(self.index, symbol)
            return value if schema is None else self._schema(state, value, schema, type_.arguments, depth)
        name = symbol.name.rpartition(".")[2] if isinstance(symbol, External) else ""
        if name in _LISTS and type_.arguments:
            return self._list(state, value, type_, depth)
        if name in _DICTS and len(type_.arguments) == 2:
            return self._dict(state, value, type_.arguments[1], depth)
        if type_.arguments and name:
            for items in _items(state, value):
                self._list(state, items, type_, depth)
        return value

    def _list(self, state: State, value: Value, type_: Type, depth: int) -> Value:
        if not self._is_sequence(state, value):
            return UNKNOWN
        iteration = value.iterate(self.flow, state, self.at, False)
        element = type_.arguments[0]
        if iteration.items is not None and len(iteration.items) <= 8:
            items = tuple(self.value(state, one, element, depth + 1) for one in iteration.items)
            return self.flow.allocate(state, ListRecord.of(Iteration(items=items, may_be_empty=not items)))
        one = union(iteration.items) if iteration.items else iteration.element
        if one is None:
            return self.flow.allocate(state, ListRecord((), None))
        return self.flow.allocate(state, ListRecord(None, self.value(state, one, element, depth + 1)))

    def _is_sequence(self, state: State, value: Value) -> bool:
        if isinstance(value, TupleValue):
            return True
        record = state.record(value.oid) if isinstance(value, Reference) else None
        return (
            record is not None
            and not isinstance(record, (InstanceRecord, DictRecord))
            and record.class_info() is None
        )

    def _dict(self, state: State, value: Value, type_: Type, depth: int) -> Value:
        record = state.record(value.oid) if isinstance(value, Reference) else None
        if isinstance(record, DictRecord):
            entries = {key: self.value(state, one, type_, depth + 1) for key, one in record.entries.items()}
            other = None if record.other is None else self.value(state, record.other, type_, depth + 1)
            return self.flow.allocate(state, DictRecord(entries, other, record.other_key))
        return UNKNOWN

    # -- unions

    def _discriminator(self, type_: Type) -> str | None:
        for scoped in type_.metadata:
            node = scoped.expression
            if isinstance(node, p.Call):
                for word in node.keywords:
                    if word.name == "discriminator" and isinstance(word.value, p.Constant):
                        return str(word.value.value)
        return None

    def _union(self, state: State, value: Value, type_: Type, depth: int, discriminator: str | None) -> Value:
        members = [one for one in type_.union if self._may_fit(state, value, one)]
        if not members:
            return value
        if discriminator is not None:
            members = self._chosen(state, value, members, discriminator) or members
            with self.flow.hedged(len(members) > 1):
                return union(tuple(self._one(state, value, one, depth, None) for one in members))
        for member in members if len(members) > 1 else ():

            def read(own: State, type_: Type = member) -> Value:
                return self._one(own, value, type_, depth, None)

            loads = attempt(self.flow, state, read)
            if loads is not None and not loads:
                return self._one(state, value, member, depth, None)
        return self._one(state, value, members[0], depth, None)

    def _chosen(self, state: State, value: Value, members: list[Type], name: str) -> list[Type]:
        with self.flow.silently():
            tag = self._found(state.copy(), value, ((name,),))
        if not isinstance(tag, Constant):
            return []
        return [one for one in members if tag.value in self._literals(one, name)]

    def _literals(self, type_: Type, name: str) -> tuple[object, ...]:
        schema = schema_of(self.index, type_.symbol) if isinstance(type_.symbol, ClassInfo) else None
        for field in schema.fields if schema is not None else ():
            if field.name == name:
                return field.literals
        return ()

    def _may_fit(self, state: State, value: Value, type_: Type) -> bool:
        symbol = type_.symbol
        if isinstance(symbol, ClassInfo):
            schema = schema_of(self.index, symbol)
            if schema is None:
                return self._class_of(state, value) is symbol
            if not self._reads(schema) and self._class_of(state, value) is not None:
                found = self._class_of(state, value)
                return found is not None and found.is_subclass_of(symbol)
            return not any(
                field.is_required and all(self._has(state, value, path) is False for path in field.paths)
                for field in schema.fields
            )
        name = symbol.name.rpartition(".")[2] if isinstance(symbol, External) else ""
        if name in _LISTS:
            return self._is_sequence(state, value)
        if name in _DICTS:
            return isinstance(value, Reference) and isinstance(state.record(value.oid), DictRecord)
        return name == "Any"

    def _class_of(self, state: State, value: Value) -> ClassInfo | None:
        return state.record(value.oid).class_info() if isinstance(value, Reference) else None

    def _has(self, state: State, value: Value, path: Path) -> bool | None:
        first = path[0]
        record = state.record(value.oid) if isinstance(value, Reference) else None
        if isinstance(record, DictRecord):
            return first in record.entries or (None if record.other is not None else False)
        return value.has_attribute(self.flow, state, first, self.at) if isinstance(first, str) else None

    def _reads(self, schema: Schema) -> bool:
        return schema.from_attributes if self.given is None else self.given

    # -- schemas

    def _schema(
        self, state: State, value: Value, schema: Schema, arguments: tuple[Type, ...], depth: int
    ) -> Value:
        found = self._class_of(state, value)
        if found is not None and found.is_subclass_of(schema.cls):
            return value  # an instance of the class itself is taken as it is
        for function in schema.before:
            value = self._called(state, function, schema, value)
        results = [
            self._built(state, one, schema, arguments, depth) for one in alternatives(value) if one != NONE
        ]
        return union(tuple(results)) if results else UNKNOWN

    def _built(
        self, state: State, value: Value, schema: Schema, arguments: tuple[Type, ...], depth: int
    ) -> Value:
        record = state.record(value.oid) if isinstance(value, Reference) else None
        cls = ClassValue(schema.cls)
        if isinstance(value, Constant) or isinstance(record, ListRecord):
            return UNKNOWN
        if value is UNKNOWN or (
            record is not None and record.class_info() is None and not isinstance(record, DictRecord)
        ):
            return self.flow.allocate(state, ObjectRecord(cls, {}, is_open=True))
        if not isinstance(record, DictRecord) and not self._reads(schema):
            return UNKNOWN
        attributes: dict[str, Value] = {}
        for field in schema.fields:
            one = self._field(state, value, schema, arguments, field, depth)
            if one is not None:
                attributes[field.name] = one
        is_open = isinstance(record, DictRecord) and record.other is not None
        result = self.flow.allocate(state, ObjectRecord(cls, attributes, is_open))
        for function in schema.after:
            run_function(
                self.flow, state, FunctionValue(function, (), result), Arguments(more=UNKNOWN), self.at
            )
        return result

    def _field(
        self,
        state: State,
        value: Value,
        schema: Schema,
        arguments: tuple[Type, ...],
        field: Field,
        depth: int,
    ) -> Value | None:
        type_ = bound(self.index, field.type, schema.cls, arguments)
        if schema.swallows and not field.is_required:

            def read(own: State) -> Value:
                return self._found(own, value, field.paths) or UNKNOWN

            if attempt(self.flow, state, read):
                return UNKNOWN  # its default
        before = len(self.reading.loads)
        found = self._found(state, value, field.paths)
        if found is None:
            return None
        for load in self.reading.loads[before:]:
            if isinstance(load.event.attribute, Relationship) and load.event.attribute.target is not None:
                load.below = self.below(load.event.attribute.target, type_)
        for function in field.before:
            found = self._called(state, function, schema, found)
        result = self.value(state, found, type_, depth + 1, field.discriminator)
        for function in field.after:
            result = self._called(state, function, schema, result)
        return result

    def _found(self, state: State, value: Value, paths: tuple[Path, ...]) -> Value | None:
        """Read the first of `paths` that leads anywhere."""
        record = state.record(value.oid) if isinstance(value, Reference) else None
        for path in paths:
            if self._has(state, value, path) is False:
                continue
            found = value
            for position, item in enumerate(path):
                if position == 0 and isinstance(record, DictRecord):
                    found = value.item(self.flow, state, Constant(item), self.at)
                elif isinstance(item, str):
                    found = found.attribute(self.flow, state, item, self.at)
                else:
                    found = found.item(self.flow, state, Constant(item), self.at)
            return found
        return None

    # -- the project's own code in a schema

    def _called(self, state: State, function: FunctionInfo, schema: Schema, value: Value) -> Value:
        if value is UNKNOWN:
            return UNKNOWN
        receiver = None if function.decorated_by("builtins.staticmethod") else ClassValue(schema.cls)
        return run_function(
            self.flow,
            state,
            FunctionValue(function, (), receiver),
            Arguments((value,), more=UNKNOWN),
            self.at,
        )

    def _converter(self, state: State, scoped: Scoped) -> tuple[str, Value]:
        """`Annotated[…, BeforeValidator(f)]`."""
        node = scoped.expression
        if not isinstance(node, p.Call) or not node.arguments:
            return "", UNKNOWN
        symbol = self.index.resolve(scoped.module, node.function, scoped.scope)
        kind = _CONVERTERS.get(symbol.name, "") if isinstance(symbol, External) else ""
        return (kind, evaluated(self.flow, state, scoped, node.arguments[0])) if kind else ("", UNKNOWN)

    def _converted(self, state: State, function: Value, value: Value) -> Value:
        if value is UNKNOWN or function is UNKNOWN:
            return UNKNOWN
        return function.call(self.flow, state, Arguments((value,)), self.at)

    # -- what would have to be loaded

    def below(self, model: Model, type_: Type, depth: int = 0) -> list[Step]:
        """The relationships of `model`, and of what they lead to, that a schema of this type reads."""
        if depth > DEEPEST_TREE:
            return []
        steps: dict[str, Step] = {}
        for schema, arguments in self._schemas_in(type_):
            for field in schema.fields:
                relationship = next(
                    (model.relationships[path[0]] for path in field.paths if path[0] in model.relationships),
                    None,
                )
                if (
                    relationship is None
                    or relationship.target is None
                    or relationship.lazy in EAGER_BY_DEFAULT
                ):
                    continue
                inner = bound(self.index, field.type, schema.cls, arguments)
                steps.setdefault(
                    relationship.name, Step(relationship, self.below(relationship.target, inner, depth + 1))
                )
        return list(steps.values())

    def _schemas_in(self, type_: Type, depth: int = 0) -> list[tuple[Schema, tuple[Type, ...]]]:
        if depth > 4:
            return []
        if isinstance(type_.symbol, ClassInfo):
            schema = schema_of(self.index, type_.symbol)
            return [] if schema is None else [(schema, type_.arguments)]
        parts = type_.union if type_.symbol is None else type_.arguments
        return [found for one in parts for found in self._schemas_in(one, depth + 1)]


def evaluated(flow: Flow, state: State, where: Scoped, node: p.Expression | None = None) -> Value:
    """An expression of a header (an annotation, a decorator), evaluated where it stands."""
    scope = where.scope
    function = scope if isinstance(scope, FunctionInfo) else None
    owner = scope if isinstance(scope, ClassInfo) else None
    if function is not None and flow.enclosing is not None and function is flow.enclosing.function:
        with flow.entered(flow.enclosing), flow.silently():
            return flow.evaluate(state, node or where.expression)
    frame = Frame(flow.new_id(), where.module, function, owner=owner, caller=flow.frame)
    state.open_frame(frame.id)
    with flow.entered(frame), flow.silently():
        value = flow.evaluate(state, node or where.expression)
    state.close_frame(frame.id)
    return value
