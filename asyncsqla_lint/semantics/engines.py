"""Engines: how they are made, what they offer, and that they are disposed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Union,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External
from asyncsqla_lint.semantics import api_use, blocking, disposals, event_loops, greenlets, making
from asyncsqla_lint.semantics.connections import Connecting, ConnectionRecord
from asyncsqla_lint.semantics.engine_events import EngineCreated, EngineDisposed, EngineUsed
from asyncsqla_lint.semantics.surroundings import around
from asyncsqla_lint.semantics.urls import addresses

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

ASYNC_MAKERS = ("create_async_engine", "async_engine_from_config")
SYNC_MAKERS = ("create_engine", "engine_from_config")
OPEN, DISPOSED, HALF = "open", "disposed", "half"  # half: only the sync engine below was disposed


AUTOCOMMIT = Constant("AUTOCOMMIT")


class EngineRecord(Record, frozen=True):
    """An engine of either kind. `maker` is the function that made it, "" for one that the code is given."""

    is_async: bool
    site: Site
    maker: str = ""
    url: Value = UNKNOWN
    options: dict[str, Value] = {}
    more_options: bool = False  # `**options` of which not all are known
    fate: str = OPEN
    loop: int = 0  # the event loop under which its pool was filled
    loop_site: Site | None = None
    disposed_at: Site | None = None
    is_each: bool = False  # stands for one of several, made alike
    fails: bool = False  # making it raises, as far as can be seen
    is_idle: bool = True  # nobody has asked it for a connection so far
    ordered: Site | None = None  # the call for which a function that makes engines has made it
    tried: Site | None = None  # the call in a test that came here

    @property
    def is_given(self) -> bool:
        return not self.maker

    def joined(self, other: Record) -> Record:
        if not isinstance(other, EngineRecord) or other.is_async != self.is_async:
            return FORGOTTEN
        if self.fate == other.fate:
            return self if self.is_idle <= other.is_idle else other
        open_ = self if self.fate == OPEN else other if other.fate == OPEN else self
        fate = HALF if HALF in (self.fate, other.fate) and open_.fate != OPEN else open_.fate
        return replace(open_, fate=fate, is_idle=self.is_idle and other.is_idle)

    def is_external(self, name: str) -> bool | None:
        return api_use.is_instance("AsyncEngine" if self.is_async else "Engine", name)

    def suits(self, is_async: bool) -> bool | None:
        return self.is_async == is_async

    def is_callable(self) -> bool | None:
        return False

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        return api_use.has(flow, state, me, name)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        if name in ("sync_engine", "engine") and self.is_async:
            return SyncEngine(me)  # `engine.engine` is proxied: the Engine's own
        api_use.read(flow, state, me, name, at)
        if name == "engine":
            return me
        if name == "url":
            return self.url
        if name in ("pool", "dialect", "name", "driver", "echo", "dispatch", "logger"):
            return UNKNOWN
        return Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if arguments.keywords.get("isolation_level") == AUTOCOMMIT:
            options = {**self.options, "isolation_level": AUTOCOMMIT}
            if name == "execution_options":
                # It shares the pool, and whoever made the engine still answers for that.
                return flow.allocate(state, replace(self, maker="", options=options))
            if name == "update_execution_options":
                state.put(me, replace(self, options=options))
                return NONE
        if name in ("execution_options", "_optional_conn_ctx_manager"):
            return me  # shares its pool
        if name in ("connect", "begin", "raw_connection"):
            busy(state, me)
        if name in ("connect", "begin"):
            if self.is_async:
                return flow.allocate(state, Connecting(me, flow.site(at), begins=name == "begin"))
            if name == "begin":  # connects when its block is entered
                return flow.allocate(state, Connecting(me, flow.site(at), begins=True, is_async=False))
            self.used(flow, state, me, name, at)
            return flow.allocate(state, ConnectionRecord(False, flow.site(at), me))
        if self.is_async and name in ("dispose", "raw_connection"):
            return flow.allocate_watched(state, CoroutineRecord(Method(me, name), arguments, flow.site(at)))
        return self.await_method(flow, state, me, name, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "dispose":
            dispose(flow, state, me, at, proper=True)
            return NONE
        if name == "raw_connection":
            self.used(flow, state, me, name, at)
        return UNKNOWN

    def used(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> None:
        event_loops.engine_used(flow, state, me)
        if flow.listens(EngineUsed):
            flow.emit(EngineUsed(flow.site(at), flow.frame, flow.is_certain, me, self, name))
        if not self.is_async and not blocking.never_connects(flow, state, me):
            blocking.blocked(flow, f"Engine.{name}", at, None if self.is_given else self.site, me.oid)


class SyncEngine(Value, frozen=True):
    """`engine.sync_engine`: the Engine below an AsyncEngine, for events and for `run_sync`."""

    engine: Reference

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name) if name in ("dispose", "connect", "begin") else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "dispose":
            stays = arguments.keywords.get("close") == Constant(
                False
            )  # after a fork: the parent's connections
            dispose(flow, state, self.engine, at, proper=around(flow).greenlets > 0 or stays)
            return NONE
        busy(state, self.engine)
        greenlets.needed(flow, state, f"Engine.{name}", "AsyncEngine", at)
        return UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.engine,)


def busy(state: State, engine: Value) -> None:
    """Somebody takes connections from it, or has what will."""
    for one in alternatives(engine):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(one, Reference) and isinstance(record, EngineRecord) and record.is_idle:
            state.put(one, replace(record, is_idle=False))


def dispose(flow: Flow, state: State, engine: Reference, at: Span, *, proper: bool) -> None:
    record = state.record(engine.oid)
    if not isinstance(record, EngineRecord):
        return
    asked = flow.memory.get("disposed")
    if isinstance(asked, list):
        asked.append(record)
    if flow.joining or record.is_each:
        flow.spared.add(engine.oid)
    if flow.listens(EngineDisposed):
        flow.emit(EngineDisposed(flow.site(at), flow.frame, flow.is_certain, engine, record, proper))
    if proper:
        state.put(engine, replace(record, fate=DISPOSED, loop=0, disposed_at=flow.site(at)))
    elif record.fate == OPEN:
        state.put(engine, replace(record, fate=HALF))


# --- making --------------------------------------------------------------------------------------


def cleans_up(state: State, awaited: Value) -> bool:
    record = state.record(awaited.oid) if isinstance(awaited, Reference) else None
    method = record.function if isinstance(record, CoroutineRecord) else None
    return isinstance(method, Method) and method.name in ("dispose", "rollback", "close", "aclose")


def register(meanings: Meanings) -> None:
    meanings.is_cleaning_up.append(cleans_up)
    meanings.when_inherited.append(_inherited)
    for module in ("sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio.engine"):
        for name in ASYNC_MAKERS:
            meanings.calls[f"{module}.{name}"] = _maker(name, is_async=True)
        meanings.calls[f"{module}.AsyncEngine"] = _wrap
        meanings.instances[f"{module}.AsyncEngine"] = _given(True)
    for module in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.future", "sqlmodel"):
        for name in SYNC_MAKERS:
            meanings.calls[f"{module}.{name}"] = _maker(name, is_async=False)
        meanings.instances[f"{module}.Engine"] = _given(False)


def _maker(name: str, is_async: bool):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if name.endswith("from_config"):
            return _from_config(flow, state, name, is_async, arguments, at)
        url = arguments.get(0, "url") or UNKNOWN
        options = {key: value for key, value in arguments.keywords.items() if key != "url"}
        open_ = arguments.more_keywords is not None
        return made(flow, state, EngineRecord(is_async, flow.site(at), name, url, options, open_), at)

    return meaning


def _from_config(
    flow: Flow, state: State, name: str, is_async: bool, arguments: Arguments, at: Span
) -> Value:
    given = arguments.get(0, "configuration")
    prefix = arguments.get(1, "prefix") or Constant("sqlalchemy.")
    options = {
        key: value for key, value in arguments.keywords.items() if key not in ("configuration", "prefix")
    }
    record = state.record(given.oid) if isinstance(given, Reference) else None
    url: Value = UNKNOWN
    open_ = True
    if isinstance(record, DictRecord) and isinstance(prefix, Constant) and isinstance(prefix.value, str):
        open_ = record.other is not None
        for key, value in record.entries.items():
            if isinstance(key, str) and key.startswith(prefix.value):
                option = key[len(prefix.value) :]
                if option == "url":
                    url = value
                else:
                    options.setdefault(option, value)
    return made(flow, state, EngineRecord(is_async, flow.site(at), name, url, options, open_), at)


_WATCHED = "engines watched"


def _watched(flow: Flow) -> dict[int, None]:
    found = flow.notes.get(_WATCHED)
    return found if isinstance(found, dict) else {}


def watched(flow: Flow, frame: Frame) -> list[int]:
    """The engines that the root has made in this activation: most of what is watched are coroutines."""
    return [oid for oid in _watched(flow) if frame.has_made(oid) and oid in flow.watched]


def made(flow: Flow, state: State, record: EngineRecord, at: Span) -> Reference:
    ordered = disposals.ordered(flow, at) if record.is_async else None
    fails = making.fails(record, flow.release)
    tried = disposals.tried(flow)
    record = replace(record, is_each=flow.joining > 0, fails=fails, ordered=ordered, tried=tried)
    engine = flow.allocate_watched(state, record)
    flow.notes[_WATCHED] = {**_watched(flow), engine.oid: None}  # once, though statements are run again
    if flow.listens(EngineCreated):
        is_one = len(addresses(record.url)[0]) == 1
        given = _connect_args(state, record.options.get("connect_args"), is_one)
        wrapped = _is_wrapped(flow)
        flow.emit(
            EngineCreated(
                flow.site(at),
                flow.frame,
                flow.is_certain,
                engine,
                record,
                flow.release,
                given,
                wrapped,
                flow.index,
            )
        )
    return engine


def _connect_args(state: State, value: Value | None, is_one: bool) -> tuple[tuple[str, str | None], ...]:
    """The keys that `connect_args` has, and the strings that they hold.

    Where the URL may be one of several, what only one path has put there may be for that one alone
    (`ASQ107/good_for_one_of_two_drivers`).
    """
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if not isinstance(record, DictRecord):
        return ()
    return tuple(
        (key, one.value if isinstance(one, Constant) and isinstance(one.value, str) else None)
        for key, one in record.entries.items()
        if isinstance(key, str) and (is_one or not (isinstance(one, Union) and UNKNOWN in one.alternatives))
    )


def _is_wrapped(flow: Flow) -> bool:
    """`AsyncEngine(create_engine(…))`, or `AsyncEngine(engine_from_config(…))`, or a derived class."""
    function = flow.frame.function
    if function is None:
        return False
    names = function.header.mentions
    return "AsyncEngine" in names or any(map(partial(_is_async_engine, function), names))


def _is_async_engine(function: FunctionInfo, name: str) -> bool:
    symbol = function.index.lookup(function.module, name)
    if isinstance(symbol, ClassInfo):
        return any(map(symbol.is_subclass_of, _ASYNC_ENGINES))
    return isinstance(symbol, External) and symbol.name in _ASYNC_ENGINES


_ASYNC_ENGINES = ("sqlalchemy.ext.asyncio.AsyncEngine", "sqlalchemy.ext.asyncio.engine.AsyncEngine")


def _wrap(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`AsyncEngine(create_engine(…))`."""
    sync = arguments.get(0, "sync_engine") or UNKNOWN
    for one in alternatives(sync):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(record, EngineRecord) and isinstance(one, Reference):
            state.put(one, replace(record, fate=DISPOSED))  # the wrapper answers for it from here
            url, options = record.url, record.options
            return made(flow, state, EngineRecord(True, flow.site(at), "AsyncEngine", url, options), at)
        if isinstance(one, SyncEngine):
            return one.engine
    return flow.allocate(state, EngineRecord(True, flow.site(at)))


_WITHIN = "AsyncEngine()"  # where an object of a derived class keeps the engine that it is


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    """`connect()` of a class derived from AsyncEngine. Whoever wrote that class disposes what it makes."""
    record = state.record(me.oid) if isinstance(me, Reference) else None
    if name not in _CONNECTS or not isinstance(record, ObjectRecord) or not isinstance(me, Reference):
        return None
    if not any(map(cls.info.is_subclass_of, _ASYNC_ENGINES)):
        return None
    within = record.attributes.get(_WITHIN)
    if within is None:
        within = flow.allocate(state, EngineRecord(True, flow.site(at)))
        state.put(me, replace(record, attributes={**record.attributes, _WITHIN: within}))
    return within.attribute(flow, state, name, at)


_CONNECTS = ("connect", "begin")


def _given(is_async: bool):  # type: ignore[no-untyped-def]  # the type is InstanceMeaning
    def meaning(flow: Flow, state: State, arguments: tuple[Value, ...], at: Span) -> Value:
        return flow.allocate(state, EngineRecord(is_async, flow.site(at)))

    return meaning


__all__ = ["EngineRecord", "SyncEngine", "addresses", "dispose", "register"]
