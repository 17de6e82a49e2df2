"""References: to which row a many-to-one leads is still known when an expiry has taken the object away."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, Constant, Reference, Symbol, Value, alternatives
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column, Model, Relationship
from asyncsqla_lint.semantics import paths
from asyncsqla_lint.semantics.attribute_states import LOADED, Key
from asyncsqla_lint.semantics.identity import compare, identity_of, same_row
from asyncsqla_lint.semantics.instances import TRANSIENT, InstanceRecord


def noted(state: State, record: InstanceRecord) -> InstanceRecord:
    """Its row says where it leads, and goes on saying so: that is kept for when the object is gone."""
    if record.many or _noted(state, record) is record:
        return record
    return paths.on_each(record, lambda one: _noted(state, one))


def _noted(state: State, record: InstanceRecord) -> InstanceRecord:
    leads = {**_written_down(record), **record.leads}
    for name, found in record.attributes.items():
        one = record.model.relationships.get(name) if found.value is not None else None
        if one is None or one.direction != "many-to-one" or found.bits != LOADED or found.value is None:
            continue
        key = _key_of(state, found.value)
        if key is not None:
            leads[name] = key
    return record if leads == record.leads else replace(record, leads=leads)


def _written_down(record: InstanceRecord) -> dict[str, Key]:
    """`Entry(ledger_id=ledger.id)`: to whom the keys lead that a row has been given."""
    leads: dict[str, Key] = {}
    for one in record.model.relationships.values() if record.is_made else ():
        if one.direction != "many-to-one" or one.target is None or len(one.local_keys) != 1:
            continue
        [name] = one.local_keys
        given, names = record.attributes.get(name), one.target.primary_key
        if given is None or given.bits != LOADED or not isinstance(given.value, Constant | Symbol):
            continue
        if given.value != NONE and len(names) == 1 and _names(record.model.columns[name], one.target):
            leads[one.name] = ((names[0], given.value),)
    return leads


def _names(column: Column, target: Model) -> bool:
    """Is it that row's primary key to which the column refers, and no other column of its?"""
    key = target.columns[target.primary_key[0]]
    return any(reference.column == (key.column_name or key.name) for reference in column.foreign_keys)


def _key_of(state: State, value: Value) -> Key | None:
    """Of the one object that it can be, if it is any at all."""
    objects = [one for one in alternatives(value) if one != NONE]
    if len(objects) != 1 or not isinstance(objects[0], Reference):
        return None
    target = state.record(objects[0].oid)
    if not isinstance(target, InstanceRecord) or target.many or is_outside(target):
        return None
    key = identity_of(objects[0], target)
    return key or tuple((name, Symbol.of_row(objects[0].oid, name)) for name in target.model.primary_key)


def link_of(one: Relationship) -> str:
    """The two sides of a reference are one link, that of its key; "" where nobody says what it is."""
    up = one if one.direction == "many-to-one" else one.inverse
    if up is not None and up.direction == "many-to-one" and up.local_keys:
        return f"{up.owner.name}.{'+'.join(sorted(up.local_keys))}"
    if one.inverse is None:
        return ""
    return min(f"{side.owner.name}.{side.name}" for side in (one, one.inverse))


def is_linked(record: InstanceRecord, root: ClassInfo, one: Relationship, *, at_its_end: bool) -> bool:
    """Has the program linked a new row with one of that class in this very way, as far as can be told?

    `at_its_end`: as the one to whom it leads. In a tree that is a parent, or it is a child.
    """
    link, role = link_of(one), role_at(one, its_end=at_its_end)
    return any(
        root is cls and (not link or not by or link == by) and (not role or not its or role == its)
        for cls, by, its in record.referring
    )


def may_be_referred_to(record: InstanceRecord, by: Model, one: Relationship) -> bool:
    """A row made here: does any other (of that table) refer to it, or it to any?"""
    if is_linked(record, by.root, one, at_its_end=True):
        return True
    keys = [key for key in record.model.columns.values() if key.foreign_keys and not key.primary_key]
    return one.direction != "many-to-one" and any(
        (given := record.attributes.get(key.name)) is not None and given.value != NONE for key in keys
    )


