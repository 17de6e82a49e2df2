"""Executing statements: what a session's queries give, and what its writes do to instances already there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Reference,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import Span, holds
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Column, Model
from asyncsqla_lint.semantics import (
    aborted,
    eager_use,
    expiry,
    flushing,
    ledger,
    loops,
    paths,
    references,
    refreshing,
)
from asyncsqla_lint.semantics.attribute_states import EXPIRED, UNLOADED, UNSURE, AttributeState, Cause, Key
from asyncsqla_lint.semantics.events import OptionsIgnored, StatementExecuted
from asyncsqla_lint.semantics.expressions import Computed, Criterion
from asyncsqla_lint.semantics.identity import key_of, same_row
from asyncsqla_lint.semantics.instances import MARKED, PERSISTENT, InstanceRecord
from asyncsqla_lint.semantics.loader_options import EAGER, LoaderOptions, collected, loads_by_name
from asyncsqla_lint.semantics.materialising import accompanied, materialise, or_else
from asyncsqla_lint.semantics.meeting import brought, executed, executed_for
from asyncsqla_lint.semantics.results import ResultRecord
from asyncsqla_lint.semantics.statements import Statement, with_execution_options
from asyncsqla_lint.semantics.whole_lists import has_all

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.semantics.sessions import SessionRecord

Performer = Callable[["Flow", State, Reference, "SessionRecord", Arguments, Span, str], Value]


def _execute(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span, name: str
) -> Value:
    argument = arguments.get(0, "statement") or UNKNOWN
    if session.autoflush:
        flushing.flush(flow, state, me, at)
    given = [one for one in alternatives(argument) if isinstance(one, Statement)]
    found = _one_of(flow, given) if given else None
    if flow.listens(StatementExecuted):
        flow.emit(StatementExecuted(flow.site(at), flow.frame, flow.is_certain, me, found, argument, name))
    if found is not None and not found.is_write:
        for one in given:
            eager_use.executed(flow, one)
        loops.asked(flow, state, name, (value for _, _, value in found.equalities), at)
    if flow.is_caught_somewhere:
        aborted.may_fail(flow, state, me, given, at)
    flushing.touch(state, me)
    if found is None:
        if name == "scalar":
            return UNKNOWN
        found = Statement("unknown", flow.site(at))
    options = arguments.keywords.get("execution_options")
    if isinstance(options, Reference):
        from asyncsqla_lint.flow.containers import DictRecord

        record = state.record(options.oid)
        if isinstance(record, DictRecord):
            found = with_execution_options(found, {str(key): value for key, value in record.entries.items()})
    if found.is_write or found.is_written_text:
        ledger.written(flow, state, me, name, at)
        names = None if found.values is None or found.is_written_text else {name for name, _ in found.values}
        references.rewritten(state, found.target, frozenset(names) if names else None)
    if found.is_write:
        apply_write(flow, state, me, found, at)
    is_async = name.startswith("stream")
    if not is_async:
        executed(flow, state, me, found)
    # One that was closed before begins anew, and its stream is open.
    executor = me if getattr(state.record(me.oid), "is_open", True) else None
    result = ResultRecord(found, me, flow.site(at), is_async=is_async, executor=executor)
    if name in ("scalars", "stream_scalars") or (name == "exec" and found.gives_values):
        result = replace(result, shape="scalars")
    reference = flow.allocate(state, result)
    if name == "scalar":
        # `session.scalar()` fetches `first()`, which needs no unique().
        return union((replace(result, shape="scalars").element(flow, state, many=False), NONE))
    return reference


def _one_of(flow: Flow, found: list[Statement]) -> Statement:
    """Statements of several paths: an option that only some have loads on these."""
    first = found[0]
    if any(one.entities != first.entities for one in found):
        return replace(first, entities=(UNKNOWN,) * len(first.entities))
    if len(found) > 1:
        first = replace(first, equalities=(), has_criteria=True)
    if all(one.options == first.options for one in found):
        return first
    common = tuple(option for option in first.options if all(option in one.options for one in found))
    rest = tuple(tuple(option for option in one.options if option not in common) for one in found)
    if not all(loads_by_name(option) for options in rest for option in options):
        return replace(first, options=(*common, LoaderOptions(is_open=True)))
    function = flow.frame.function
    is_here = function is not None and all(
        one.site.module is flow.frame.module and holds(function.body, one.site.span) for one in found
    )
    return replace(first, options=common, perhaps=rest, chosen_in=flow.frame.id if is_here else 0)


def _get(
    flow: Flow, state: State, me: Reference, session: SessionRecord, arguments: Arguments, at: Span, name: str
) -> Value:
    cls = arguments.get(0, "entity")
    ident = arguments.get(1, "ident")
    if not isinstance(cls, ClassValue):
        return UNKNOWN
    model = flow.index.model(cls.info)
    if model is None:
        return UNKNOWN
    options: tuple[LoaderOptions, ...] = ()
    asked = arguments.keywords.get("options")
    if asked is not None:
        options = tuple(collected(flow, state, Arguments((asked,)), at))
    equalities: tuple[tuple[ClassInfo | None, str, Value], ...] = ()
    if ident is not None and ident is not UNKNOWN and len(model.primary_key) == 1:
        equalities = ((model.cls, model.primary_key[0], ident),)
    populate = arguments.keywords.get("populate_existing") == Constant(True)
    locks = arguments.keywords.get("with_for_update") not in (None, NONE, Constant(False))
    statement = Statement(
        "select",
        flow.site(at),
        (cls,),
        options,
        equalities,
        has_criteria=True,
        populate_existing=populate,
    )
    if flow.listens(StatementExecuted):
        flow.emit(StatementExecuted(flow.site(at), flow.frame, flow.is_certain, me, statement, cls, name))
    loops.asked(flow, state, name, () if ident is None else (ident,), at)
    if not populate and not locks:
        one_of_them = _one_that_is_held(flow, state, me, model, alternatives(ident) if ident else ())
        if one_of_them is not None:
            return one_of_them
    key = key_of(model, equalities)
    each = _already_held(state, me, model.cls, key)
    held = each[0] if each else None
    if held is not None and not populate and not locks:
        record = state.record(held.oid)
        assert isinstance(record, InstanceRecord)
        if _are_on_each_path(state, each):
            return union(tuple(each))
        if record.absent:
            flushing.autoflush(flow, state, me, at)
            made = state.record(materialise(flow, state, me, model, statement, many=False, besides=held).oid)
            now = state.record(held.oid)
            assert isinstance(made, InstanceRecord) and isinstance(now, InstanceRecord)
            back = refreshing.reloaded(now) if now.is_expired else refreshing.perhaps_reloaded(now)
            return or_else(state, held, back, made)
        if not record.is_expired:
            if any(one.is_expired for one in paths.of(record)):
                state.put(held, refreshing.reloaded(record))
            _ignored(flow, state, held, options, at)
            kept = state.record(held.oid)
            if isinstance(kept, InstanceRecord):
                state.put(held, refreshing.perhaps_reloaded(kept))
            return held
        # Expired: it is loaded again, yet the options are still not its own
        # (`get_options_when_expired_honoured`).
        statement = replace(statement, options=())
        flushing.autoflush(flow, state, me, at)
        flushing.touch(state, me)
        now = state.record(held.oid)
        came_back = refreshing.reloaded(now if isinstance(now, InstanceRecord) else record)
        state.put(held, accompanied(state, came_back, held))
        brought(flow, state, held, record, (), at)
        return held
    by_key = not populate and not locks
    alive = state.alive() if by_key else set[int]()
    all_of_them = [
        one
        for reference, one in expiry.held(state, me)
        if reference.oid in alive and has_all(state, one, model, key)
    ]
    if all_of_them:  # it is there, so it is loaded as it was, if at all
        statement = replace(statement, options=())
    if all(one.expired is not None for one in all_of_them):  # else nothing is asked, so nothing is flushed
        flushing.autoflush(flow, state, me, at)
        if statement.options or any(record.expired is not None for _, record in expiry.held(state, me)):
            executed_for(flow, state, me, model, statement)  # whom it loads besides comes back, or gets more
    flushing.touch(state, me)
    eager_use.executed(flow, statement)
    found = materialise(flow, state, me, model, statement, many=False, by_key=by_key)
    given = state.record(found.oid)
    if by_key and isinstance(given, InstanceRecord) and given.origin != statement.site:
        _ignored(flow, state, found, options, at)  # one of all rows, which are there
    return found if name == "get_one" else union((found, NONE))


def _one_that_is_held(
    flow: Flow, state: State, session: Reference, model: Model, idents: tuple[Value, ...]
) -> Value | None:
    """Two paths have made one instance each, and it is asked for by its key: whichever it is, it is there."""
    if len(idents) < 2 or len(model.primary_key) != 1:
        return None
    found: list[Value] = []
    for ident in idents:
        key = key_of(model, ((model.cls, model.primary_key[0], ident),))
        each = _already_held(state, session, model.cls, key)
        held = each[0] if each else None
        record = state.record(held.oid) if held is not None else None
        if held is None or not isinstance(record, InstanceRecord) or record.absent or record.is_expired:
            return None
        found.append(held)
    return union(tuple(found))


def _ignored(flow: Flow, state: State, held: Reference, options: tuple[LoaderOptions, ...], at: Span) -> None:
    """The identity is there: no SQL, and the options do nothing (`get_with_options_when_in_identity_map`)."""
    record = state.record(held.oid)
    assert isinstance(record, InstanceRecord)
    wanted = [
        entry.path[0].name
        for option in options
        for entry in option.entries
        if len(entry.path) == 1 and entry.strategy in EAGER
    ]
    ignored = {name: kept for name in wanted if (kept := record.state_of(name)) and kept.bits == UNLOADED}
    if ignored:
        if flow.listens(OptionsIgnored):
            flow.emit(OptionsIgnored(flow.site(at), flow.frame, flow.is_certain, record, record.model))
        doubted = {name: replace(kept, bits=UNLOADED | UNSURE) for name, kept in ignored.items()}
        state.put(held, replace(record, attributes={**record.attributes, **doubted}))


def _already_held(state: State, session: Reference, cls: ClassInfo, key: Key | None) -> list[Reference]:
    """The instances of that row: where paths have met, each may have loaded it as an object of its own."""
    if key is None:
        return []
    alive = state.alive()
    return [
        reference
        for reference, record in expiry.held(state, session)
        if record.model.cls.is_subclass_of(cls)
        and record.lifecycle in (PERSISTENT, MARKED)
        and reference.oid in alive
        and same_row(reference, record, key)
    ]


def _are_on_each_path(state: State, each: list[Reference]) -> bool:
    """Two that are there on some path, and not on the same: whichever it is, it is there."""
    records = [one for reference in each if isinstance(one := state.record(reference.oid), InstanceRecord)]
    paths = {one.absent for one in records}
    return len(paths) > 1 and min(paths) > 0 and not any(one.is_expired for one in records)


# --- writes through statements -------------------------------------------------------------------


def apply_write(flow: Flow, state: State, session: Reference, statement: Statement, at: Span) -> None:
    """An UPDATE through the session touches the instances that it matches (`bulk_update_fetch_expr`)."""
    if statement.kind != "update" or statement.target is None or statement.synchronize == "False":
        return
    from asyncsqla_lint.semantics import unread

    model = flow.index.model(statement.target)
    if model is not None:
        unread.shown(flow, state, session, model)
    cause = Cause("update", flow.site(at))
    for reference, record in list(expiry.held(state, session)):
        if not record.model.cls.is_subclass_of(statement.target) or record.lifecycle != PERSISTENT:
            continue
        if record.is_expired and statement.synchronize != "fetch":
            continue  # Python cannot say whether it matches, and passes over it
        key = key_of(record.model, statement.equalities)
        same = True if not statement.has_criteria else same_row(reference, record, key)
        if same is False:
            continue
        names: list[str] = []
        for name, value in statement.values or ():
            if isinstance(value, Criterion) and not isinstance(value, Computed):
                names.append(name)  # Python cannot compute it (`bulk_update_fetch_expr`)
        for name, attribute in record.model.attributes.items():
            if isinstance(attribute, Column) and attribute.is_set_by_server_on_update:
                if statement.values is not None and name not in dict(statement.values):
                    names.append(name)
        attributes = dict(record.attributes)
        for name in names:
            before = record.state_of(name)
            if before is not None:
                bits = EXPIRED if same else before.bits | EXPIRED | UNSURE
                attributes[name] = AttributeState(bits, None, cause)
        written = True if same or record.is_written else None
        state.put(reference, replace(record, attributes=attributes, is_written=written))


METHODS: dict[str, Performer] = {
    "execute": _execute,
    "scalars": _execute,
    "scalar": _execute,
    "stream": _execute,
    "stream_scalars": _execute,
    "exec": _execute,
    "get": _get,
    "get_one": _get,
}
