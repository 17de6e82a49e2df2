"""Tests: which way a condition goes, and what is known on either side of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.facts import is_none
from asyncsqla_lint.flow.frames import Frame, Outcome
from asyncsqla_lint.flow.paths import merged, paths
from asyncsqla_lint.flow.tested import key_and_sign
from asyncsqla_lint.flow.values import (
    FALSE,
    NONE,
    TRUE,
    UNKNOWN,
    Arguments,
    Constant,
    Reference,
    Symbol,
    TupleValue,
    Union,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# `if inspect.iscoroutinefunction(job): await job()`, before `else: await asyncio.to_thread(job)`
COROUTINE_FUNCTIONS = ("inspect.iscoroutinefunction", "asyncio.iscoroutinefunction")

Paths = tuple[list["State"], list["State"], list[Outcome]]


def test_paths(flow: Flow, state: State, node: p.Expression) -> Paths:
    """The states in which the test holds, those in which it does not, and the paths that end in it."""
    if isinstance(node, p.UnaryOperation) and node.operator == "not":
        true, false, exits = test_paths(flow, state, node.operand)
        return false, true, exits
    if isinstance(node, p.BooleanOperation):
        stops = node.operator == "or"
        going = [state]
        stopped: list[State] = []
        exits = []
        for operand in node.values:
            onward: list[State] = []
            for own in going:
                true, false, left = test_paths(flow, own, operand)
                stopped.extend(true if stops else false)
                onward.extend(false if stops else true)
                exits.extend(left)
            going = merged(flow, onward, p.start_of(operand.span))
        stopped = merged(flow, stopped, p.start_of(node.span))
        return (stopped, going, exits) if stops else (going, stopped, exits)
    options, exits = paths(flow, state, lambda own: _told(flow, own, flow.evaluate(own, node), node.span))
    true, false = [], []
    for own, value in options:
        truth = decided(flow, own, node, value)
        if truth is not False:
            yes = own.copy() if truth is None else own
            if not isinstance(node, (p.Name, p.Attribute)):  # of those `narrow` takes care
                value.assumed(flow, yes, True)
            if narrow(flow, yes, node, True) or truth is True:
                true.append(yes)
        if truth is not True:
            if not isinstance(node, (p.Name, p.Attribute)):
                value.assumed(flow, own, False)
            if narrow(flow, own, node, False) or truth is False:
                false.append(own)
    return true, false, exits


def test(flow: Flow, state: State, node: p.Expression) -> bool | None:
    """The truth of a condition in one state, which stays one."""
    flow.joining += 1
    try:
        return decided(flow, state, node, _told(flow, state, flow.evaluate(state, node), node.span))
    finally:
        flow.joining -= 1


def _told(flow: Flow, state: State, value: Value, at: p.Span) -> Value:
    """A condition asks the value itself for its truth: `__bool__`, or else `__len__`."""
    for one in alternatives(value):
        info = state.record(one.oid).class_info() if isinstance(one, Reference) else None
        for name in ("__bool__", "__len__") if info is not None else ():
            found = info.find(name) if info is not None else None
            if found is not None and found[1].function is not None:
                one.attribute(flow, state, name, at).call(flow, state, Arguments(), at)
                break
    return value


def decided(flow: Flow, state: State, node: p.Expression, value: Value) -> bool | None:
    truth = value.truth(state)
    if truth is None and state.facts:
        key, positive = key_and_sign(node)
        if key is not None and key in state.facts:
            return state.facts[key] is positive
    return truth


def compare(flow: Flow, state: State, left: Value, operator: str, right: Value, at: p.Span) -> Value:
    if operator in ("in", "not in"):
        found = right.contains(flow, state, left, at)
        if found is None and isinstance(right, TupleValue) and isinstance(left, Constant):
            if all(isinstance(one, Constant) for one in right.elements):
                found = left in right.elements
        return UNKNOWN if found is None else Constant(found is (operator == "in"))
    if operator in ("==", "is"):
        return _truth_value(are_same(state, left, right))
    if operator in ("!=", "is not"):
        same = are_same(state, left, right)
        return _truth_value(None if same is None else not same)
    if isinstance(left, Constant) and isinstance(right, Constant):
        a, b = left.value, right.value
        if isinstance(a, (int, float)) and isinstance(b, (int, float)):
            return Constant({"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}.get(operator))
    return UNKNOWN


def _truth_value(answer: bool | None) -> Value:
    return UNKNOWN if answer is None else TRUE if answer else FALSE


def are_same(state: State, left: Value, right: Value) -> bool | None:
    if isinstance(left, Constant) and isinstance(right, Constant):
        return left.value == right.value and type(left.value) is type(right.value)
    for one, other in ((left, right), (right, left)):
        if one == NONE:
            return False if other.is_something(state) else is_none(other)
    if (
        isinstance(left, (Symbol, Reference, ClassValue))
        and left == right
        and not isinstance(left, Reference)
    ):
        return True
    if isinstance(left, ClassValue) and isinstance(right, ClassValue):
        return left.info is right.info
    if type(left) is type(right) is ExternalValue:
        return left == right or (None if _may_be_one(left.name, right.name) else False)
    return None


def _may_be_one(name: str, other: str) -> bool:
    """Two classes of libraries are told apart by their names; what is exported twice has one at its end."""
    if name.startswith("builtins.") or other.startswith("builtins."):
        return False
    last = [one.rpartition(".")[2] for one in (name, other)]
    return last[0] == last[1] or any(one.isupper() or one.islower() for one in last)


# --- narrowing -----------------------------------------------------------------------------------


def narrow(flow: Flow, state: State, node: p.Expression, holds: bool) -> bool:
    """Make the state one in which the test has come out so; False when that cannot be."""
    if isinstance(node, p.UnaryOperation) and node.operator == "not":
        return narrow(flow, state, node.operand, not holds)
    if isinstance(node, p.BooleanOperation):
        if holds is (node.operator == "and"):
            possible = [narrow(flow, state, one, holds) for one in node.values]
            return all(possible)
        return True
    if isinstance(node, p.NamedExpression):
        return narrow(flow, state, node.target, holds)
    key, positive = key_and_sign(node)
    if key is not None and (flow.frame.function is not None):
        state.facts[key] = holds is positive
    if isinstance(node, (p.Name, p.Attribute)):
        value = current(flow, state, node)
        if value is not None:
            value.assumed(flow, state, holds)
            if not holds:
                flow.meanings.found_none(flow, state, value)  # for a key, to be false is to be none
        return _keep(flow, state, node, lambda value: value.truth(state) is not (not holds), holds)
    if isinstance(node, p.Compare) and len(node.operators) == 1:
        return _narrow_compare(flow, state, node, holds) and _tell_apart(flow, state, node, holds)
    if isinstance(node, p.Call):
        return _narrow_call(flow, state, node, holds) and _tell_apart(flow, state, node, holds)
    return True


def _keep(flow: Flow, state: State, node: p.Expression, wanted: object, holds: bool | None = None) -> bool:
    """Keep those alternatives of a variable or attribute that the test leaves."""
    value = current(flow, state, node)
    if value is None:
        return True
    kept = tuple(one for one in alternatives(value) if wanted(one))  # type: ignore[operator]
    if not kept:
        return False
    if len(kept) != len(alternatives(value)):
        put(flow, state, node, union(kept))
    if holds is False and len(kept) == 1 and isinstance(kept[0], Reference):
        from asyncsqla_lint.flow.containers import ListRecord

        record = state.record(kept[0].oid)
        if isinstance(record, ListRecord) and record.kind == "list" and record.items is None:
            state.put(kept[0], ListRecord((), None, "list"))
    return True


def current(flow: Flow, state: State, node: p.Expression) -> Value | None:
    """The value of a name or attribute, read without consequences."""
    from asyncsqla_lint.flow.objects import ObjectRecord

    if isinstance(node, p.NamedExpression):
        node = node.target
    if isinstance(node, p.Name):
        return flow.scopes.local(state, flow.frame, node.id)
    if isinstance(node, p.Attribute):
        owner = current(flow, state, node.value)
        if isinstance(owner, Reference):
            record = state.record(owner.oid)
            if isinstance(record, ObjectRecord):
                return record.attributes.get(node.name)
            return record.peek(node.name)
    return None


def put(flow: Flow, state: State, node: p.Expression, value: Value) -> None:
    from asyncsqla_lint.flow.objects import ObjectRecord

    if isinstance(node, p.NamedExpression):
        node = node.target
    if isinstance(node, p.Name):
        state.assign(flow.scopes.frame_of_assignment(flow.frame, node.id), node.id, value)
    elif isinstance(node, p.Attribute):
        owner = current(flow, state, node.value)
        if isinstance(owner, Reference):
            record = state.record(owner.oid)
            if isinstance(record, ObjectRecord):
                state.put(owner, replace(record, attributes={**record.attributes, node.name: value}))
            else:
                record.poke(state, owner, node.name, value)


def _narrow_compare(flow: Flow, state: State, node: p.Compare, holds: bool) -> bool:
    operator, right = node.operators[0], node.comparators[0]
    if operator in ("is not", "!=", "not in"):
        operator, holds = {"is not": "is", "!=": "==", "not in": "in"}[operator], not holds
    if operator in ("is", "==") and isinstance(right, p.Constant):
        constant = Constant(right.value)

        def wanted(value: Value) -> bool:
            same = are_same(state, value, constant)
            return same is not (not holds)

        value = current(flow, state, node.left)
        if value is not None and holds and are_same(state, value, constant) is None:
            if constant == NONE or not isinstance(value, Union):
                kept = any(wanted(one) for one in alternatives(value))
                if kept and all(
                    one is UNKNOWN or one == NONE or isinstance(one, Symbol) for one in alternatives(value)
                ):
                    put(flow, state, node.left, constant)
                    if constant == NONE:
                        flow.meanings.found_none(flow, state, value)
                    return True
        return _keep(flow, state, node.left, wanted)
    if operator == "in":
        left = flow.evaluate(state, node.left)
        if isinstance(left, Constant) and isinstance(left.value, str):
            flow.meanings.narrowed_membership(flow, state, left.value, right, holds)
    return True


def _narrow_call(flow: Flow, state: State, node: p.Call, holds: bool) -> bool:
    name = flow.scopes.callee_name(flow.frame, node.function)
    answer = flow.types.is_callable if name == "builtins.callable" else None
    if name in COROUTINE_FUNCTIONS:
        answer = flow.types.is_coroutine_function
    if answer is not None and len(node.arguments) == 1:
        asked_of = node.arguments[0]
        return _keep(flow, state, asked_of, lambda value: answer(state, value) is not (not holds))
    asked = _asked_class(flow, state, node)
    if asked is None:
        return True
    subject, wanted = asked

    def fits(value: Value) -> bool:
        answer = flow.types.is_instance(state, value, wanted)
        return answer is not (not holds)

    kept = _keep(flow, state, subject, fits)
    if kept and holds:
        value = current(flow, state, subject)
        if isinstance(value, Reference) and len(wanted) == 1:
            state.record(value.oid).specialised(flow, state, value, wanted[0])
        elif value is not None and len(wanted) == 1:
            specialised = flow.types.specialise(flow, state, value, wanted[0])
            if specialised is not None:
                put(flow, state, subject, specialised)
    return kept


def _asked_class(flow: Flow, state: State, node: p.Call) -> tuple[p.Expression, tuple[Value, ...]] | None:
    """Of `isinstance(x, C)`, and of a function that returns just that: `x`, and the classes."""
    if flow.scopes.callee_name(flow.frame, node.function) == "builtins.isinstance":
        if len(node.arguments) != 2:
            return None
        classes = flow.evaluate(state, node.arguments[1])
        return node.arguments[0], classes.elements if isinstance(classes, TupleValue) else (classes,)
    info = flow.scopes.symbol(flow.frame, node.function)
    if not isinstance(info, FunctionInfo) or info.is_async or len(node.arguments) != 1:
        return None
    returned = info.body[0] if len(info.body) == 1 and info.header.parameters else None
    inner = returned.value if isinstance(returned, p.Return) else None
    if not isinstance(inner, p.Call) or len(inner.arguments) != 2:
        return None
    parameter, within = inner.arguments[0], Frame(flow.frame.id, info.module, info)
    if not isinstance(parameter, p.Name) or parameter.id != info.header.parameters[0].name:
        return None
    if flow.scopes.callee_name(within, inner.function) != "builtins.isinstance":
        return None
    wanted = flow.types.classes(within, inner.arguments[1])
    return (node.arguments[0], wanted) if wanted else None


def _tell_apart(flow: Flow, state: State, node: p.Expression, holds: bool) -> bool:
    """Of a variable that holds one of several plain values, those with which the test comes out so."""
    for name in _asked(flow.frame.function, node):
        value = flow.scopes.local(state, flow.frame, name.id)
        if not isinstance(value, Union) or any(isinstance(one, Reference) for one in value.alternatives):
            continue

        def may_be(one: Value, name: p.Name = name) -> bool:
            if one is UNKNOWN or isinstance(one, Symbol):
                return True
            own = state.copy()
            put(flow, own, name, one)
            with flow.silently():
                return test(flow, own, node) is not (not holds)

        if not _keep(flow, state, name, may_be):
            return False
    return True


def _asked(function: FunctionInfo | None, node: p.Expression) -> list[p.Name]:
    """The variables of a test that consists of nothing but constants, attributes, and methods of values."""
    if function is None:
        return _names_asked(node)
    known: dict[int, tuple[p.Expression, list[p.Name]]] = function.__dict__.setdefault("asked", {})
    found = known.get(id(node))
    if found is None:
        found = known[id(node)] = node, _names_asked(node)
    return found[1]


def _names_asked(node: p.Expression) -> list[p.Name]:
    found: list[p.Name] = []
    for one in walk(node):
        if isinstance(one, p.Name):
            found.append(one)
        elif isinstance(one, p.Call):
            if not isinstance(one.function, p.Attribute) or one.keywords:
                return []
        elif not isinstance(one, (p.Compare, p.Attribute, p.Constant, p.Subscript, p.TupleDisplay)):
            return []
    return found


def only(value: Value, stays_true: bool, state: State) -> Value:
    """The alternatives of `a` that make `a or b` (`a and b`) stop at `a`."""
    kept = tuple(one for one in alternatives(value) if one.truth(state) is not (not stays_true))
    return union(kept) if kept else value


# --- exceptions ----------------------------------------------------------------------------------
