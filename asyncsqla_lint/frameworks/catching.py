"""Error handlers: functions that an application has called with what a handler of its requests raises.

Whoever answered has ended by then, and so has all that it was given: a session is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.paths import consumer_paths
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference, Value
from asyncsqla_lint.frameworks.hooks import calls_of, function_given, run_all
from asyncsqla_lint.frameworks.injection import Inside, pending
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.handed import CATCHING
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import Module
from asyncsqla_lint.project.walking import last_name, walk
from asyncsqla_lint.semantics.application_state import with_those_inside
from asyncsqla_lint.semantics.instances import InstanceRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index

Handlers = dict[ClassInfo, FunctionInfo]
_Registered = tuple[p.Expression, FunctionInfo]  # what names the class of exceptions, and who is called


def handlers_of(index: Index) -> Handlers:
    """The handlers of the project's own exceptions that look at what the exception carries."""
    return kept(index, "error handlers", lambda: dict(_handlers(index)))


def _handlers(index: Index) -> Iterator[tuple[ClassInfo, FunctionInfo]]:
    for module in index.modules.values():
        if module.says(*CATCHING):
            for scope, (node, info) in _registered(index, module):
                cls = index.resolve(module, node, scope)
                if isinstance(cls, ClassInfo):
                    index.foundation.add(info)
                    if _looks(info):
                        yield cls, info


def _registered(index: Index, module: Module) -> Iterator[tuple[FunctionInfo | None, _Registered]]:
    for info in with_those_inside(index, module):
        for decorator in info.header.decorators:
            if isinstance(decorator, p.Call) and last_name(decorator.function) in CATCHING:
                for node in decorator.arguments[:1]:
                    yield info.parent, (node, info)
    for call, scope in calls_of(index, module):
        for node, given in _pairs(call):
            info_given = function_given(index, module, given, scope)
            if info_given is not None:
                yield scope, (node, info_given)


def _pairs(call: p.Call) -> Iterator[tuple[p.Expression, p.Expression]]:
    """`add_exception_handler(Locked, on_locked)`, `exception_handlers={Locked: on_locked}`."""
    if last_name(call.function) in CATCHING and len(call.arguments) == 2:
        yield call.arguments[0], call.arguments[1]
    for word in call.keywords:
        if word.name in CATCHING and isinstance(word.value, p.DictDisplay):
            yield from ((one.key, one.value) for one in word.value.items if one.key is not None)


def _looks(info: FunctionInfo) -> bool:
    """`(request, exc)`: does it read something of the exception?"""
    names = {one.name for one in info.header.parameters[1:2]}
    return any(
        isinstance(one, p.Attribute) and isinstance(one.value, p.Name) and one.value.id in names
        for one in walk(info.body)
    )


def caught(flow: Flow, state: State, request: Value, inside: Inside, at: Span) -> list[Option]:
    """Run `inside`; what it raises is for the handler of that class of exceptions, if there is one."""
    outside = flow.frame
    answered: list[Option] = []
    for own, value in inside(state):
        left = own.pending
        info = None if left is None or left.kind != "raise" else _handler(flow, own, left.value)
        if left is None or info is None:
            answered.append((own, value))
            continue
        own.pending = None
        after, exits = consumer_paths(flow, own, partial(run_all, flow, (info,), (request, left.value), at))
        answered += [*after, *pending(flow, exits, outside)]
    return answered


def _handler(flow: Flow, state: State, raised: Value) -> FunctionInfo | None:
    """The nearest one, where there is something to look at: of the exception's class, or of one above it."""
    record = state.record(raised.oid) if isinstance(raised, Reference) else None
    if not isinstance(record, ObjectRecord) or not _carries_rows(state, raised):
        return None
    handlers = handlers_of(flow.index)
    return next((handlers[one] for one in record.cls.info.ancestors if one in handlers), None)


def _carries_rows(state: State, raised: Value) -> bool:
    return any(isinstance(state.record(oid), InstanceRecord) for oid in state.reachable((raised,)))
