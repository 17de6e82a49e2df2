"""The fields of a class as values: `dataclasses.fields(Order)`, `OrderOut.model_fields`, annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.stdlib import signatures
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Iteration,
    Method,
    Reference,
    TupleValue,
    Value,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.meanings import Meanings
    from asyncsqla_lint.flow.state import State

MAPPINGS = frozenset({"__annotations__", "__dataclass_fields__", "model_fields", "__fields__"})
SEQUENCES = frozenset({"__struct_fields__", "_fields", "__match_args__"})
RECORDS = frozenset({"dataclass", "attrs", "pydantic", "namedtuple", "typeddict"})


def register(meanings: Meanings) -> None:
    for name in ("dataclasses.fields", "attrs.fields", "attr.fields", "msgspec.structs.fields"):
        meanings.calls[name] = _fields
    meanings.calls["typing.get_type_hints"] = _hints
    meanings.when_class_read.append(_class_read)


class FieldName(Value, frozen=True):
    """One field: of all that it says of itself, its name."""

    name: str

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Constant(self.name) if name in ("name", "encode_name") else UNKNOWN


class FieldMapping(Value, frozen=True):
    names: tuple[str, ...]

    def truth(self, state: State) -> bool | None:
        return bool(self.names)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return Iteration(items=tuple(map(Constant, self.names)), may_be_empty=not self.names)

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "keys":
            return TupleValue(tuple(map(Constant, self.names)))
        if name == "values":
            return TupleValue(tuple(map(FieldName, self.names)))
        if name == "items":
            return TupleValue(tuple(TupleValue((Constant(one), FieldName(one))) for one in self.names))
        return UNKNOWN

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        return item.value in self.names if isinstance(item, Constant) else None


def _class(state: State, value: Value | None) -> ClassInfo | None:
    if isinstance(value, ClassValue):
        return value.info
    return state.record(value.oid).class_info() if isinstance(value, Reference) else None


def names_of(cls: ClassInfo | None) -> tuple[str, ...] | None:
    """None: there may be more than is seen."""
    return None if cls is None or cls.has_unknown_base else tuple(cls.fields)


def _fields(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    names = names_of(_class(state, arguments.get(0, "class_or_instance")))
    return UNKNOWN if names is None else TupleValue(tuple(map(FieldName, names)))


def _hints(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    subject = arguments.get(0, "obj")
    if isinstance(subject, FunctionValue):
        return signatures.hints(flow, state, subject)
    names = names_of(_class(state, subject))
    return UNKNOWN if names is None else FieldMapping(names)


def _class_read(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    if name not in MAPPINGS | SEQUENCES or cls.info.kind not in RECORDS:
        return None
    names = names_of(cls.info)
    if names is None:
        return None
    return FieldMapping(names) if name in MAPPINGS else TupleValue(tuple(map(Constant, names)))
