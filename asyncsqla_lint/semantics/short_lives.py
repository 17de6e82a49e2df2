"""Engines that live no longer than one of many calls: a request, a round of a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.program import Span, end_of, start_of
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import ValueBinding
from asyncsqla_lint.project.walking import calls, walk
from asyncsqla_lint.semantics.custody import held_by_others
from asyncsqla_lint.semantics.engine_events import EngineShortLived
from asyncsqla_lint.semantics.engines import EngineRecord, watched
from asyncsqla_lint.semantics.ownership import pools
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.when_ended.append(engines_let_go)


def engines_let_go(
    flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State]
) -> None:
    mine = watched(flow, frame)
    if not mine or not done or frame.function is None or not flow.listens(EngineShortLived):
        return
    state, value = done[0]
    records = [
        (oid, record)
        for oid in mine
        if isinstance(record := state.heap.get(oid), EngineRecord) and record.is_async and pools(record)
    ]
    if not records:
        return
    others = held_by_others(flow, state, frame, (value,))
    for oid, record in records:
        if oid in others:
            continue
        why = _why(flow, frame, record)
        if why and not depends_on_the_call(flow, record.site, _loop_around(frame, record)):
            flow.emit(EngineShortLived(record.site, frame, flow.is_certain, record, frame.function.name, why))


def _why(flow: Flow, frame: Frame, record: EngineRecord) -> str:
    if flow.notes.get("request"):  # the root is a route
        return "request"
    if _loop_around(frame, record) is not None:
        return "loop"
    # A loop around `asyncio.run` has to make an engine each time.
    current, run = frame, around(flow).loop
    while current.caller is not None and (run is None or current.caller is not run.frame):
        caller = current.caller
        body = caller.module.program.statements if caller.function is None else caller.function.body
        if _is_repeated(body, current.call_span):
            return "loop"
        current = caller
    return ""


def _loop_around(frame: Frame, record: EngineRecord) -> p.For | p.While | None:
    """The loop of this function in each of whose rounds the engine is made and disposed."""
    made, ended = record.site, record.disposed_at
    if frame.function is None or ended is None or not ended.module is made.module is frame.module:
        return None
    for loop in walk(frame.function.body):
        if isinstance(loop, (p.For, p.While)) and _in_body(loop, made.span) and _in_body(loop, ended.span):
            return loop
    return None


def _is_repeated(body: p.Statements, at: Span) -> bool:
    for node in walk(body):
        if isinstance(node, (p.For, p.While)) and _in_body(node, at):
            return True
        if isinstance(node, p.Comprehension) and _contains(node.span, at):
            return True
    return False


def _in_body(loop: p.For | p.While, at: Span) -> bool:
    return any(_contains(statement.span, at) for statement in loop.body)


def _contains(outer: Span, inner: Span) -> bool:
    return start_of(outer) <= start_of(inner) and end_of(inner) <= end_of(outer) and inner != 0


def depends_on_the_call(flow: Flow, made: Site, loop: p.For | p.While | None = None) -> bool:
    """Is the URL a parameter's or a local's, so that each call may be for another database? Of a loop: is it
    one that its rounds change?"""
    made.module.consult()
    for number, body in enumerate(made.module.program.bodies):
        for call in calls(body):
            if call.span == made.span:
                function = flow.index.function_numbered(made.module, number)
                return any(_is_local(function, one, loop) for one in _urls(call))
    return False


def _urls(call: p.Call) -> list[p.Expression]:
    return [*call.arguments[:1], *(word.value for word in call.keywords if word.name in ("url", None))]


def _is_local(function: FunctionInfo, url: p.Expression, loop: p.For | p.While | None) -> bool:
    own = {parameter.name for parameter in function.header.parameters} | set(function.names.bindings)
    nodes = list(walk(url))
    if loop is not None and not any(isinstance(node, p.Call) for node in nodes):
        own = {
            name
            for name, bindings in function.names.bindings.items()
            if any(isinstance(one, ValueBinding) and _contains(loop.span, one.span) for one in bindings)
        }
    return any(isinstance(node, p.Name) and node.id in own for node in nodes)
