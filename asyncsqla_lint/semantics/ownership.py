"""Who disposes an engine: the function that has it in hand when it ends; for a module's, anybody at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import Method, Reference, Value, alternatives
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External
from asyncsqla_lint.project.outline import DISPOSE
from asyncsqla_lint.semantics import disposals, lifespans, scripts, testing
from asyncsqla_lint.semantics.custody import held_by_others
from asyncsqla_lint.semantics.engine_events import EngineAbandoned
from asyncsqla_lint.semantics.engines import DISPOSED, HALF, OPEN, EngineRecord, watched

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

CACHES = frozenset(
    ("functools.lru_cache", "functools.cache", "async_lru.alru_cache", "cachetools.func.lru_cache")
)


def register(meanings: Meanings) -> None:
    meanings.when_ended.append(engines_abandoned)
    meanings.when_module_ended.append(module_ended)
    meanings.when_class_changed.append(kept_by_class)
    meanings.when_kept_elsewhere.append(kept_elsewhere)
    meanings.watches.append(watches)


def pools(record: EngineRecord) -> bool:
    """Does the engine keep connections open?"""
    if record.fails:
        return False
    pool = record.options.get("poolclass")
    if pool is None:
        return True
    return any(
        not isinstance(one, ExternalValue) or not one.name.endswith(".NullPool") for one in alternatives(pool)
    )


def _is_pooling(record: object) -> bool:
    """Is it an async engine, not disposed, that keeps connections open?"""
    return isinstance(record, EngineRecord) and record.is_async and record.fate == OPEN and pools(record)


def watches(flow: Flow, info: FunctionInfo) -> bool:
    """Is it worth knowing in which states an exception may leave this function?"""
    return info.is_async and DISPOSE in info.header.mentions and flow.listens(EngineAbandoned)


def engines_abandoned(
    flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State]
) -> None:
    mine = [oid for oid in watched(flow, frame) if oid not in flow.spared]
    if not mine or not flow.listens(EngineAbandoned):
        return
    if frame.function is None:
        _given_by_fixtures(flow, frame, done, mine)
        return
    if frame.captured is not None and _nested_dispose(frame.function):
        return
    if frame.function in scripts.whole_process(flow, frame.module):
        flow.spared.update(mine)
        return
    for state, value in done:
        _kept_by_modules(flow, state, frame, mine, value)
        _kept_by_receiver(flow, state, frame, value)
    # Of an engine whose sync half alone was disposed, that is the defect; or that nobody has awaited it.
    reported = {
        record.site
        for state, _ in done
        for oid in mine
        if isinstance(record := state.heap.get(oid), EngineRecord)
        and (record.fate == HALF or _is_dispose_dropped(state, Reference(oid)))
    }
    for state, value in done:
        for reference, record in _open(flow, state, frame, mine, (value,)):
            _abandon(flow, frame, record, "never", reported)
            state.put(reference, replace(record, fate=DISPOSED))
    if scripts.is_main(flow, frame.function) or lifespans.is_run_by_application(flow, frame.function):
        flow.spared.update(mine)  # an exception that leaves it ends the process, whoever has run it
        return
    if testing.is_test(frame.function):
        return  # it has failed then, or is not run: that is what has to be mended
    owned = _disposed_here(frame, done, mine)
    for state in (*raised, *risky):
        lost = _open(flow, state, frame, mine, ())
        for reference, record in lost or _open(flow, state, frame, owned, (), but=frame.receiver):
            _abandon(flow, frame, record, "exception", reported)
            state.put(reference, replace(record, fate=DISPOSED))


def _given_by_fixtures(flow: Flow, frame: Frame, done: list[Option], mine: list[int]) -> None:
    """`return create_async_engine(URL)`: the test that is over has not disposed it; does anybody else?"""
    root = flow.notes.get("root")
    if isinstance(root, FunctionInfo) and testing.is_test(root):
        for state, _ in done:
            left = _open(flow, state, frame, mine, ())
            _kept_for_good(flow, state, [one.oid for one, record in left if _is_of_tests(record)], frame)


def _is_of_tests(record: EngineRecord) -> bool:
    """What the code that is tried out keeps is not the tests' matter."""
    return record.site.module.says("pytest", "pytest_asyncio")


def _disposed_here(frame: Frame, done: list[Option], mine: list[int]) -> list[int]:
    """The engines that a method itself disposes on its ways out, where no other of the class disposes any.

    Such an engine is its own, though `self.engine` lets the other methods use it meanwhile.
    """
    info = frame.function
    if info is None or frame.receiver is None or not done or DISPOSE not in info.header.mentions:
        return []
    within = info.qualname.rpartition(".")[0]
    for number, header in enumerate(info.module.program.functions):
        others = number != info.number and header.qualname.rpartition(".")[0] in ("", within)
        if others and DISPOSE in header.mentions:
            return []
    return [oid for oid in mine if all(_is_disposed_in(info, state.heap.get(oid)) for state, _ in done)]


def _is_disposed_in(info: FunctionInfo, record: object) -> bool:
    if not isinstance(record, EngineRecord) or record.fate != DISPOSED or record.disposed_at is None:
        return False
    return record.disposed_at.module is info.module and p.holds(info.body, record.disposed_at.span)


