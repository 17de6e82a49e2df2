"""An attribute that is not there is read: what it would do, who says so, and what is known after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.stdlib import context_variables
from asyncsqla_lint.flow.values import NONE, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import MappedAttribute, Relationship
from asyncsqla_lint.semantics import expiry, paths, testing
from asyncsqla_lint.semantics.attribute_states import (
    CHOSEN,
    DYNAMIC,
    EXPIRED,
    LOADED,
    RAISES,
    UNLOADED,
    UNSURE,
    AttributeState,
    Cause,
    surely_wrong,
)
from asyncsqla_lint.semantics.default_states import expired_state
from asyncsqla_lint.semantics.events import AttributeLoad
from asyncsqla_lint.semantics.instances import InstanceRecord, current, forgotten, is_instance
from asyncsqla_lint.semantics.many_to_one import known_target, leads_nowhere, may_be_known
from asyncsqla_lint.semantics.plans import Plan
from asyncsqla_lint.semantics.surroundings import around

ANYTHING = Plan(is_open=True)
FROM_ELSEWHERE = Plan(is_open=True, is_elsewhere=True)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def missing(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: MappedAttribute,
    found: AttributeState,
    at: Span,
    use: str,
) -> tuple[AttributeState, Value | None]:
    """The attribute is not there on some or every path. Says so, and goes on as if it were, once said."""
    name = attribute.name
    on_one_path = bool(found.bits & UNSURE)
    record = _where_missing(record, name)
    if found.bits & UNSURE and (wrong := surely_wrong(found.bits)):
        # On one path it is missing: it is spoken of that one.
        found = replace(found, bits=wrong | LOADED, rows=())
    certain = not found.bits & (LOADED | UNSURE)
    reports = not found.bits & UNSURE and (not found.bits & CHOSEN or _is_chosen_here(flow, record))
    if reports and record.lifecycle == "mixed":
        certain = False
    is_known = False
    emits_sql = found.bits & (UNLOADED | EXPIRED) or (
        isinstance(attribute, Relationship) and record.raises_on_sql_only(attribute)
    )
    if (
        reports
        and isinstance(attribute, Relationship)
        and emits_sql
        and use != "change"
        and not record.is_detached
        and record.knows(attribute)
    ):
        target = known_target(flow, state, me, record, attribute)
        if target is None and (name in record.blank or leads_nowhere(record, attribute)):
            target = NONE
        if target is not None:
            loaded = AttributeState(LOADED, target)
            state.put(me, current(state, me, record).with_attribute(name, loaded))
            return loaded, None
        known = may_be_known(flow, state, me, record, attribute, on_one_path=on_one_path)
        if known is None:
            certain = False
        elif known:
            reports = False
            is_known = True
            flow.count("reads that the identity map may answer")
    if reports and allowed(flow, state, record, attribute, found):
        reports = False
    if reports and not certain and _is_only_tried_out(flow, found.cause or record.expired):
        reports = False
    guard = flow.is_caught(
        "MissingGreenlet", "DetachedInstanceError", "InvalidRequestError", "StatementError", "SQLAlchemyError"
    )
    if reports and not guard:
        emit(flow, state, me, record, attribute, found, certain, at, use)
        flow.count("reads decided")
        if found.bits & EXPIRED and record.expired is not None:
            _forget_siblings(state, me, record)
        if found.bits & EXPIRED:
            expiry.spared(state, record, found)
    elif found.bits & UNSURE:
        undecided(flow, record, attribute)
    elif not reports:
        flow.count("reads decided")
    if found.bits & (EXPIRED | UNSURE):
        expiry.got_past(state, record)
    # Said once on this path; what follows reads the value as if it had come. An expired instance is
    # loaded whole by the first such read, so the other columns say nothing more.
    now = current(state, me, record)
    if found.bits & EXPIRED and now.expired is not None and not isinstance(attribute, Relationship):
        now = replace(now, expired=None, attributes={**_unsure(now, now.expired), **now.attributes})
    elif reports and (left := [one for one in paths.of(now) if not _is_wrong(one, name)]):
        now = paths.together(now, tuple(left))
    elif reports and found.bits & EXPIRED and found.bits & LOADED:
        now = expiry.where_it_was_there(now, found.cause)
    loaded = AttributeState(UNSURE if found.bits & DYNAMIC == 0 else DYNAMIC | UNSURE, found.value)
    if not reports and not record.many and not found.bits & DYNAMIC:
        loaded = AttributeState(
            LOADED, found.value, plan=FROM_ELSEWHERE if is_known else ANYTHING
        )  # it came, or we would not be here
    state.put(me, now.with_attribute(name, loaded))
    return loaded, None


def _is_wrong(record: InstanceRecord, name: str) -> bool:
    found = record.state_of(name)
    return found is not None and bool(surely_wrong(found.bits))


def _where_missing(record: InstanceRecord, name: str) -> InstanceRecord:
    """It is spoken of the paths on which it is not there: its session may have let it go on these."""
    some = paths.of(record)
    missed = tuple(one for one in some if _is_wrong(one, name))
    return paths.together(record, missed) if 0 < len(missed) < len(some) else record


def _is_only_tried_out(flow: Flow, cause: Cause | None) -> bool:
    """A test that passes takes none of the paths on which what it tries out rolls back.

    `ASQ207/good_tried_out`.
    """
    if cause is None or cause.site is None or not testing.in_test(flow.frame):
        return False
    return testing.is_test_module(flow.frame.module) and not testing.is_test_module(cause.site.module)


def _is_chosen_here(flow: Flow, record: InstanceRecord) -> bool:
    """Does the function still run whose paths chose the options? None of its tests tells them apart."""
    frame: Frame | None = flow.frame
    while frame is not None and record.plan is not None:
        if frame.id == record.plan.chosen_in:
            return True
        frame = frame.caller
    return False


def undecided(flow: Flow, record: InstanceRecord, attribute: MappedAttribute) -> None:
    """Counts a read of which it cannot be told whether the attribute is there, and why."""
    flow.count("reads undecided")
    why = "after something that is not followed, or was reported"
    if record.plan is None and not record.is_new:
        why = "of an instance that comes from outside"
    elif isinstance(attribute, Relationship) and attribute.target is None:
        why = "of a relationship whose target is not known"
    elif record.plan is not None and record.plan.is_open:
        why = "under loader options that are not all known"
    flow.count(f"- {why}")


def _forget_siblings(state: State, me: Reference, record: InstanceRecord) -> None:
    """One cause, one finding: the other rows of the same query were expired by the same stroke."""
    for reference, other in state.records(InstanceRecord):
        if (
            reference != me
            and other.expired == record.expired
            and other.origin == record.origin
            and other.model is record.model
        ):
            state.put(reference, replace(forgotten(other), expired=None))


def _unsure(record: InstanceRecord, cause: Cause) -> dict[str, AttributeState]:
    """Of an instance whose columns came back: its relationships are still expired."""
    return {
        name: expired_state(record, attribute, cause)
        for name, attribute in record.model.attributes.items()
        if isinstance(attribute, Relationship) and attribute.lazy not in ("dynamic", "write_only")
    }


def allowed(
    flow: Flow, state: State, record: InstanceRecord, attribute: MappedAttribute, found: AttributeState
) -> bool:
    """May plain Python emit SQL here? Under `run_sync`, or for an instance of a sync session, it may."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    if found.bits & (RAISES | DYNAMIC) and not found.bits & (UNLOADED | EXPIRED):
        if found.bits & RAISES:
            return False
    if record.is_detached:
        return False
    if around(flow).greenlets:
        return True
    if record.session is None:
        return True
    session = state.record(record.session.oid)
    return not (isinstance(session, SessionRecord) and session.is_async)


