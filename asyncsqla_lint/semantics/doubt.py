"""Doubt: what is left open where an instance may be the row in question, or another."""

from __future__ import annotations

from msgspec.structs import replace

from asyncsqla_lint.semantics.attribute_states import (
    LOADED,
    RAISES,
    SURE,
    UNLOADED,
    UNSURE,
    AttributeState,
    Key,
    in_doubt,
    surely_wrong,
)
from asyncsqla_lint.semantics.default_states import NOTHING
from asyncsqla_lint.semantics.identity import compare
from asyncsqla_lint.semantics.instances import InstanceRecord
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.refreshing import reloaded
from asyncsqla_lint.semantics.requerying import requeried
from asyncsqla_lint.semantics.statements import Statement

SOME_ROW: Key = ()  # one, and nobody knows which


def perhaps_requeried(
    record: InstanceRecord, plan: Plan, statement: Statement, key: Key | None = None
) -> InstanceRecord:
    """A query may have met this instance: where that makes a difference, it is in doubt.

    `key`: the primary key of the one row that the query asked for. If the record stands for many, that is
    one of these at most; else it is the row, or still what it was.
    """
    return perhaps(record, requeried(record, plan, statement), key)


def perhaps(record: InstanceRecord, met: InstanceRecord, key: Key | None = None) -> InstanceRecord:
    """The instance as it is, or as it would be: where that makes a difference, it is in doubt."""
    attributes, origin = dict(record.attributes), record.origin
    for name in record.model.attributes:
        before, after = record.state_of(name), met.state_of(name)
        if before is None or after is None:
            continue
        if before.plan is NOTHING and after.bits == LOADED and after.plan is not NOTHING:
            attributes[name] = replace(after, plan=after.plan or met.plan)  # whoever is there came so
            origin = met.origin
            continue
        if before.bits == after.bits:
            continue
        wrong = surely_wrong(before.bits)
        if key is None or not record.many:
            both = before.joined(after)
            both = both.doubted() if both.bits & (LOADED | UNSURE) else both
        elif before.rows == (key,) and not surely_wrong(before.otherwise | after.bits):
            attributes[name] = before.settled()  # that row alone was without it, and has it again
            continue
        elif not before.bits & (LOADED | UNSURE):
            both = before  # the others are still without it
        else:
            both = before.joined(after).doubted()
            both = replace(both, bits=both.bits | wrong << SURE)
        if key is not None and (record.many or key != SOME_ROW):
            rows = before.rows if key in before.rows else (*before.rows, key)
            both = replace(both, rows=rows, otherwise=before.otherwise if before.rows else before.bits)
        attributes[name] = both
    return replace(record, attributes=attributes, origin=origin)


def perhaps_one_of(fresh: InstanceRecord, others: list[InstanceRecord]) -> InstanceRecord:
    """The new instance may be one that is already there, with more loaded than the query says."""
    others = [reloaded(one) if one.is_expired else one for one in others]
    attributes = dict(fresh.attributes)
    for name in fresh.model.attributes:
        found = fresh.state_of(name)
        if found is None or not found.bits & (UNLOADED | RAISES):
            continue
        given = [
            (one, bits)
            for one in others
            if (theirs := one.state_of(name)) is not None
            and (bits := bits_if(theirs, fresh.key)) & (LOADED | UNSURE)
        ]
        if given:
            bits = in_doubt(found.bits)
            if _are_out_together(given):
                bits |= surely_wrong(found.bits) << SURE
            attributes[name] = replace(found, bits=bits)
    return replace(fresh, attributes=attributes)


def perhaps_filled(record: InstanceRecord, names: list[str], leads_to_one: bool) -> InstanceRecord:
    for name in names:
        found = record.state_of(name)
        if found is None or not surely_wrong(found.bits):
            continue
        if leads_to_one and record.many:  # the others are still without it
            found = replace(found, rows=(*found.rows, SOME_ROW), otherwise=found.otherwise or found.bits)
            record = record.with_attribute(name, found)
        else:
            record = record.with_attribute(name, found.doubted())
    return record


def bits_if(state: AttributeState, key: Key | None) -> int:
    """What it is if the instance is the row that `key` identifies."""
    if not state.rows or key is None:
        return state.bits
    named = {name for name, _ in key}
    compared = {
        compare([(value, dict(row)[name]) for name, value in key])
        if named == {name for name, _ in row}
        else None
        for row in state.rows
    }
    if True in compared or SOME_ROW in state.rows:
        return in_doubt(state.bits | LOADED)
    return state.otherwise if compared == {False} else state.bits


def _are_out_together(given: list[tuple[InstanceRecord, int]]) -> bool:
    """Is there a path on which none of them is there, or has what is missing?"""
    first, bits = given[0]
    if len(given) == 1:
        return bool(first.absent or surely_wrong(bits))
    return first.absent > 0 and all(one.absent == first.absent for one, _ in given)