REFERS, REFERRED = "refers", "referred to"  # who has the foreign key, and whom it names


def role_at(one: Relationship, *, its_end: bool) -> str:
    """What a row is to the rows at the other end of that relationship; "" where a table stands between."""
    if one.direction not in ("many-to-one", "one-to-many"):
        return ""
    return REFERS if (one.direction == "many-to-one") != its_end else REFERRED


def is_outside(record: InstanceRecord) -> bool:
    """A mere object that no session has: a flush writes no key of it (`ASQ302/bad_child_of_nobody`)."""
    return record.lifecycle == TRANSIENT and record.session is None


def leads_to(
    state: State,
    me: Reference,
    record: InstanceRecord,
    relationship: Relationship,
    reference: Reference,
    other: InstanceRecord,
) -> bool | None:
    """Does that relationship of one row lead to that very instance?"""
    if relationship.direction == "many-to-one":
        key = record.leads.get(relationship.name)
        return None if key is None else same_row(reference, other, key)
    if record.many:
        return None
    up = relationship.inverse
    if up is None or up.direction != "many-to-one" or other.many:
        return other.parent == (me, relationship.name) or None
    if up.name in other.blank and other.is_new:
        return False
    key = noted(state, other).leads.get(up.name)
    return None if key is None else same_row(me, record, key)


def leads_elsewhere(state: State, relationship: Relationship, other: InstanceRecord, key: Key) -> bool:
    """Does a child's own row say that it is none of the row with that key? Or whose collection led to it."""
    up = relationship.inverse
    if up is not None and up.direction == "many-to-one" and not other.many:
        return are_apart(state, noted(state, other).leads.get(up.name), key)
    if relationship.direction != "one-to-many" or other.parent is None or other.is_directed:
        return False
    above, by = other.parent
    parent = state.record(above.oid)
    is_child = isinstance(parent, InstanceRecord) and parent.model.relationships.get(by) is relationship
    if not is_child or not isinstance(parent, InstanceRecord) or parent.many:
        return False
    return are_apart(state, identity_of(above, parent), key)


def are_apart(state: State, one: Key | None, other: Key | None) -> bool:
    """Two keys of two rows: written down both, or the one by the program, the other made by the database."""
    if one is None or other is None or [name for name, _ in one] != [name for name, _ in other]:
        return False
    pairs = [(mine, theirs) for (_, mine), (_, theirs) in zip(one, other, strict=True)]
    return compare(list(pairs)) is False or any(
        isinstance(constant, Constant) and _is_of_made(state, symbol)
        for pair in pairs
        for constant, symbol in (pair, pair[::-1])
    )


def _is_of_made(state: State, value: Value) -> bool:
    if not isinstance(value, Symbol) or not value.is_of_row:
        return False
    owner = state.record(int(value.name.partition(".")[0]))
    return isinstance(owner, InstanceRecord) and owner.is_made and not owner.many


def moved(state: State, relationship: Relationship) -> None:
    """The program has changed what it leads to: rows at either end may refer to others now."""
    up = relationship.inverse
    if relationship.direction == "many-to-one":
        rewritten(state, relationship.owner, frozenset((relationship.name,)))
    elif relationship.direction != "many-to-many" and relationship.target is not None:
        rewritten(state, relationship.target.cls, None if up is None else frozenset((up.name,)))


def rewritten(state: State, target: ClassInfo | None, names: frozenset[str] | None = None) -> None:
    """Rows of that class (of any) may lead elsewhere now: by these relationships or columns, or by any."""
    for reference, record in list(state.records(InstanceRecord)):
        if not record.leads or (target is not None and not record.model.cls.is_subclass_of(target)):
            continue
        kept = {
            name: key
            for name, key in record.leads.items()
            if names is not None
            and name not in names
            and not names & record.model.relationships[name].local_keys
        }
        state.put(reference, replace(record, leads=kept))