def emit(
    flow: Flow,
    state: State,
    me: Reference,
    record: InstanceRecord,
    attribute: MappedAttribute,
    found: AttributeState,
    certain: bool,
    at: Span,
    use: str,
) -> None:
    if not flow.listens(AttributeLoad):
        return
    site, frame, via = standing(flow, at)
    cause = "unloaded"
    if found.bits & DYNAMIC:
        cause = "dynamic"
    elif found.bits & RAISES and not found.bits & EXPIRED:
        cause = "raise"
    elif found.bits & EXPIRED:
        cause = "expired"
    elif found.bits & RAISES:
        cause = "raise"
    why = found.cause or record.expired
    detached = record.is_detached
    if detached and cause == "raise":
        # Columns and `raise_on_sql` miss the session first, `raise` does not get that far.
        detached = not isinstance(attribute, Relationship) or record.raises_on_sql_only(attribute)
        cause = "unloaded" if detached else "raise"
    if detached and record.detached_by is not None and (why is None or not found.bits & EXPIRED):
        why = record.detached_by
    if why is not None and (why.assumption or not why.certain):
        certain = False
    above, by = path_to(state, record)
    flow.emit(
        AttributeLoad(
            site,
            frame,
            certain and flow.is_certain,
            record,
            record.model,
            attribute,
            cause,
            "serialize" if around(flow).serializing else use,
            detached,
            flow.site(at),
            record.origin,
            why.site if why is not None else None,
            why.what if why is not None else "",
            why.assumption if why is not None else "",
            via,
            (*above, attribute) if isinstance(attribute, Relationship) and above is not None else (),
            above,
            by,
            why.maker if why is not None else None,
            not detached and _refuses(state, record),
            record.session is not None and context_variables.is_assumed(state, record.session),
        )
    )


