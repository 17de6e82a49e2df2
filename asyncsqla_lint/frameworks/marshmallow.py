"""marshmallow: `schema.dump(row)` reads what the schema's fields name, and so do the schemas nested in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import CallMeaning, Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import (
    NONE,
    TRUE,
    UNKNOWN,
    Arguments,
    Constant,
    Reference,
    Value,
    alternatives,
)
from asyncsqla_lint.frameworks.serializing import serialize
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column, Relationship

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

FIELDS = "marshmallow.fields."
AUTO_SCHEMA = "SQLAlchemyAutoSchema"
_BASES = ("marshmallow.Schema", "marshmallow.schema.Schema")
_OF_MODELS = "marshmallow_sqlalchemy."
_NAMES = (
    "Field Raw Nested Mapping Dict List Tuple String UUID Number Integer Decimal Boolean Float DateTime "
    "NaiveDateTime AwareDateTime Time Date TimeDelta Url URL Email IP IPv4 IPv6 IPInterface IPv4Interface "
    "IPv6Interface Enum Method Function Str Bool Int Constant Pluck"
)
_NESTED = frozenset({"Nested", "Pluck"})
_SEQUENCES = frozenset({"List", "Tuple"})
_DEEPEST = 6


def register(meanings: Meanings) -> None:
    for name in _NAMES.split():
        meanings.calls[FIELDS + name] = _field_of(name)
    meanings.calls[_OF_MODELS + "auto_field"] = _field_of("Field")
    meanings.calls[_OF_MODELS + "fields.Nested"] = _field_of("Nested")
    meanings.when_instantiated.append(_instantiate)
    meanings.when_inherited.append(_inherited)


class FieldValue(Value, frozen=True):
    """`fields.Nested(AddressSchema, many=True)`"""

    kind: str
    arguments: Arguments = Arguments()

    def truth(self, state: State) -> bool | None:
        return True

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return tuple(self.arguments.all())


def _field_of(kind: str) -> CallMeaning:
    def field(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return FieldValue(kind, arguments)

    return field


def is_schema(cls: ClassInfo) -> bool:
    return any(name in _BASES or name.startswith(_OF_MODELS) for name in cls.external_bases)


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    """`PersonSchema(many=True, exclude=["badges"])`: kept as attributes, as marshmallow does."""
    if not is_schema(cls.info) or cls.info.find("__init__") is not None:
        return None
    return flow.allocate(state, ObjectRecord(cls, dict(arguments.keywords), is_open=True))


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    return Dump(me) if name in ("dump", "dumps") and is_schema(cls.info) else None


class Dump(Value, frozen=True):
    """`schema.dump`"""

    schema: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        value = arguments.get(0, "obj")
        known = _known(state, self.schema)
        if value is None or known is None:
            return UNKNOWN
        many = arguments.keywords.get("many")
        part = known if many is None or many == NONE else known.with_many(many == TRUE)

        def act(reading: object) -> Value:
            Dumper(flow, at).dump(state, part, value, 0)
            return UNKNOWN

        return serialize(flow, state, at, part.cls.name, act)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.schema,)


class Part(Struct, frozen=True):
    """A schema, and which of its fields are dumped."""

    me: Value
    cls: ClassInfo
    many: bool = False
    only: frozenset[str] | None = None
    exclude: frozenset[str] = frozenset()

    def with_many(self, many: bool) -> Part:
        return Part(self.me, self.cls, many, self.only, self.exclude)

    def restricted(self, only: frozenset[str] | None, exclude: frozenset[str]) -> Part:
        both = only if self.only is None or only is None else self.only & only
        return Part(self.me, self.cls, self.many, self.only if only is None else both, self.exclude | exclude)

    def has(self, name: str) -> bool:
        named = self.only is None or name in self.only or any(one.startswith(f"{name}.") for one in self.only)
        return named and name not in self.exclude


def _known(state: State, schema: Value) -> Part | None:
    """None: nobody knows which fields it dumps."""
    record = state.record(schema.oid) if isinstance(schema, Reference) else None
    if not isinstance(record, ObjectRecord) or not is_schema(record.cls.info):
        return None
    only = _names(state, record.attributes.get("only"))
    exclude = _names(state, record.attributes.get("exclude"))
    if only is _UNTOLD or exclude is _UNTOLD:
        return None
    return Part(schema, record.cls.info, record.attributes.get("many") == TRUE, only, exclude or frozenset())


_UNTOLD = frozenset({"?"})


def _names(state: State, value: Value | None) -> frozenset[str] | None:
    if value is None or value == NONE:
        return None
    elements = value.refers_to(state) if not isinstance(value, Constant) else ()
    found = frozenset(str(one.value) for one in elements if isinstance(one, Constant))
    return found if elements and len(found) == len(set(elements)) else _UNTOLD


def _below(names: frozenset[str] | None, name: str) -> frozenset[str]:
    """`{"address.city"}` → `{"city"}`"""
    start = f"{name}."
    return frozenset(one.removeprefix(start) for one in names or () if one.startswith(start))


class Dumper:
    """One dump: reads as marshmallow does."""

    def __init__(self, flow: Flow, at: Span) -> None:
        self.flow = flow
        self.at = at

    def dump(self, state: State, part: Part, value: Value, depth: int) -> None:
        if depth > _DEEPEST:
            return
        for one in self._each(state, value, part.many):
            if one is UNKNOWN or one == NONE:
                continue
            for name, field in self._fields(state, part.cls):
                if part.has(name):
                    self._field(state, part, name, field, one, depth)

    def _each(self, state: State, value: Value, many: bool) -> tuple[Value, ...]:
        if not many:
            return alternatives(value)
        iteration = value.iterate(self.flow, state, self.at, False)
        one = iteration.one()
        return iteration.items or (() if one is None else (one,))

    def _fields(self, state: State, cls: ClassInfo) -> Iterator[tuple[str, FieldValue]]:
        declared: set[str] = set()
        for ancestor in cls.ancestors:
            for name, member in ancestor.members.items():
                if name in declared or not isinstance(member.value, p.Call):
                    continue
                declared.add(name)
                value = self.flow.class_attribute(state, ClassValue(cls), name, member.span)
                if isinstance(value, FieldValue):
                    yield name, value
                elif self._is_field_of_the_project(state, value):
                    yield name, FieldValue("Field")
        for name in self._automatic(state, cls):
            if name not in declared:
                yield name, FieldValue("Field")

    def _is_field_of_the_project(self, state: State, value: Value) -> bool:
        cls = state.record(value.oid).class_info() if isinstance(value, Reference) else None
        return cls is not None and any(one.startswith(FIELDS) for one in cls.external_bases)

    def _automatic(self, state: State, cls: ClassInfo) -> Iterator[str]:
        """`class Meta: model = Person`: the columns, and relationships if asked for."""
        meta = cls.find("Meta")
        if meta is None or meta[1].cls is None or not any(AUTO_SCHEMA in one for one in cls.external_bases):
            return
        said = {name: member.value for name, member in meta[1].cls.members.items()}
        model_class = self.flow.class_attribute(state, ClassValue(meta[1].cls), "model", meta[1].span)
        model = self.flow.index.model(model_class.info) if isinstance(model_class, ClassValue) else None
        left_out = said.get("exclude") or said.get("fields")
        if model is None or left_out is not None:
            return
        for name, attribute in model.attributes.items():
            if isinstance(attribute, Column):
                if not attribute.foreign_keys or _is_true(said.get("include_fk")):
                    yield name
            elif isinstance(attribute, Relationship) and _is_true(said.get("include_relationships")):
                yield name

    def _field(
        self, state: State, part: Part, name: str, field: FieldValue, value: Value, depth: int
    ) -> None:
        words, first = field.arguments.keywords, field.arguments.get(0, "serialize")
        if words.get("load_only") == TRUE or field.kind == "Constant":
            return
        if field.kind == "Function":
            if first is not None and first != NONE:
                first.call(self.flow, state, Arguments((value,)), self.at)
            return
        if field.kind == "Method":
            if isinstance(first, Constant) and isinstance(first.value, str):
                method = part.me.attribute(self.flow, state, first.value, self.at)
                method.call(self.flow, state, Arguments((value,)), self.at)
            return
        given = words.get("attribute")
        path = given.value if isinstance(given, Constant) and isinstance(given.value, str) else name
        for step in path.split("."):
            value = self._got(state, value, step)
        only = _below(part.only, name) or None
        self._inside(state, part, field, value, only, _below(part.exclude, name), depth)

    def _got(self, state: State, value: Value, name: str) -> Value:
        record = state.record(value.oid) if isinstance(value, Reference) else None
        if isinstance(record, DictRecord):
            return value.item(self.flow, state, Constant(name), self.at)
        return value.attribute(self.flow, state, name, self.at)

    def _inside(
        self,
        state: State,
        part: Part,
        field: Value,
        value: Value,
        only: frozenset[str] | None,
        exclude: frozenset[str],
        depth: int,
    ) -> None:
        if not isinstance(field, FieldValue) or value is UNKNOWN:
            return
        words = field.arguments.keywords
        if field.kind in _SEQUENCES:
            inner = field.arguments.get(0, "cls_or_instance")
            for one in self._each(state, value, True) if isinstance(inner, FieldValue) else ():
                self._inside(state, part, inner or UNKNOWN, one, only, exclude, depth)
        elif field.kind in _NESTED:
            nested = self._schema(state, part, field.arguments.get(0, "nested") or UNKNOWN)
            own, without = _names(state, words.get("only")), _names(state, words.get("exclude"))
            if field.kind == "Pluck":
                plucked = field.arguments.get(1, "field_name")
                own = frozenset({str(plucked.value)}) if isinstance(plucked, Constant) else _UNTOLD
            if nested is None or own is _UNTOLD or without is _UNTOLD:
                return
            nested = nested.restricted(own, without or frozenset()).restricted(only, exclude)
            many = nested.many or words.get("many") == TRUE
            self.dump(state, nested.with_many(many), value, depth + 1)

    def _schema(self, state: State, part: Part, value: Value) -> Part | None:
        if isinstance(value, FunctionValue):
            value = value.call(self.flow, state, Arguments(), self.at)
        if isinstance(value, Constant):
            named = self.flow.index.named(str(value.value), part.cls.module)
            symbol = part.cls if value.value == "self" else named
            value = ClassValue(symbol) if isinstance(symbol, ClassInfo) else UNKNOWN
        if isinstance(value, ClassValue):
            value = value.call(self.flow, state, Arguments(), self.at)
        return None if isinstance(value, ExternalValue) else _known(state, value)


def _is_true(node: p.Expression | None) -> bool:
    return isinstance(node, p.Constant) and node.value is True
