"""Statements that raise nothing: the handlers of the `try` around them are for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow import narrowing
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Reference, alternatives
from asyncsqla_lint.program import (
    AnnotatedAssign,
    Assign,
    Attribute,
    AugmentedAssign,
    Await,
    BooleanOperation,
    Break,
    Call,
    Compare,
    Constant,
    Continue,
    Evaluate,
    Expression,
    For,
    If,
    Name,
    Node,
    Return,
    Statement,
    UnaryOperation,
    While,
    With,
)
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def raises_nothing(flow: Flow, state: State, statement: Statement, catches: frozenset[str]) -> bool:
    return (
        _is_safe(statement)
        or _lets_go(statement)
        or (isinstance(statement, If) and _is_safe_test(flow, state, statement.test))
        or (isinstance(statement, With) and _takes_a_lock(flow, state, statement))
        or _reports(statement, bool(flow.handling))
        or (catches == _LOOKUPS and _is_there(flow, state, statement))
        or _succeeds(flow, state, statement)
    )


def _is_safe(statement: Statement) -> bool:
    """`self.engine = engine`, `done = True`, `return`."""
    if isinstance(statement, Return):
        return statement.value is None or isinstance(statement.value, (Name, Constant))
    if isinstance(statement, (Break, Continue)):
        return True
    return (
        isinstance(statement, Assign)
        and isinstance(statement.value, (Name, Constant))
        and all(
            isinstance(one, Name) or (isinstance(one, Attribute) and isinstance(one.value, Name))
            for one in statement.targets
        )
    )


def _is_safe_test(flow: Flow, state: State, test: Expression) -> bool:
    """`if self.engine is not None:`, `if not engine or self.closed:`: what it asks of is there."""
    if isinstance(test, BooleanOperation):
        return all(_is_safe_test(flow, state, one) for one in test.values)
    if isinstance(test, UnaryOperation):
        return _is_safe_test(flow, state, test.operand)
    if isinstance(test, Compare):
        return all(one in ("is", "is not") for one in test.operators) and all(
            _is_safe_test(flow, state, one) for one in (test.left, *test.comparators)
        )
    if isinstance(test, Attribute) and isinstance(test.value, Name):
        owner = narrowing.current(flow, state, test.value)
        record = state.record(owner.oid) if isinstance(owner, Reference) else None
        info = record.cls.info if isinstance(record, ObjectRecord) else None
        found = None if info is None else info.find(test.name)
        return info is not None and (found is None or not isinstance(found[1], FunctionInfo))
    return isinstance(test, (Name, Constant))


def _takes_a_lock(flow: Flow, state: State, statement: With) -> bool:
    """`async with self.lock:`; what is inside of it says so itself."""
    for item in statement.items:
        lock = narrowing.current(flow, state, item.context)
        if not isinstance(lock, Reference) or not state.record(lock.oid).is_safe_to_enter:
            return False
    return True


def _is_there(flow: Flow, state: State, statement: Statement) -> bool:
    """`await node.awaitable_attrs.logs`, `if wanted:`; of a known node: no `AttributeError` comes of it."""
    if isinstance(statement, If):
        return isinstance(statement.test, Name)
    value = statement.value if isinstance(statement, Evaluate) else None
    value = value.value if isinstance(value, Await) else value
    name = ""
    while isinstance(value, Attribute):
        name, value = value.name, value.value
    owner = narrowing.current(flow, state, value) if name and isinstance(value, Name) else None
    return isinstance(owner, Reference) and owner.has_attribute(flow, state, name, statement.span) is True


_LOOKUPS = frozenset(("AttributeError",))


def _succeeds(flow: Flow, state: State, statement: Statement) -> bool:
    """`url = make_url(text)`, where the text is one that it parses: the handler is for other texts."""
    call = statement.value if isinstance(statement, (Assign, Return)) else None
    if not isinstance(call, Call) or len(call.arguments) != 1 or call.keywords:
        return False
    name = flow.scopes.callee_name(flow.frame, call.function)
    meaning = flow.meanings.call(name) if name in flow.meanings.sure and name is not None else None
    value = None if meaning is None else narrowing.current(flow, state, call.arguments[0])
    if meaning is None or value is None:
        return False
    return UNKNOWN not in alternatives(meaning(flow, state, Arguments((value,)), call.span))


def cleans_up(statement: Statement) -> bool:
    """`await session.rollback()`, in a handler: it is taken to succeed."""
    call = statement.value if isinstance(statement, Evaluate) else None
    call = call.value if isinstance(call, Await) else call
    function = call.function if isinstance(call, Call) else None
    return isinstance(function, Attribute) and function.name in _CLEANUPS


def _lets_go(statement: Statement) -> bool:
    """`await session.close()`, `await asyncio.shield(pool.dispose())`: even if it raises, it has let go."""
    awaited = statement.value if isinstance(statement, Evaluate) else None
    call = awaited.value if isinstance(awaited, Await) else None
    while isinstance(call, Call) and call.arguments and isinstance(call.arguments[0], Call):
        call = call.arguments[0]  # `asyncio.wait_for(asyncio.shield(…), timeout)`
    function = call.function if isinstance(call, Call) else None
    return isinstance(function, Attribute) and function.name in ("close", "aclose", "dispose")


def _reports(statement: Statement, is_handling: bool) -> bool:
    """`logger.info("closing")`; in a handler, whatever it reports."""
    call = statement.value if isinstance(statement, Evaluate) else None
    function = call.function if isinstance(call, Call) else None
    if not (isinstance(call, Call) and isinstance(function, Attribute) and function.name in _REPORTS):
        return False
    given = (*call.arguments, *(one.value for one in call.keywords))
    return is_handling or all(isinstance(one, (Name, Constant)) for one in given)


_REPORTS = frozenset("debug info warning warn error exception critical".split())
_CLEANUPS = frozenset(("rollback", "close", "aclose"))


def awaits_nothing(flow: Flow, statement: Statement) -> bool:
    """Nothing is awaited in it, so no database answers it."""
    key = ("plain", id(statement))
    known = flow.memory.get(key)
    if not isinstance(known, tuple):
        head: Node | None = None  # what is inside of its body says so itself
        if isinstance(statement, (Evaluate, Assign, AnnotatedAssign, AugmentedAssign, Return)):
            head = statement
        elif isinstance(statement, (If, While)):
            head = statement.test
        elif isinstance(statement, For) and not statement.is_async:
            head = statement.iterable
        answer = head is not None and not any(isinstance(node, Await) for node in walk(head))
        known = flow.memory[key] = (statement, answer)  # held, so that no id is used twice
    return bool(known[1])