def _refuses(state: State, record: InstanceRecord) -> bool:
    """Its session refuses everything until a rollback, before it comes to any IO."""
    from asyncsqla_lint.semantics.sessions import SessionRecord

    session = None if record.session is None else state.record(record.session.oid)
    failure = session.failure if isinstance(session, SessionRecord) else None
    return failure is not None and failure.of == "flush" and failure.is_waiting and not failure.is_doubtful


def path_to(
    state: State, record: InstanceRecord
) -> tuple[tuple[Relationship, ...] | None, tuple[str | None, ...]]:
    """The relationships from the instance that the query gave to this one, and how the query loads each.

    None where they cannot be told.
    """
    found: list[tuple[Relationship, str | None]] = []
    while record.parent is not None and len(found) < 7:
        owner, name = record.parent
        parent = state.record(owner.oid)
        step = parent.model.relationships.get(name) if isinstance(parent, InstanceRecord) else None
        if step is None or not isinstance(parent, InstanceRecord):
            return None, ()
        found.append((step, None if parent.plan is None else parent.plan.strategy(step)))
        record = parent
    found.reverse()
    return tuple(step for step, _ in found), tuple(how for _, how in found)


def standing(flow: Flow, at: Span) -> tuple[Site, Frame, str]:
    """Where a finding stands: outside of mapped classes, at the expression that set the read off."""
    frame, span = around(flow).serialized_at or (flow.frame, at)
    via = ""
    while frame.caller is not None and frame.function is not None:
        if frame.function.is_async or not _is_mapped(flow, frame):
            break
        if frame.caller.function is None and frame.caller.module is None:
            break
        via = via or frame.function.qualname
        span, frame = frame.call_span, frame.caller
    return Site(frame.module, span), frame, via


def _is_mapped(flow: Flow, frame: Frame) -> bool:
    """Does the frame run a method of a mapped class (or of a mixin, for an instance of one)?"""
    function, receiver = frame.function, frame.receiver
    if isinstance(receiver, Reference) and is_instance(flow, receiver):
        return True
    while function is not None:
        if function.owner is not None:
            return flow.index.model(function.owner) is not None
        function = function.parent
    return False
