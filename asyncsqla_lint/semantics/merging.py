"""`merge()`: the session's own instance of an identity gets what another has loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import Column, Relationship
from asyncsqla_lint.semantics import eager_use
from asyncsqla_lint.semantics.attribute_states import LOADED, UNSURE, WRITTEN, AttributeState
from asyncsqla_lint.semantics.expiry import held, instances_in
from asyncsqla_lint.semantics.flushing import asked_for_key, flush, touch
from asyncsqla_lint.semantics.instances import PENDING, TRANSIENT, InstanceRecord, allocate
from asyncsqla_lint.semantics.loader_options import LoaderOptions, collected
from asyncsqla_lint.semantics.plans import Plan

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.semantics.sessions import SessionRecord


def merge(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span
) -> Value:
    if session.autoflush:
        flush(flow, state, me, at)
    given = arguments.keywords.get("options")
    options = () if given is None else tuple(collected(flow, state, Arguments((given,)), at))
    for source, record in list(instances_in(state, arguments.get(0, "instance") or UNKNOWN)):
        if record.origin is not None:
            eager_use.read_whole(flow, record.origin)
        target = _merge_target(flow, state, me, source, record, options, at)
        merged = state.record(target.oid)
        assert isinstance(merged, InstanceRecord)
        state.put(target, _merged(merged, record))
        return target
    return UNKNOWN


def _merge_target(
    flow: Flow,
    state: State,
    session: Reference,
    source: Reference,
    record: InstanceRecord,
    options: tuple[LoaderOptions, ...],
    at: Span,
) -> Reference:
    """The session's own instance of that identity; one that it loads; or a new one."""
    from asyncsqla_lint.semantics.identity import identity_of, same_row
    from asyncsqla_lint.semantics.materialising import materialise
    from asyncsqla_lint.semantics.statements import Statement

    model, site = record.model, flow.site(at)
    touch(state, session)  # to change an attribute begins a transaction, too
    key = identity_of(source, record)
    if key is None and record.lifecycle == TRANSIENT:
        new = InstanceRecord(
            model, session=session, lifecycle=PENDING, is_new=True, is_made=True, origin=site
        )
        return allocate(flow, state, new)
    if key is not None:
        alive = state.alive()
        for reference, one in held(state, session):
            if one.model is model and reference.oid in alive and same_row(reference, one, key):
                # Its key is assigned, and so looked at: that loads again what is expired.
                state.put(reference, asked_for_key(replace(one, replayed=_brought(record)), True))
                return reference
    equalities = () if key is None else tuple((model.cls, name, value) for name, value in key)
    statement = Statement("select", site, (ClassValue(model.cls),), options, equalities, has_criteria=True)
    return materialise(flow, state, session, model, statement, many=False)


def _merged(target: InstanceRecord, source: InstanceRecord) -> InstanceRecord:
    """What the source has loaded is given to the target."""
    attributes = dict(target.attributes)
    is_transient = source.lifecycle == TRANSIENT
    for name in source.attributes if is_transient else source.model.attributes:
        found = source.state_of(name)
        if found is None or not found.bits & (LOADED | UNSURE):
            continue
        if isinstance(source.model.attributes.get(name), Relationship):
            attributes[name] = AttributeState(found.bits | UNSURE)
        elif found.bits & LOADED and isinstance(source.model.attributes.get(name), Column):
            is_written = is_transient and name not in source.model.primary_key
            attributes[name] = AttributeState(found.bits, None, WRITTEN if is_written else None)
    is_modified = True if is_transient else target.is_modified
    if not is_modified and not _is_as_loaded(source):
        is_modified = None
    return replace(
        target,
        attributes=attributes,
        is_modified=is_modified,
        only_collections=False,
        is_written=True,
        leads={},
        replayed=_brought(source),
    )


def _is_as_loaded(source: InstanceRecord) -> bool:
    """What a query gave and nobody has changed is given back to its own row: nothing waits for a flush."""
    is_changed = source.is_new or source.is_modified is not False or source.is_written is not False
    return source.plan is not None and not is_changed


def _brought(source: InstanceRecord) -> tuple[Plan, ...]:
    """The loader options come along first of all: a refresh replays those of the source."""
    return source.replays if source.replays else (Plan(is_open=True),)
