"""Operators of the project's classes: `==` runs `__eq__`, `sorted` runs `__lt__`, a set `__hash__`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.values import Arguments, Iteration, Reference, TupleValue, Value, alternatives
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

METHODS = {
    "==": ("__eq__",),
    "!=": ("__ne__", "__eq__"),
    "<": ("__lt__",),
    ">": ("__gt__", "__lt__"),
    "<=": ("__le__",),
    ">=": ("__ge__", "__le__"),
    "+": ("__add__",),
    "-": ("__sub__",),
    "*": ("__mul__",),
    "/": ("__truediv__",),
    "|": ("__or__",),
    "&": ("__and__",),
    "@": ("__matmul__",),
    "//": ("__floordiv__",),
    "%": ("__mod__",),
    "**": ("__pow__",),
    "<<": ("__lshift__",),
    ">>": ("__rshift__",),
    "^": ("__xor__",),
}
UNARY = {"-": "__neg__", "+": "__pos__", "~": "__invert__"}


def run_method(
    flow: Flow, state: State, value: Value, names: tuple[str, ...], arguments: Arguments, at: Span
) -> Value | None:
    """Run the first of these that the object's class defines; None: it defines none."""
    if not isinstance(value, Reference):
        return None
    cls = state.record(value.oid).class_info()
    for name in names if cls is not None else ():
        found = cls.find(name) if cls is not None else None
        if found is not None and found[1].function is not None:
            return value.attribute(flow, state, name, at).call(flow, state, arguments, at)
    return None


def operated(flow: Flow, state: State, left: Value, operator: str, right: Value, at: Span) -> Value | None:
    names = METHODS.get(operator)
    if names is None:
        return None
    return run_method(flow, state, left, names, Arguments((right,)), at)


def operated_in_place(
    flow: Flow, state: State, left: Value, operator: str, right: Value, at: Span
) -> Value | None:
    """`left += right`; None: it is `left + right`."""
    names = tuple(f"__i{name[2:]}" for name in METHODS.get(operator, ()))
    return run_method(flow, state, left, names, Arguments((right,)), at)


def ordered(flow: Flow, state: State, iteration: Iteration, at: Span) -> None:
    """`sorted(rows)`, `max(rows)`: elements are compared with each other."""
    for one in _elements(iteration):
        operated(flow, state, one, "<", one, at)


def hashed(flow: Flow, state: State, iteration: Iteration, at: Span) -> None:
    """`set(rows)`, `{row: 1}`."""
    for one in _elements(iteration):
        run_method(flow, state, one, ("__hash__",), Arguments(), at)


def searched(flow: Flow, state: State, item: Value, where: Value, at: Span) -> None:
    """`row in rows`: compared with one after the other, until one is it."""
    if not isinstance(item, Reference) or state.record(item.oid).class_info() is None:
        return
    record = state.record(where.oid) if isinstance(where, Reference) else None
    if isinstance(where, TupleValue) or (isinstance(record, ListRecord) and record.kind == "list"):
        with flow.hedged(True):
            for one in _elements(where.iterate(flow, state, at, False)):
                if one != item:
                    item.compared(flow, state, "==", one, at)


def _elements(iteration: Iteration) -> tuple[Value, ...]:
    found = iteration.items if iteration.items is not None else (iteration.element,)
    return tuple(one for value in found if value is not None for one in alternatives(value))
