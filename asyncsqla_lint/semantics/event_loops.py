"""Under which event loop an engine is used: a pool belongs to the loop in which its connections were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.meanings import CallMeaning, Meanings
from asyncsqla_lint.flow.stdlib import context_variables
from asyncsqla_lint.flow.values import Arguments, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.engine_events import EngineCrossesLoops
from asyncsqla_lint.semantics.surroundings import LoopRun, around
from asyncsqla_lint.semantics.urls import addresses

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.engines import EngineRecord

RUNNERS = ("asyncio.run", "uvloop.run", "anyio.run", "trio.run")


def register(meanings: Meanings) -> None:
    for name in RUNNERS:
        found = meanings.calls.get(name)
        if found is not None:
            meanings.calls[name] = _with_a_loop_of_its_own(found)


def _with_a_loop_of_its_own(run: CallMeaning) -> CallMeaning:
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        outer, around(flow).loop = around(flow).loop, LoopRun(flow.new_id(), flow.site(at), flow.frame)
        context = list(state.records(context_variables.ContextVariableRecord))
        try:
            value = run(flow, state, arguments, at)
        finally:
            around(flow).loop = outer
        for variable, held in context:  # what is set inside is set in a copy of the context
            state.put(variable, held)
        return value

    return meaning


def engine_used(flow: Flow, state: State, engine: Reference) -> None:
    from asyncsqla_lint.semantics.engines import EngineRecord
    from asyncsqla_lint.semantics.ownership import pools

    record, run = state.record(engine.oid), around(flow).loop
    if run is None or not isinstance(record, EngineRecord) or not record.is_async or not pools(record):
        return
    if _is_at_home_everywhere(record) or context_variables.is_assumed(state, engine):
        return
    if record.loop not in (0, run.number) and flow.listens(EngineCrossesLoops):
        flow.emit(EngineCrossesLoops(run.site, run.frame, flow.is_certain, record, record.loop_site))
    if record.loop != run.number:
        state.put(engine, replace(record, loop=run.number, loop_site=run.site))


def _is_at_home_everywhere(record: EngineRecord) -> bool:
    """aiosqlite's connections belong to no loop, and who has no more of them than a pool keeps never waits.

    Only a queue that was waited for belongs to a loop: that of a pool whose size is said. The one connection
    of a `StaticPool` is never waited for.
    """
    known, is_all = addresses(record.url)
    is_sqlite = any(one.backend == "sqlite" for one in known)
    pool = record.options.get("poolclass")
    if isinstance(pool, ExternalValue) and pool.name.endswith(".StaticPool"):
        return not is_all or is_sqlite
    only_sqlite = is_all and is_sqlite and all(one.backend == "sqlite" for one in known)
    return only_sqlite and not _SIZES & record.options.keys()


_SIZES = frozenset(("pool_size", "max_overflow"))
