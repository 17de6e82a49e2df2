"""SQLModel: its schemas are pydantic's (see there); a table model is made from, and updated by, a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.instances import InstanceRecord
from asyncsqla_lint.semantics.writing import construct

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.models import Model

_BUILDS = frozenset({"model_validate", "from_orm", "parse_obj", "validate", "model_construct"})


def register(meanings: Meanings) -> None:
    # Asked before pydantic: a table model is both a schema and mapped.
    meanings.when_class_read.insert(0, _class_read)
    meanings.when_inherited.insert(0, _inherited)


def _class_read(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    if name not in _BUILDS or cls.info.kind != "pydantic" or cls.info.find(name) is not None:
        return None
    return TableBuilder(cls) if flow.index.model(cls.info) is not None else None


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    record = state.record(me.oid) if isinstance(me, Reference) else None
    if isinstance(me, Reference) and isinstance(record, InstanceRecord) and name == "sqlmodel_update":
        return Updater(me)
    return None


class TableBuilder(Value, frozen=True):
    """`Hero.model_validate(hero_in, update={…})`: a new row."""

    cls: ClassValue

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        model = flow.index.model(self.cls.info)
        if model is None:
            return UNKNOWN
        source = arguments.get(0, "obj")
        given = _values(flow, state, source, model, at)
        update = arguments.keywords.get("update")
        if update is not None:
            given = {**given, **_values(flow, state, update, model, at)}
        return construct(flow, state, self.cls, model, Arguments((), given), at)


class TableBody(Value, frozen=True):
    """What a request's body makes of a table model: a new row with its columns, and nobody related."""

    cls: ClassValue

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        model = flow.index.model(self.cls.info)
        if model is None:
            return UNKNOWN
        given: dict[str, Value] = dict.fromkeys(model.columns, UNKNOWN)
        return construct(flow, state, self.cls, model, Arguments((), given), at)


def _values(flow: Flow, state: State, source: Value | None, model: Model, at: Span) -> dict[str, Value]:
    """What a source says of a model's columns and relationships."""
    record = state.record(source.oid) if isinstance(source, Reference) else None
    if isinstance(record, DictRecord):
        return {
            name: one
            for name, one in record.entries.items()
            if isinstance(name, str) and name in model.attributes
        }
    if source is None or not isinstance(record, (ObjectRecord, InstanceRecord)):
        return {}
    known = record.class_info()
    names = [name for name in model.attributes if known is not None and known.find(name) is not None]
    return {name: source.attribute(flow, state, name, at) for name in names}


class Updater(Value, frozen=True):
    """`hero.sqlmodel_update({…})`: assigns."""

    instance: Reference

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        source = arguments.get(0, "obj")
        for given in (source, arguments.keywords.get("update")):
            record = state.record(given.oid) if isinstance(given, Reference) else None
            if isinstance(record, DictRecord):
                for name, value in record.entries.items():
                    if isinstance(name, str):
                        self.instance.set_attribute(flow, state, name, value, at)
            elif given is not None and given != NONE and not isinstance(given, Constant):
                self._touch(flow, state, given, at)
        return self.instance

    def _touch(self, flow: Flow, state: State, given: Value, at: Span) -> None:
        """Some columns are assigned, nobody knows which: one will do to have a change to flush."""
        record = state.record(self.instance.oid)
        if isinstance(record, InstanceRecord):
            for name, column in record.model.columns.items():
                if not column.primary_key:
                    self.instance.set_attribute(flow, state, name, UNKNOWN, at)
                    return
