"""Guards: code that asks SQLAlchemy what is loaded before it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.attribute_states import EXPIRED, LOADED, UNSURE, WRONG, AttributeState
from asyncsqla_lint.semantics.instances import TRANSIENT, InstanceRecord, forgotten
from asyncsqla_lint.semantics.mappers import MapperValue

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class InstanceDict(Value, frozen=True):
    """`obj.__dict__`: reading it emits no SQL, and what is put there counts as loaded."""

    instance: Reference

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def set_item(self, flow: Flow, state: State, key: Value, value: Value, at: Span) -> None:
        _commit(state, self.instance, key, value)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in ("update", "setdefault", "pop", "popitem", "clear"):
            _commit(state, self.instance, UNKNOWN, UNKNOWN)
        return flow.allocate(state, self.loaded(flow, state, at)) if name == "copy" else UNKNOWN

    def loaded(self, flow: Flow, state: State, at: Span) -> DictRecord:
        """What certainly stands in it; more may."""
        record = state.record(self.instance.oid)
        entries: dict[p.Scalar, Value] = {}
        for name in record.model.attributes if isinstance(record, InstanceRecord) else ():
            found = record.state_of(name) if isinstance(record, InstanceRecord) else None
            if found is not None and found.bits == LOADED:
                entries[name] = self.instance.attribute(flow, state, name, at)
        return DictRecord(entries, UNKNOWN)

    def tested_for(self, flow: Flow, state: State, item: Value, holds: bool) -> Value | None:
        return evidence(self.instance, item, holds)


def evidence(instance: Reference, item: Value, is_loaded: bool) -> Value | None:
    name = item.value if isinstance(item, Constant) else None
    return Evidence(instance, name, is_loaded) if isinstance(name, str) else None


class Evidence(Value, frozen=True):
    """The outcome of a test whether an attribute is loaded."""

    instance: Reference
    name: str
    when: bool  # the outcome that shows that it is

    def assumed(self, flow: Flow, state: State, holds: bool) -> None:
        record = state.record(self.instance.oid)
        if holds is self.when and isinstance(record, InstanceRecord):
            found = record.state_of(self.name)
            if found is not None and found.bits & WRONG:
                state.put(
                    self.instance, record.with_attribute(self.name, AttributeState(LOADED, found.value))
                )


class Inspection(Value, frozen=True):
    """`inspect(obj)`."""

    instance: Reference

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in ("unloaded", "expired_attributes", "unmodified"):
            return NameSet(self.instance, name)
        if name == "dict":
            return InstanceDict(self.instance)
        if name in ("object", "obj"):
            return self.instance
        if name == "attrs":
            return InspectedAttributes(self.instance)
        record = state.record(self.instance.oid)
        if name == "mapper" and isinstance(record, InstanceRecord):
            return MapperValue(record.model)
        return Method(self, name)


class InspectedAttributes(Value, frozen=True):
    """`inspect(obj).attrs`."""

    instance: Reference

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return InspectedAttribute(self.instance, name)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        known = isinstance(key, Constant) and isinstance(key.value, str)
        return InspectedAttribute(self.instance, str(key.value)) if known else UNKNOWN  # type: ignore[attr-defined]


class InspectedAttribute(Value, frozen=True):
    instance: Reference
    name: str

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "loaded_value":
            return LoadedValue(self.instance, self.name)
        if name == "value":
            return self.instance.attribute(flow, state, self.name, at)
        return UNKNOWN


class LoadedValue(Value, frozen=True):
    """`inspect(obj).attrs.posts.loaded_value`: `NO_VALUE` where it is not loaded; emits no SQL."""

    instance: Reference
    name: str

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        if operator in ("is", "is not", "==", "!=") and isinstance(other, ExternalValue):
            if other.name.rpartition(".")[2] in ("NO_VALUE", "NEVER_SET", "ATTR_EMPTY"):
                return Evidence(self.instance, self.name, operator in ("is not", "!="))
        return None


class NameSet(Value, frozen=True):
    """`inspect(obj).unloaded`: the names of attributes."""

    instance: Reference
    kind: str

    def tested_for(self, flow: Flow, state: State, item: Value, holds: bool) -> Value | None:
        return evidence(self.instance, item, not holds)

    def truth(self, state: State) -> bool | None:
        """Is any name in it? Known when the instance is known."""
        record = state.record(self.instance.oid)
        if not isinstance(record, InstanceRecord) or self.kind != "expired_attributes":
            return None
        bits = [
            found.bits for name in record.model.attributes if (found := record.state_of(name)) is not None
        ]
        if any(one == EXPIRED for one in bits):
            return True
        return None if any(one & (EXPIRED | UNSURE) for one in bits) else False


def register(meanings: Meanings) -> None:
    for name in (
        "sqlalchemy.inspect",
        "sqlalchemy.orm.class_mapper",
        "sqlalchemy.orm.object_mapper",
        "sqlalchemy.inspection.inspect",
        "sqlalchemy.orm.attributes.instance_state",
        "sqlalchemy.orm.base.instance_state",
    ):
        meanings.calls[name] = _inspect
    for name in ("sqlalchemy.orm.attributes.set_committed_value", "sqlalchemy.orm.base.set_committed_value"):
        meanings.calls[name] = _set_committed
    for name in ("sqlalchemy.orm.make_transient", "sqlalchemy.orm.session.make_transient"):
        meanings.calls[name] = _make_transient
    meanings.calls["builtins.vars"] = _vars
    meanings.when_member_tested.append(_membership)


def _inspect(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    for one in alternatives(arguments.positional[0]) if arguments.positional else ():
        if isinstance(one, Reference) and isinstance(state.record(one.oid), InstanceRecord):
            return Inspection(one)
        model = flow.index.model(one.info) if isinstance(one, ClassValue) else None
        if model is not None:
            return MapperValue(model)
    return UNKNOWN


def _make_transient(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """It belongs to no session and to no row: what is not there is empty."""
    for one in alternatives(arguments.positional[0]) if arguments.positional else ():
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(one, Reference) and isinstance(record, InstanceRecord):
            kept = {name: held for name, held in record.attributes.items() if not held.bits & WRONG}
            made = replace(record, lifecycle=TRANSIENT, session=None, expired=None, attributes=kept)
            state.put(one, made)
    return NONE


def _vars(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    for one in alternatives(arguments.positional[0]) if arguments.positional else ():
        if isinstance(one, Reference) and isinstance(state.record(one.oid), InstanceRecord):
            return InstanceDict(one)
    return UNKNOWN


def _set_committed(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) == 3:
        target, name, value = arguments.positional
        for one in alternatives(target):
            if isinstance(one, Reference):
                _commit(state, one, name, value)
    return NONE


def _commit(state: State, instance: Reference, name: Value, value: Value) -> None:
    """The attribute is as if it had been loaded so."""
    record = state.record(instance.oid)
    if isinstance(record, InstanceRecord):
        if isinstance(name, Constant) and isinstance(name.value, str):
            state.put(instance, record.with_attribute(name.value, AttributeState(LOADED, value)))
        else:
            state.put(instance, forgotten(record))


def _membership(flow: Flow, state: State, name: str, container: p.Expression, holds: bool) -> None:
    """`"posts" in obj.__dict__`, `"posts" not in inspect(obj).unloaded`."""
    with flow.silently():
        value = flow.evaluate(state, container)
    for one in alternatives(value):
        if isinstance(one, InstanceDict):
            loaded, instance = holds, one.instance
        elif isinstance(one, NameSet):
            loaded, instance = not holds, one.instance
        else:
            continue
        record = state.record(instance.oid)
        if loaded and isinstance(record, InstanceRecord):
            found = record.state_of(name)
            if found is not None and found.bits & WRONG:
                state.put(instance, record.with_attribute(name, AttributeState(LOADED, found.value)))
