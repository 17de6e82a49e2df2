"""Coroutines that nobody awaits, SQLAlchemy's and the project's: what they were to do is left.

Of the project's, those are spoken of that are given a session or a connection, ask for one in their header,
are methods of an object that has one, or would open one themselves: it is the database that goes without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Frame, PathEnds, Site
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import Reference, Value, alternatives
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.generics import type_variable
from asyncsqla_lint.project.names import External, Scoped, Symbol
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.semantics.api_events import CoroutineLost
from asyncsqla_lint.semantics.api_use import OF_COROUTINES, method_name, owner_of, settle
from asyncsqla_lint.semantics.connections import ConnectionRecord
from asyncsqla_lint.semantics.custody import held_by_others
from asyncsqla_lint.semantics.sessions import SessionRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

MOST_PENDING = 12  # kept by somebody and not awaited: beyond it, unions of them have been forgotten
_RESULTS = {f"builtins.{name}" for name in "None int str bool float bytes list dict set tuple".split()}
_AWAITING = frozenset(
    ("isawaitable", "iscoroutine", "ensure_future", "create_task", "gather", "wait_for", "run", "start_soon")
)
_OF_THE_EXTENSION = ("sqlalchemy.ext.asyncio.", "sqlmodel.ext.asyncio.")
_PLAIN = ("builtins.", "abc.", "typing.", "typing_extensions.", "functools.")


def register(meanings: Meanings) -> None:
    meanings.when_dropped.append(left)
    meanings.when_coroutine_read.append(read)
    meanings.when_ended.append(coroutines_lost)


def left(flow: Flow, state: State, coroutine: Reference, at: Span) -> None:
    """An expression statement leaves it to nobody."""
    record = state.record(coroutine.oid)
    if isinstance(record, CoroutineRecord) and not record.is_perhaps and owner_of(state, record):
        lost(flow, state, coroutine, None)
    elif (info := function_of(flow, state, coroutine)) is not None:
        lost(flow, state, coroutine, info)


def read(flow: Flow, state: State, coroutine: Reference, name: str, at: Span) -> None:
    """`find_user(session).name`, `session.get(User, 1).name`: taken for its result."""
    record = state.record(coroutine.oid)
    if not isinstance(record, CoroutineRecord) or record.is_awaited or name in OF_COROUTINES:
        return  # one that `await` would have bound too early has been spoken of
    if owner_of(state, record) and not record.is_perhaps:
        lost(flow, state, coroutine, None)
    elif flow.awaiting is None and (info := function_of(flow, state, coroutine)) is not None:
        lost(flow, state, coroutine, info)


def taken(flow: Flow, state: State, value: Value, by_session: bool = False) -> None:
    """A framework takes a value for an answer, a session for an instance: neither awaits it."""
    for one in alternatives(value):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(one, Reference) and isinstance(record, CoroutineRecord) and not record.is_perhaps:
            info = function_of(flow, state, one, by_session)
            if info is not None or (owner_of(state, record) and not record.is_awaited):
                lost(flow, state, one, info)


def lost(flow: Flow, state: State, coroutine: Reference, info: FunctionInfo | None) -> None:
    """`info` is the function of the project, None where the coroutine is SQLAlchemy's."""
    record = state.record(coroutine.oid)
    if not isinstance(record, CoroutineRecord) or not flow.listens(CoroutineLost):
        return
    owner, name = owner_of(state, record), method_name(record)
    if info is not None:
        owner, name = "" if info.owner is None else info.owner.name, info.name
    site = record.handed or record.site
    is_own = info is not None
    flow.emit(CoroutineLost(site, flow.frame, flow.is_certain, owner, name, record.site, is_own))
    settle(state, coroutine)


def function_of(
    flow: Flow, state: State, coroutine: Reference, by_session: bool = False
) -> FunctionInfo | None:
    """The function of the project that waits; None: it works with no session, or is not that plain.

    What a session is given in an instance's place is its business, whatever it works with.
    """
    record = state.record(coroutine.oid)
    if not isinstance(record, CoroutineRecord) or record.kind != "coroutine" or record.is_awaited:
        return None
    if not isinstance(record.function, FunctionValue):
        return None
    info = record.function.info
    if any(isinstance(one, External) and not one.name.startswith(_PLAIN) for one in info.decorators):
        return None  # what it makes of the function is not followed: a task, a command
    if by_session:
        return info
    given = state.reachable((record.function, *record.arguments.all()))
    is_told = any(_is_used(state, oid) for oid in given) or _asks_for_one(flow, info)
    return info if is_told or _opens_one(flow, state, record) else None


def _asks_for_one(flow: Flow, info: FunctionInfo) -> bool:
    """`engine: AsyncEngine | None = None`: where it is given none, a library may make it."""
    for parameter in info.header.parameters:
        if parameter.annotation is not None:
            type_ = flow.index.type(Scoped(parameter.annotation, info.module, info.definition_scope))
            for one in type_.union or (type_,):
                if isinstance(one.symbol, External) and one.symbol.name.startswith(_OF_THE_EXTENSION):
                    return True
    return False


def _is_used(state: State, oid: int) -> bool:
    found = state.record(oid)
    return isinstance(found, (SessionRecord, ConnectionRecord)) and found.is_async


def _opens_one(flow: Flow, state: State, record: CoroutineRecord) -> bool:
    """Would it, if somebody awaited it? It is run for once, and nobody hears of it."""
    assert isinstance(record.function, FunctionValue)
    own, before = state.copy(), flow.counter
    flow.joining += 1
    try:
        with flow.silently(), flow.hedged(True):
            run_function(flow, own, record.function, record.arguments, record.site.span)
    except PathEnds:
        return False
    finally:
        flow.joining -= 1
    return any(oid > before and _is_used(own, oid) for oid in own.heap)


