"""pydantic, both majors: schemas that are built from instances read their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import TRUE, UNKNOWN, Arguments, Constant, Method, Reference, Value
from asyncsqla_lint.frameworks.schemas import is_schema, schema_of
from asyncsqla_lint.frameworks.serializing import serialize
from asyncsqla_lint.frameworks.validation import Validator, type_of
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.names import Scoped
from asyncsqla_lint.semantics.guards import InstanceDict

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_READS = frozenset({"model_validate", "from_orm", "parse_obj", "validate"})
_BUILDS = _READS | {"model_construct", "construct", "model_validate_json", "parse_raw"}
_DICTS = frozenset({"model_dump", "dict"})
_DUMPS = _DICTS | {"model_dump_json", "json"}
_EXACT = frozenset({"exclude", "mode", "warnings"})  # arguments that leave the other keys what they are


def register(meanings: Meanings) -> None:
    meanings.when_class_read.append(_class_read)
    for name in ("computed_field", "field_validator", "model_validator"):
        meanings.member_decorators.add(f"pydantic.{name}")
    meanings.when_inherited.append(_inherited)
    meanings.when_instantiated.append(_instantiate)
    for name in ("pydantic.TypeAdapter", "pydantic.type_adapter.TypeAdapter"):
        meanings.calls[name] = _adapter
    for name in ("pydantic.parse_obj_as", "pydantic.v1.parse_obj_as", "pydantic.tools.parse_obj_as"):
        meanings.calls[name] = _parse_obj_as


# --- methods of schemas --------------------------------------------------------------------------


class SchemaMethod(Value, frozen=True):
    """`UserOut.model_validate`: a constructor of a schema."""

    cls: ClassValue
    name: str

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        value = arguments.get(0, "obj") or UNKNOWN
        type_ = type_of(self.cls, Scoped(p.Opaque(at, ()), self.cls.info.module))
        if type_ is None:
            return UNKNOWN
        if self.name not in _READS:
            return flow.allocate(state, ObjectRecord(self.cls, dict(arguments.keywords), is_open=True))
        given = True if arguments.keywords.get("from_attributes") == TRUE else None
        return validated(flow, state, value, type_, at, given, self.cls.info.name)


def validated(
    flow: Flow, state: State, value: Value, type_: Type, at: Span, given: bool | None, reader: str
) -> Value:
    if isinstance(value, InstanceDict):
        value = flow.allocate(state, value.loaded(flow, state, at))
    return serialize(
        flow,
        state,
        at,
        reader,
        lambda reading: Validator(flow, reading, at, given).value(state, value, type_),
    )


def _class_read(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    if name in _BUILDS and is_schema(cls.info) and cls.info.find(name) is None:
        return SchemaMethod(cls, name)
    return None


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    if not is_schema(cls.info):
        return None
    if name in _BUILDS:
        return SchemaMethod(cls, name)
    if name in _DUMPS and isinstance(me, Reference) and isinstance(state.record(me.oid), ObjectRecord):
        return Dump(me, name in _DICTS)
    return None


class Dump(Value, frozen=True):
    """`schema.model_dump`: runs the computed fields."""

    schema: Reference
    is_dict: bool

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        dump(flow, state, self.schema, at)
        names = self._names(flow, state, arguments) if self.is_dict else None
        return UNKNOWN if names is None else flow.allocate(state, DictRecord(dict.fromkeys(names, UNKNOWN)))

    def _names(self, flow: Flow, state: State, arguments: Arguments) -> list[str] | None:
        """The keys of the dict, where the class tells them: `Visit(**body.model_dump())` gives no others."""
        record = state.record(self.schema.oid)
        cls = record.cls.info if isinstance(record, ObjectRecord) else None
        schema = None if cls is None else schema_of(flow.index, cls)
        if cls is None or schema is None or not schema.is_closed or not arguments.keywords.keys() <= _EXACT:
            return None
        if arguments.positional or arguments.more_keywords is not None or flow.index.subclasses(cls):
            return None  # what is given may be of a class that has more fields
        left_out = _strings(state, arguments.keywords.get("exclude"))
        names = [*(one.name for one in schema.fields), *schema.computed]
        return [name for name in names if name not in left_out]


def _strings(state: State, value: Value | None) -> set[object]:
    """`{"actors"}`"""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    items = record.items or () if isinstance(record, ListRecord) else ()
    return {one.value for one in items if isinstance(one, Constant)}


def dump(flow: Flow, state: State, value: Reference, at: Span) -> None:
    record = state.record(value.oid)
    schema = schema_of(flow.index, record.cls.info) if isinstance(record, ObjectRecord) else None
    for name in schema.computed if schema is not None else ():
        value.attribute(flow, state, name, at)


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    """`Page[PetOut](items=pets)`: arguments are validated, and nested schemas read them."""
    schema = schema_of(flow.index, cls.info) if cls.info.kind == "pydantic" else None
    if schema is None or cls.info.find("__init__") is not None:
        return None
    entries = [(Constant(name), one) for name, one in arguments.keywords.items()]
    more = arguments.more_keywords
    known = more.loaded(flow, state, at) if isinstance(more, InstanceDict) else DictRecord(other=more)
    record = replace(known, entries={**known.entries, **{key.value: one for key, one in entries}})
    given = flow.allocate(state, record)
    type_ = type_of(cls, Scoped(p.Opaque(at, ()), cls.info.module))
    if type_ is None:
        return None
    result = validated(flow, state, given, type_, at, None, cls.info.name)
    made = state.record(result.oid) if isinstance(result, Reference) else None
    if isinstance(result, Reference) and isinstance(made, ObjectRecord):
        # What a validator returned for a field is not known better than what was given for it.
        kept = {name: one for name, one in arguments.keywords.items() if name not in made.attributes}
        state.put(result, ObjectRecord(cls, {**kept, **made.attributes}, made.is_open))
        return result
    return flow.allocate(state, ObjectRecord(cls, dict(arguments.keywords), is_open=True))


# --- type adapters -------------------------------------------------------------------------------


class Adapter(Value, frozen=True):
    """`TypeAdapter(list[UserOut])`."""

    type: Type
    name: str

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name != "validate_python":
            return UNKNOWN
        given = True if arguments.keywords.get("from_attributes") == TRUE else None
        value = arguments.get(0, "object") or UNKNOWN
        return validated(flow, state, value, self.type, at, given, self.name)


def _adapter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    type_ = written_type(flow, arguments, at, 0, "type", "type_")
    return UNKNOWN if type_ is None else Adapter(type_, name_of(type_))


def _parse_obj_as(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    type_, value = written_type(flow, arguments, at, 0, "type", "type_"), arguments.get(1, "obj")
    if type_ is None or value is None:
        return UNKNOWN
    return validated(flow, state, value, type_, at, None, name_of(type_))


def written_type(flow: Flow, arguments: Arguments, at: Span, position: int, *names: str) -> Type | None:
    """The type that is written as an argument of the call; where it is a variable's value, that."""
    where = Scoped(p.Opaque(at, ()), flow.frame.module, flow.frame.function or flow.frame.owner)
    node = flow.calling
    if node is not None and node.span == at:
        written = node.arguments[position] if len(node.arguments) > position else None
        written = written or next((word.value for word in node.keywords if word.name in names), None)
        if written is not None:
            type_ = flow.index.type(Scoped(written, where.module, where.scope))
            if type_.symbol is not None or type_.union:
                return type_
    value = arguments.get(position, names[0])
    return None if value is None else type_of(value, where)


def name_of(type_: Type) -> str:
    """How messages call a type: by the first schema in it."""
    if isinstance(type_.symbol, ClassInfo):
        return type_.symbol.name
    for one in type_.union if type_.symbol is None else type_.arguments:
        found = name_of(one)
        if found:
            return found
    return ""