def _open(
    flow: Flow,
    state: State,
    frame: Frame,
    mine: list[int],
    more: tuple[object, ...],
    but: Value | None = None,
) -> list[tuple[Reference, EngineRecord]]:
    """The pooled async engines of the frame that nobody else (`but` this one) has in hand."""
    found = [
        (Reference(oid), record)
        for oid in mine
        if isinstance(record := state.heap.get(oid), EngineRecord) and _is_pooling(record)
    ]
    lent = state.reachable(frame.lent) if found and frame.lent else ()
    found = [one for one in found if one[0].oid in lent or not _is_idle(state, *one)]
    if found and frame.function is not None and frame.function.header.is_generator:
        # What its consumer has made meanwhile, the generator never had in hand.
        own = state.reachable((*(state.variables(frame.id) or {}).values(), *frame.lent))
        found = [one for one in found if one[0].oid in own]
    if not found:
        return []
    others = held_by_others(flow, state, frame, more, but)  # type: ignore[arg-type]  # the values of an outcome
    return [(reference, record) for reference, record in found if reference.oid not in others]


def _is_dispose_dropped(state: State, engine: Reference) -> bool:
    """`engine.dispose()` is called, and nobody awaits it: that is another matter (ASQ401)."""
    dispose = Method(engine, DISPOSE)
    return any(one.is_dropped and one.function == dispose for _, one in state.records(CoroutineRecord))


def _is_idle(state: State, engine: Reference, record: EngineRecord) -> bool:
    """Nobody has asked it for a connection. (What becomes of it in a collection is not followed.)"""
    return record.is_idle and not any(
        engine in alternatives(value)
        for _, one in state.heap.items()
        if not isinstance(one, ObjectRecord)
        for value in one.refers_to()
    )


def _abandon(flow: Flow, frame: Frame, record: EngineRecord, how: str, reported: set[Site]) -> None:
    if record.site in reported:
        return
    reported.add(record.site)
    owner = frame.function.name if frame.function is not None else ""
    place = record.site
    if record.tried is not None and frame.function is not None and testing.is_test(frame.function):
        place = record.tried  # the test leaves it open, not the code that it tries out
    flow.emit(EngineAbandoned(place, frame, how == "never", record, owner, how, flow.index))


def _nested_dispose(function: FunctionInfo) -> bool:
    prefix = f"{function.qualname}.<locals>."
    return any(
        header.qualname.startswith(prefix) and DISPOSE in header.mentions
        for header in function.module.program.functions
    )


# --- modules -------------------------------------------------------------------------------------


def module_ended(flow: Flow, frame: Frame, states: list[State]) -> None:
    """What a module's top level has made lives as long as the process: does anybody ever dispose it?"""
    if not flow.listens(EngineAbandoned) or scripts.is_script(flow, frame.module):
        return
    for state in states[:1]:
        _kept_for_good(flow, state, sorted(flow.watched - flow.spared - state.outside()), frame)
        # `global _engine`, made on first use: no path makes it, for readers find it made.
        values = (
            flow.scopes.attribute(frame.module, name) for name in flow.scopes.assigned_globals(frame.module)
        )
        made = {one.oid for value in values for one in alternatives(value) if isinstance(one, Reference)}
        _kept_for_good(flow, state, sorted(made), frame)


def _kept_by_modules(flow: Flow, state: State, frame: Frame, mine: list[int], value: Value) -> None:
    """`global _engine`, or the cache of the function: it lives as long as the process does."""
    mine = [oid for oid in mine if _is_pooling(state.heap.get(oid))]
    if not mine:
        return
    keepers: list[Value] = [Reference(oid) for oid in state.heap if flow.is_shared(oid)]
    for number in flow.scopes.module_frame_ids() & state.frames.keys():
        keepers.extend(state.frames[number].values())
    if frame.function is not None and is_cached(frame.function):
        keepers.append(value)
    kept = state.reachable(keepers)
    _kept_for_good(flow, state, [oid for oid in mine if oid in kept], frame)


def is_cached(function: FunctionInfo) -> bool:
    return any(isinstance(symbol, External) and symbol.name in CACHES for symbol in function.decorators)


def kept_by_class(flow: Flow, state: State, cls: ClassValue, name: str, value: Value) -> None:
    kept_by_all(flow, state, value)


def kept_by_all(flow: Flow, state: State, value: Value) -> None:
    """`app.state.engine = …`: it lives as long as the application does."""
    if flow.listens(EngineAbandoned):
        mine = [oid for oid in sorted(state.reachable((value,))) if oid in flow.watched - flow.spared]
        _kept_for_good(flow, state, mine, flow.frame)


def kept_elsewhere(flow: Flow, state: State, value: Value) -> None:
    """`context["engine"] = …` in a start-up hook, a coroutine: in plain functions libraries are configured,
    which dispose what they are given (`config.engine = …`)."""
    if flow.frame.function is not None and flow.frame.function.is_async:
        kept_by_all(flow, state, value)


def _kept_by_receiver(flow: Flow, state: State, frame: Frame, value: Value) -> None:
    """`self.engine = …` in a start-up hook that a framework calls, and that gives it to nobody else."""
    is_root = frame.caller is None or frame.caller.function is None
    if is_root and frame.receiver is not None and frame.function is not None and frame.function.is_async:
        mine = [
            oid for oid in sorted(state.reachable((frame.receiver,))) if oid in flow.watched - flow.spared
        ]
        given = state.reachable((value,)) | state.outside()
        _kept_for_good(flow, state, [oid for oid in mine if oid not in given], frame)


def _kept_for_good(flow: Flow, state: State, engines: list[int], frame: Frame) -> None:
    for oid in engines:
        record = state.record(oid)
        if not isinstance(record, EngineRecord) or not _is_pooling(record) or record.is_given:
            continue
        known = disposals.disposals(flow, record)
        if not known.has(record):
            place = record.ordered if record.ordered and known.has_another(record) else record.site
            flow.emit(EngineAbandoned(place, frame, False, record, "", "module", flow.index))
        elif scripts_alone := known.scripts(record):
            flow.emit(
                EngineAbandoned(record.site, frame, False, record, "", "script", flow.index, scripts_alone)
            )
