"""Mappers as values: `inspect(User).relationships`, `User.__mapper__`, `User.__table__.columns`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Iteration, Method, TupleValue, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import Column, Model, Relationship
from asyncsqla_lint.semantics.ddl import TABLE, VERBS

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class MapperValue(Value, frozen=True):
    model: Model

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in ("mapper", "__mapper__", "mapped_table", "local_table", "__table__", "persist_selectable"):
            return self
        if name in ("columns", "c", "column_attrs"):
            return Properties(self.model, "columns")
        if name == "relationships":
            return Properties(self.model, "relationships")
        if name in ("create", "drop") or name in VERBS:  # of `User.__table__`
            return TABLE.attribute(flow, state, name, at)
        if name in ("class_", "entity"):
            return ClassValue(self.model.cls)
        if name in ("attrs", "all_orm_descriptors", "iterate_properties"):
            return Properties(self.model, "attrs")
        return UNKNOWN


class Properties(Value, frozen=True):
    """A collection of mapped attributes, iterated as properties that have a `key`."""

    model: Model
    kind: str

    def names(self) -> tuple[str, ...]:
        wanted = {"columns": Column, "relationships": Relationship}.get(self.kind, object)
        return tuple(name for name, one in self.model.attributes.items() if isinstance(one, wanted))

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        if self.model.is_open:
            return Iteration(element=UNKNOWN)
        items = tuple(Property(name) for name in self.names())
        return Iteration(items=items, may_be_empty=not items)

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if self.model.is_open:
            return UNKNOWN
        names = self.names()
        if name == "keys":
            return TupleValue(tuple(Constant(one) for one in names))
        if name == "values":
            return TupleValue(tuple(Property(one) for one in names))
        if name == "items":
            return TupleValue(tuple(TupleValue((Constant(one), Property(one))) for one in names))
        return UNKNOWN

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        if isinstance(item, Constant) and isinstance(item.value, str) and not self.model.is_open:
            return item.value in self.names()
        return None


def property_of(model: Model | None, name: str) -> Property:
    """`User.posts.property`: whose `mapper` is that of the class to which it leads."""
    one = None if model is None else model.attributes.get(name)
    return Property(name, one.target if isinstance(one, Relationship) else None)


class Property(Value, frozen=True):
    name: str
    target: Model | None = None

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in ("mapper", "entity") and self.target is not None:
            return MapperValue(self.target)
        return Constant(self.name) if name in ("key", "name") else UNKNOWN