# --- at the end of the function that had it --------------------------------------------------------


def handed_on(flow: Flow, state: State, frame: Frame, coroutine: Reference) -> None:
    """A plain function leaves the awaiting to its caller. A coroutine function ought to have awaited, unless
    its header says `Awaitable`: its caller does so once, and has another coroutine in hand."""
    record, info = state.record(coroutine.oid), frame.function
    assert isinstance(record, CoroutineRecord)
    is_promised = info is not None and info.is_async and _promises_a_result(flow, info)
    if info is None or not info.is_async or not (is_promised or info.header.returns is None):
        if frame.caller is not None and frame.caller.function is not None:
            state.put(coroutine, replace(record, handed=Site(frame.caller.module, frame.call_span)))
    elif is_promised and not record.is_perhaps and all(map(_passes_on, info.decorators)):
        own = function_of(flow, state, coroutine)
        if own is not None or owner_of(state, record):
            lost(flow, state, coroutine, own)


def _passes_on(decorator: Symbol | None) -> bool:
    """Is what the function gives left as it is? What awaits a name, or asks, may await a coroutine too."""
    if isinstance(decorator, External):
        return decorator.name.startswith(_PLAIN)
    if not isinstance(decorator, FunctionInfo):
        return False
    program, within = decorator.module.program, f"{decorator.qualname}.<locals>."
    decorator.consult()
    numbers = [
        number
        for number, header in enumerate(program.functions)
        if number == decorator.number or header.qualname.startswith(within)
    ]
    given = {one.name for number in numbers for one in program.functions[number].parameters}
    for node in walk(tuple(program.bodies[number] for number in numbers)):
        if isinstance(node, p.Await) and not isinstance(node.value, p.Call):
            return False
        if isinstance(node, p.Call) and (
            _last_name(node.function) in _AWAITING
            or any(isinstance(one, p.Call) and _last_name(one.function) in given for one in node.arguments)
        ):
            return False
    return True


def _last_name(expression: p.Expression) -> str:
    return expression.id if isinstance(expression, p.Name) else getattr(expression, "name", "")


def _promises_a_result(flow: Flow, info: FunctionInfo) -> bool:
    """`-> Note | None`: nothing that a coroutine could pass for."""
    if info.header.returns is None:
        return False
    type_ = flow.index.type(Scoped(info.header.returns, info.module, info.definition_scope))
    return all(_is_result(info, one.symbol) for one in type_.union or (type_,))


def _is_result(info: FunctionInfo, symbol: Symbol | None) -> bool:
    """What a class is generic in (`Repository[Note]`) is no coroutine; what a function is may be one."""
    if isinstance(symbol, ClassInfo):
        return symbol.kind != "protocol"
    variable = type_variable(info.index, symbol)
    if variable is not None:
        return info.owner is not None and variable in info.owner.type_parameters
    return isinstance(symbol, External) and symbol.name in _RESULTS


def _is_open(state: State, oid: int) -> bool:
    record = state.record(oid)
    return isinstance(record, CoroutineRecord) and not record.is_awaited


def _may_be_told(state: State, record: CoroutineRecord) -> bool:
    """Is it SQLAlchemy's, or one of the project's own functions?"""
    if isinstance(record.function, FunctionValue):
        return record.kind == "coroutine"
    return bool(owner_of(state, record))


def coroutines_lost(
    flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State]
) -> None:
    mine = [oid for oid in flow.watched if frame.has_made(oid)]
    if not any(_is_open(state, oid) for state in (*(state for state, _ in done), *raised) for oid in mine):
        return
    lost: dict[Site, list[tuple[State, Reference, CoroutineRecord]]] = {}
    dealt_with: set[Site] = set()
    for state, value in done:
        pending = [
            (Reference(oid), record)
            for oid in mine
            if isinstance(record := state.record(oid), CoroutineRecord) and _may_be_told(state, record)
        ]
        if not pending:
            continue
        returned = state.reachable((value,))
        others: set[int] | None = None
        waiting = [record for _, record in pending if not record.is_awaited]
        if waiting and sum(not record.is_dropped for record in waiting) <= MOST_PENDING:
            others = held_by_others(flow, state, frame, (*frame.lent, value))
        for reference, record in pending:
            place = record.handed or record.site
            if record.is_awaited or record.is_perhaps or others is None or reference.oid in others:
                dealt_with.add(place)
                if reference.oid in returned and not record.is_awaited:
                    handed_on(flow, state, frame, reference)
            else:
                lost.setdefault(place, []).append((state, reference, record))
    for state in raised:
        # An exception may well take an unfinished coroutine with it; one dropped before was lost anyway.
        dropped = [
            (Reference(oid), record)
            for oid in mine
            if isinstance(record := state.record(oid), CoroutineRecord)
            and record.is_dropped
            and not (record.is_awaited or record.is_perhaps)
            and _may_be_told(state, record)
        ]
        others = held_by_others(flow, state, frame) if dropped else set()
        for reference, record in dropped:
            if reference.oid not in others:
                lost.setdefault(record.handed or record.site, []).append((state, reference, record))
    for place, found in lost.items():
        if place in dealt_with:
            continue
        state, coroutine, record = found[0]
        info = function_of(flow, state, coroutine)
        if flow.listens(CoroutineLost) and (info is not None or owner_of(state, record)):
            owner, name = owner_of(state, record), method_name(record)
            if info is not None:
                owner, name = "" if info.owner is None else info.owner.name, info.name
            flow.emit(CoroutineLost(place, frame, True, owner, name, record.site, info is not None))
        for own, reference, _ in found:
            settle(own, reference)
