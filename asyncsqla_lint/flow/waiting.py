"""`await task`: where that raises, the task is over, as it is where it gives a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow import narrowing
from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.values import UNKNOWN, Reference, Value
from asyncsqla_lint.program import (
    AnnotatedAssign,
    Assign,
    Attribute,
    Await,
    Call,
    Evaluate,
    Expression,
    Name,
    Return,
    Statement,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

CANCELLED = ExternalValue("asyncio.CancelledError")
_SEES_CANCELLATION = frozenset(("CancelledError", "BaseException"))
_WAITS, _SHIELDS = "asyncio.wait_for", "asyncio.shield"


def as_it_raises(flow: Flow, state: State, statement: Statement) -> list[tuple[State, Value]]:
    """The states in which the statement may raise, each with what it raises.

    `asyncio.shield(task)` lets go of a task that goes on when it is cancelled itself, and at no other time.
    """
    name, is_shielded = _waited_for(flow, statement)
    value = None if name is None else narrowing.current(flow, state, name)
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if record is None or not isinstance(value, Reference) or record.over() is record:
        return [(state, UNKNOWN)]
    own = state.copy()
    own.put(value, record.over())
    if is_shielded and not _SEES_CANCELLATION.isdisjoint(flow.tries[-1].catches):
        return [(own, UNKNOWN), (state, CANCELLED)]
    return [(own, UNKNOWN)]


def _waited_for(flow: Flow, statement: Statement) -> tuple[Name | None, bool]:
    """What a name stands for that is there already: nothing that comes before it may raise."""
    if not isinstance(statement, (Evaluate, Assign, AnnotatedAssign, Return)):
        return None, False
    first = _first(statement.value)
    value = first.value if isinstance(first, Await) else None
    called = flow.scopes.callee_name(flow.frame, value.function) if isinstance(value, Call) else None
    if isinstance(value, Call) and called in (_WAITS, _SHIELDS) and value.arguments:
        value = value.arguments[0]
    return (value if isinstance(value, Name) else None), called == _SHIELDS


def _first(node: Expression | None) -> Expression | None:
    """`print(await task)`, `(await task).rows`: what is evaluated first."""
    while isinstance(node, (Attribute, Call)):
        if isinstance(node, Attribute):
            node = node.value
        elif isinstance(node.function, Name) and len(node.arguments) == 1:
            node = node.arguments[0]
        elif isinstance(node.function, Attribute):
            node = node.function.value
        else:
            break
    return node
