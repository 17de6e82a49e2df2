"""Jinja's filters: which of them read the elements of what they are given, and which attributes of these."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.values import NONE, UNKNOWN, TupleValue, Value, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_SAME = frozenset("list sort reverse unique select reject batch slice default d safe escape e".split())
_ONE = frozenset("first last random min max".split())
_BY_NAME = frozenset("map sort sum join unique min max".split())  # `attribute="author.name"`
_TESTED = frozenset("selectattr rejectattr groupby".split())  # the attribute comes first
_COUNTS = frozenset({"length", "count"})
_WRITTEN = frozenset("string upper lower title capitalize trim tojson".split())


def filtered(
    flow: Flow, state: State, value: Value, node: ast.expr, of: Callable[[ast.expr], Value], at: Span
) -> Value:
    """`value | node`"""
    call = node if isinstance(node, ast.Call) else None
    function = node if call is None else call.func
    name = function.id if isinstance(function, ast.Name) else ""
    wanted: ast.expr | None = None
    if call is not None:
        if name in _TESTED or (name in ("sum", "join") and len(call.args) > (name == "join")):
            wanted = call.args[-1 if name == "join" else 0] if call.args else None
        if name in _BY_NAME:
            wanted = next((word.value for word in call.keywords if word.arg == "attribute"), wanted)
    if name in ("default", "d") and call is not None and call.args:
        return union((value, of(call.args[0])))
    if name in _WRITTEN:
        value.formatted(flow, state, at)
        return UNKNOWN
    found = elements(flow, state, value, at) if name in _ONE | _BY_NAME | _TESTED | _COUNTS else ()
    read: list[Value] = []
    if isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):
        for one in found:
            for step in wanted.value.split("."):
                one = one.attribute(flow, state, step, at)
            read.append(one)
    if name == "map":
        return _many(flow, state, read)
    if name == "groupby":
        return _many(flow, state, (TupleValue((UNKNOWN, value)),))
    if name in _ONE:
        return union((*found, NONE)) if found else UNKNOWN
    if name == "join" and not read:
        for one in found:
            one.formatted(flow, state, at)
    if name in _SAME or name in ("selectattr", "rejectattr"):
        return value
    return UNKNOWN


def elements(flow: Flow, state: State, value: Value, at: Span) -> tuple[Value, ...]:
    iteration = value.iterate(flow, state, at, False)
    if iteration.items is not None:
        return iteration.items
    return () if iteration.element is None else (iteration.element,)


def _many(flow: Flow, state: State, values: Sequence[Value]) -> Value:
    return flow.allocate(state, ListRecord(None, union(tuple(values)) if values else None))
