"""Identity: which instances of a session are, may be, or cannot be the same row."""

from __future__ import annotations

from asyncsqla_lint.flow.values import UNKNOWN, Constant, Member, Reference, Symbol, Value
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.semantics.attribute_states import Key
from asyncsqla_lint.semantics.instances import TRANSIENT, InstanceRecord

Equalities = tuple[tuple["ClassInfo | None", str, Value], ...]


def key_of(model: Model, equalities: Equalities) -> Key | None:
    """What a query's equalities say of the row: its primary key if they fix that, else all of them."""
    found = {
        name: value
        for cls, name, value in equalities
        if (cls is None or model.cls.is_subclass_of(cls) or cls.is_subclass_of(model.cls))
        and value is not UNKNOWN
        and not isinstance(value, Member)
    }
    if not found:
        return None
    if model.primary_key and all(name in found for name in model.primary_key):
        return tuple((name, found[name]) for name in model.primary_key)
    return tuple(sorted(found.items(), key=lambda item: item[0]))


def identity_of(reference: Reference, record: InstanceRecord) -> Key | None:
    """The primary key of an instance, as far as it has one."""
    names = record.model.primary_key
    if not names:
        return None
    if record.key is not None and is_primary(record.model, record.key):
        return record.key
    if record.lifecycle != TRANSIENT:
        known = {name: state.value for name, state in record.attributes.items()}
        return tuple((name, known.get(name) or Symbol.of_row(reference.oid, name)) for name in names)
    given = tuple(
        (name, state.value)
        for name in names
        if (state := record.attributes.get(name)) and state.value is not None
    )
    return given if len(given) == len(names) else None


def same_row(reference: Reference, record: InstanceRecord, key: Key | None) -> bool | None:
    """Is `record` the row that `key` identifies?"""
    if key is None or record.many:
        return None
    if all(value == Symbol.of_row(reference.oid, name) for name, value in key):
        return True
    if record.key == key:
        return True
    if record.key is None:
        known = {name: state.value for name, state in record.attributes.items() if state.value is not None}
        own = [known.get(name, Symbol.of_row(reference.oid, name)) for name, _ in key]
        if record.is_made and all(
            isinstance(value, Constant) and mine == Symbol.of_row(reference.oid, name)
            for mine, (name, value) in zip(own, key, strict=True)
        ):
            return False  # the key that the database gives is not one that the program writes down
        if all(name in known for name, _ in key):
            return compare([(known[name], value) for name, value in key])
        return None
    if {name for name, _ in record.key} == {name for name, _ in key}:
        theirs = dict(record.key)
        return compare([(theirs[name], value) for name, value in key])
    return None


def compare(pairs: list[tuple[Value | None, Value]]) -> bool | None:
    if all(a == b and isinstance(a, (Constant, Symbol)) for a, b in pairs):
        return True
    if any(isinstance(a, Constant) and isinstance(b, Constant) and a != b for a, b in pairs):
        return False
    return None


def is_primary(model: Model, key: Key) -> bool:
    return bool(model.primary_key) and tuple(name for name, _ in key) == model.primary_key


def may_be(record: InstanceRecord, cls: ClassInfo) -> bool:
    """Is the instance one of that class? What a query gave may be one of a subclass, what was made is not."""
    mine = record.model.cls
    return mine.is_subclass_of(cls) or (not record.is_made and cls.is_subclass_of(mine))
