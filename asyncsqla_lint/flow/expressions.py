"""Expressions: each gives one value and may change the state; where it could go two ways, `Flow.choose`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import calls, facts, narrowing, operators
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.coroutines import CoroutineRecord, Driven
from asyncsqla_lint.flow.frames import Option
from asyncsqla_lint.flow.paths import paths
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    FunctionValue,
    Iteration,
    Member,
    Reference,
    Text,
    TupleValue,
    Value,
    concatenated,
    is_short,
    text,
    union,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def evaluate(flow: Flow, state: State, node: p.Expression) -> Value:
    return EVALUATORS[type(node)](flow, state, node)


def _name(flow: Flow, state: State, node: p.Name) -> Value:
    return flow.scopes.lookup(state, flow.frame, node.id)


def _attribute(flow: Flow, state: State, node: p.Attribute) -> Value:
    value = evaluate(flow, state, node.value)
    if value is UNKNOWN:
        return UNKNOWN
    return value.attribute(flow, state, node.name, node.span)


def _constant(flow: Flow, state: State, node: p.Constant) -> Value:
    return Constant(node.value)


def _format(flow: Flow, state: State, node: p.FormatString) -> Value:
    pieces: list[Value] = []
    for part in node.parts:
        value = evaluate(flow, state, part)
        pieces.append(value if isinstance(part, p.Constant) else value.formatted(flow, state, part.span))
    return concatenated(pieces)


def arguments_of(flow: Flow, state: State, node: p.Call) -> Arguments:
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    more: Value | None = None
    more_keywords: Value | None = None
    for argument in node.arguments:
        if isinstance(argument, p.Starred):
            iteration = evaluate(flow, state, argument.value).iterate(flow, state, argument.span, False)
            if iteration.items is not None and more is None:
                positional.extend(iteration.items)
            else:
                known = (*(iteration.items or ()), *(() if more is None else (more,)))
                more = (
                    union((*known, *(() if iteration.element is None else (iteration.element,))))
                    if (known or iteration.element is not None)
                    else more
                )
        elif more is not None:
            more = union((more, evaluate(flow, state, argument)))
        else:
            positional.append(evaluate(flow, state, argument))
    for keyword in node.keywords:
        value = evaluate(flow, state, keyword.value)
        if keyword.name is not None:
            keywords[keyword.name] = value
        else:
            record = getattr(value, "record", lambda _: None)(state)
            if isinstance(record, DictRecord):
                keywords.update({key: one for key, one in record.entries.items() if isinstance(key, str)})
                if record.other is not None:
                    more_keywords = record.other
            else:
                more_keywords = UNKNOWN
    return Arguments(tuple(positional), keywords, more, more_keywords)


_CHANGES = frozenset(
    "append add extend insert remove discard clear pop update sort reverse "
    "appendleft popleft setdefault".split()
)


def _changing(flow: Flow, state: State, node: p.Expression, act: Callable[[], Value]) -> Value:
    """Evaluate while the attribute `node` is read only to be changed in place, or asked what it holds."""
    if not isinstance(node, p.Attribute):
        return act()
    before, flow.changing = flow.changing, node.span
    try:
        return act()
    finally:
        flow.changing = before


def _call(flow: Flow, state: State, node: p.Call) -> Value:
    target = node.function
    if isinstance(target, p.Attribute) and target.name in _CHANGES:
        function = _changing(flow, state, target.value, lambda: evaluate(flow, state, target))
    else:
        function = evaluate(flow, state, target)
    arguments = arguments_of(flow, state, node)
    flow.calling = node
    if flow.awaiting is not None and flow.awaiting[1] is node:
        flow.meanings.call_awaited(flow, state, function, node.span)
    return function.call(flow, state, arguments, node.span)


def _await(flow: Flow, state: State, node: p.Await) -> Value:
    outer, flow.awaiting = flow.awaiting, (flow.frame.module, node.value)
    try:
        value = evaluate(flow, state, node.value)
    finally:
        flow.awaiting = outer
    if flow.risky and not is_own_coroutine(state, value):
        flow.at_risk(state, value)
    if isinstance(node.value, p.Await) and flow.awaited is not None and flow.awaited[0] is node.value:
        flow.meanings.awaited_again(flow, state, flow.awaited[1], node.span)
    result = value.awaited(flow, state, node.span)
    flow.awaited = (node, value)
    return result


def is_own_coroutine(state: State, value: Value) -> bool:
    """Is it one of the project's, whose awaits are seen one by one?"""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    return isinstance(record, CoroutineRecord) and isinstance(record.function, FunctionValue)


def _subscript(flow: Flow, state: State, node: p.Subscript) -> Value:
    value = evaluate(flow, state, node.value)
    if isinstance(node.index, p.Slice):
        for part in (node.index.lower, node.index.upper, node.index.step):
            if part is not None:
                evaluate(flow, state, part)
        iteration = value.iterate(flow, state, node.span, False)
        if isinstance(value, (Constant, Text)):
            return UNKNOWN
        return flow.allocate(state, ListRecord.of(iteration))
    key = evaluate(flow, state, node.index)
    return value.item(flow, state, key, node.span)


def _slice(flow: Flow, state: State, node: p.Slice) -> Value:
    return UNKNOWN


def _tuple(flow: Flow, state: State, node: p.TupleDisplay) -> Value:
    iteration = _elements(flow, state, node.elements)
    if iteration.items is not None:
        return TupleValue(iteration.items)
    return flow.allocate(state, ListRecord.of(iteration, "tuple"))


def _list(flow: Flow, state: State, node: p.ListDisplay) -> Value:
    return flow.allocate(state, ListRecord.of(_elements(flow, state, node.elements)))


def _set(flow: Flow, state: State, node: p.SetDisplay) -> Value:
    elements = _elements(flow, state, node.elements)
    operators.hashed(flow, state, elements, node.span)
    return flow.allocate(state, ListRecord.of(elements, "set"))


def _elements(flow: Flow, state: State, nodes: tuple[p.Expression, ...]) -> Iteration:
    items: list[Value] = []
    known = True
    for node in nodes:
        if isinstance(node, p.Starred):
            iteration = evaluate(flow, state, node.value).iterate(flow, state, node.span, False)
            items.extend(iteration.items or ())
            if iteration.element is not None:
                known = False
                items.append(iteration.element)
        else:
            items.append(evaluate(flow, state, node))
    if known:
        return Iteration(items=tuple(items), may_be_empty=not items)
    return Iteration(element=union(tuple(items)), may_be_empty=True)


def _dict(flow: Flow, state: State, node: p.DictDisplay) -> Value:
    record = DictRecord()
    for item in node.items:
        value = evaluate(flow, state, item.value)
        if item.key is None:
            other = value.record(state) if hasattr(value, "record") else None
            if isinstance(other, DictRecord):
                record = DictRecord({**record.entries, **other.entries}, other.other or record.other)
            else:
                record = DictRecord(record.entries, UNKNOWN)
        else:
            record = record.with_item(evaluate(flow, state, item.key), value)
    return flow.allocate(state, record)


def _starred(flow: Flow, state: State, node: p.Starred) -> Value:
    return evaluate(flow, state, node.value)


def _lambda(flow: Flow, state: State, node: p.Lambda) -> Value:
    flow.frame.is_captured = True
    return flow.scopes.nested_function(flow.frame, node.function)


def _compare(flow: Flow, state: State, node: p.Compare) -> Value:
    left = evaluate(flow, state, node.left)
    result: Value = UNKNOWN
    for operator, right_node in zip(node.operators, node.comparators, strict=True):
        if operator in ("in", "not in"):
            right = _changing(flow, state, right_node, partial(evaluate, flow, state, right_node))
        else:
            right = evaluate(flow, state, right_node)
        shown = right
        if right is UNKNOWN and isinstance(right_node, p.Attribute):
            shown = Member(right_node.name)
        result = compare(flow, state, left, operator, shown, node.span)
        left = right
    return result if len(node.operators) == 1 else UNKNOWN


_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def compare(flow: Flow, state: State, left: Value, operator: str, right: Value, at: p.Span) -> Value:
    if operator in ("in", "not in"):
        tested = right.tested_for(flow, state, left, operator == "in")
        if tested is not None:
            return tested
    special = left.compared(flow, state, operator, right, at)
    if special is None and operator not in ("in", "not in", "is", "is not"):
        special = right.compared(flow, state, _MIRRORED.get(operator, operator), left, at)
    if special is not None:
        return special
    return narrowing.compare(flow, state, left, operator, right, at)


def _boolean(flow: Flow, state: State, node: p.BooleanOperation) -> Value:
    value: Value = UNKNOWN
    stops = node.operator == "or"  # the truth that ends the evaluation
    for position, operand in enumerate(node.values):
        value = evaluate(flow, state, operand)
        if position == len(node.values) - 1:
            break
        truth = value.truth(state)
        if truth is None:
            stay, go = state.copy(), state.copy()
            options: list[Option] = []
            if narrowing.narrow(flow, stay, operand, stops):
                options.append((stay, narrowing.only(value, stays_true=stops, state=stay)))
            if narrowing.narrow(flow, go, operand, not stops):
                rest = node.values[position + 1 :]
                after = rest[0] if len(rest) == 1 else p.BooleanOperation(node.span, node.operator, rest)
                options.extend(_on_copy(flow, go, after))
            return flow.choose(state, options) if options else value
        if truth is stops:
            return value
    return value


def _unary(flow: Flow, state: State, node: p.UnaryOperation) -> Value:
    value = evaluate(flow, state, node.operand)
    if node.operator == "not":
        truth = value.truth(state)
        return UNKNOWN if truth is None else Constant(not truth)
    if node.operator == "-" and isinstance(value, Constant) and isinstance(value.value, (int, float)):
        return Constant(-value.value)
    if node.operator == "~":
        return value.operated(flow, state, "~", UNKNOWN, node.span) or UNKNOWN
    return UNKNOWN


def _binary(flow: Flow, state: State, node: p.BinaryOperation) -> Value:
    left = evaluate(flow, state, node.left)
    right = evaluate(flow, state, node.right)
    return operate(flow, state, left, node.operator, right, node.span)


def operate(flow: Flow, state: State, left: Value, operator: str, right: Value, at: p.Span) -> Value:
    if operator == "+" and (isinstance(left, (Constant, Text)) or isinstance(right, (Constant, Text))):
        if any(
            isinstance(one, Text) or (isinstance(one, Constant) and isinstance(one.value, str))
            for one in (left, right)
        ):
            return concatenated((left, right))
        if isinstance(left, Constant) and isinstance(right, Constant):
            if isinstance(left.value, (int, float)) and isinstance(right.value, (int, float)):
                return Constant(left.value + right.value)
            return UNKNOWN
    if operator == "-" and isinstance(left, Constant) and isinstance(right, Constant):
        if isinstance(left.value, (int, float)) and isinstance(right.value, (int, float)):
            return Constant(left.value - right.value)
        return UNKNOWN
    if operator == "%" and isinstance(left, (Constant, Text)):
        if not isinstance(left, Constant) or isinstance(left.value, str):
            given = right.elements if isinstance(right, TupleValue) else (right,)
            written = tuple(
                one.formatted(flow, state, at) if not isinstance(one, (Constant, Text)) else one
                for one in given
            )
            return _percent(left.value, TupleValue(written)) if isinstance(left, Constant) else UNKNOWN
    if operator in ("+", "|") and hasattr(left, "record"):
        record = left.record(state)
        if isinstance(record, (ListRecord, DictRecord)):
            return record.added(flow, state, right, at)
    if operator == "*" and isinstance(left, Reference):
        repeated = left.record(state)
        if isinstance(repeated, ListRecord):
            return flow.allocate(state, ListRecord(None, repeated.whole(), repeated.kind))
    if operator == "+" and isinstance(left, TupleValue) and isinstance(right, TupleValue):
        return TupleValue(left.elements + right.elements)
    return (
        left.operated(flow, state, operator, right, at)
        or right.operated(flow, state, operator, left, at)
        or UNKNOWN
    )


def _percent(pattern: p.Scalar, right: TupleValue) -> Value:
    assert isinstance(pattern, str)
    values = right.elements
    pieces = pattern.split("%s")
    if "%" in "".join(pieces) or len(pieces) != len(values) + 1:
        return text([pieces[0].split("%")[0] or None, None])
    parts: list[Value] = [Constant(pieces[0])]
    for value, piece in zip(values, pieces[1:], strict=True):
        parts += [value, Constant(piece)]
    return concatenated(parts)


def _conditional(flow: Flow, state: State, node: p.Conditional) -> Value:
    true, false, exits = narrowing.test_paths(flow, state.copy(), node.test)
    for outcome in exits:
        flow.may_raise(outcome.state, outcome.value)
    options: list[Option] = []
    for own in true:
        options.extend(_on_copy(flow, own, node.body))
    for own in false:
        options.extend(_on_copy(flow, own, node.otherwise))
    end = p.end_of(node.span)
    return flow.choose(state, options, lambda own: facts.signature(flow, own, end))


def _on_copy(flow: Flow, state: State, node: p.Expression) -> list[Option]:
    options, exits = paths(flow, state, lambda own: evaluate(flow, own, node))
    for outcome in exits:
        flow.may_raise(outcome.state, outcome.value)
    return options


def _comprehension(flow: Flow, state: State, node: p.Comprehension) -> Value:
    """Runs in the enclosing frame, whose variables are put back afterwards, once for each known item."""
    outside = state.frames.get(flow.frame.id, {})
    since = flow.counter
    flow.joining += 1
    try:
        items, certain = _comprehend(flow, state, node, 0)
    finally:
        flow.joining -= 1
    if not certain:
        flow.repeated(state, since)
    state.restore_frame(flow.frame.id, outside)
    if node.kind == "dict":
        record = DictRecord()
        for pair in items:
            assert isinstance(pair, TupleValue)
            record = record.with_item(pair.elements[0], pair.elements[1])
        return flow.allocate(state, record)
    if certain:
        iteration = Iteration(items=tuple(items), may_be_empty=not items)
    else:
        iteration = Iteration(element=union(tuple(items)) if items else None)
    if node.kind == "set":
        operators.hashed(flow, state, iteration, node.span)
    return flow.allocate(state, ListRecord.of(iteration, node.kind))


def _comprehend(flow: Flow, state: State, node: p.Comprehension, depth: int) -> tuple[list[Value], bool]:
    flow.step(state)
    if depth == len(node.clauses):
        made = evaluate(flow, state, node.element)
        if node.value is not None:
            made = TupleValue((made, evaluate(flow, state, node.value)))
        return [made], True
    clause = node.clauses[depth]
    iterated = evaluate(flow, state, clause.iterable)
    iterated = calls.iterated(flow, state, iterated, clause.iterable.span, clause.is_async)
    generator = calls.generator_of(state, iterated)
    if generator is not None:
        return _comprehend_generator(flow, state, node, depth, generator), False
    iteration = iterated.iterate(flow, state, clause.iterable.span, clause.is_async)
    known = iteration.items is not None and is_short(iteration.items)
    elements: Sequence[Value | None] = (_one(iteration),)
    if known and iteration.items is not None:
        elements = iteration.items
    result: list[Value] = []
    for element in elements:
        if element is not None:
            inner, all_known = _comprehend_one(flow, state, node, depth, element)
            known = known and all_known
            result.extend(inner)
    return result, known


def _comprehend_one(
    flow: Flow, state: State, node: p.Comprehension, depth: int, element: Value
) -> tuple[list[Value], bool]:
    clause = node.clauses[depth]
    assign(flow, state, clause.target, element)
    own, known = state, True
    result: list[Value] = []
    for condition in clause.conditions:
        truth = narrowing.test(flow, own, condition)
        if truth is None:
            known = False
            own = state.copy() if own is state else own
            if narrowing.narrow(flow, own, condition, True):
                continue
        elif truth:
            continue
        break
    else:
        flow.loops.append((flow.frame, (element,)))
        try:
            result, all_known = _comprehend(flow, own, node, depth + 1)
        finally:
            flow.loops.pop()
        known = known and all_known
    if own is not state:
        state.become(state.joined(own))
    return result, known


def _comprehend_generator(
    flow: Flow, state: State, node: p.Comprehension, depth: int, generator: calls.Generator
) -> list[Value]:
    """A generator of the project has what it opened open still, when it yields."""
    consumer = flow.frame
    result: list[Value] = []

    def use(own: State, value: Value) -> list[Option]:
        with flow.entered(consumer):
            result.extend(_comprehend_one(flow, own, node, depth, value)[0])
        return [(own, NONE)]

    calls.run_generator(flow, state, generator, use)
    return result


def _one(iteration: Iteration) -> Value | None:
    if iteration.items is not None:
        return union(iteration.items) if iteration.items else None
    return iteration.element


def _named(flow: Flow, state: State, node: p.NamedExpression) -> Value:
    value = evaluate(flow, state, node.value)
    assign(flow, state, node.target, value)
    return value


def _yield(flow: Flow, state: State, node: p.Yield) -> Value:
    value = NONE if node.value is None else evaluate(flow, state, node.value)
    return flow.yielded(state, value)


def _yield_from(flow: Flow, state: State, node: p.YieldFrom) -> Value:
    value = evaluate(flow, state, node.value)
    if isinstance(value, Driven):
        return value.awaited(flow, state, node.span)
    iteration = value.iterate(flow, state, node.span, False)
    for item in iteration.items or (() if iteration.element is None else (iteration.element,)):
        flow.yielded(state, item)
    return UNKNOWN


def _opaque(flow: Flow, state: State, node: p.Opaque) -> Value:
    for part in node.parts:
        evaluate(flow, state, part)
    return UNKNOWN


# --- targets -------------------------------------------------------------------------------------


def assign(flow: Flow, state: State, target: p.Expression, value: Value) -> None:
    if isinstance(target, p.Name):
        frame = flow.scopes.frame_of_assignment(flow.frame, target.id)
        state.assign(frame, target.id, value)
        facts.forget(state, target.id)
    elif isinstance(target, p.Attribute):
        evaluate(flow, state, target.value).set_attribute(flow, state, target.name, value, target.span)
        facts.forget(state, facts.key_of(target) or target.name)
    elif isinstance(target, p.Subscript):
        container = _changing(flow, state, target.value, partial(evaluate, flow, state, target.value))
        key = UNKNOWN if isinstance(target.index, p.Slice) else evaluate(flow, state, target.index)
        container.set_item(flow, state, key, value, target.span)
    elif isinstance(target, (p.TupleDisplay, p.ListDisplay)):
        _unpack(flow, state, target, value)
    elif isinstance(target, p.Starred):
        assign(flow, state, target.value, value)


def _unpack(flow: Flow, state: State, target: p.TupleDisplay | p.ListDisplay, value: Value) -> None:
    iteration = value.iterate(flow, state, target.span, False)
    wanted = len(target.elements)
    star = next((i for i, one in enumerate(target.elements) if isinstance(one, p.Starred)), None)
    if iteration.items is not None and (
        len(iteration.items) == wanted if star is None else len(iteration.items) >= wanted - 1
    ):
        items = list(iteration.items)
        if star is not None:
            tail = wanted - star - 1
            end = len(items) - tail
            middle = flow.allocate(state, ListRecord.of(Iteration(items=tuple(items[star:end]))))
            items = [*items[:star], middle, *items[end:]]
        for one, item in zip(target.elements, items, strict=True):
            assign(flow, state, one, item)
        return
    element = _one(iteration) or UNKNOWN
    for one in target.elements:
        if isinstance(one, p.Starred):
            assign(flow, state, one, flow.allocate(state, ListRecord.of(Iteration(element=element))))
        else:
            assign(flow, state, one, element)


def delete(flow: Flow, state: State, target: p.Expression) -> None:
    if isinstance(target, p.Name):
        state.unassign(flow.frame.id, target.id)
    elif isinstance(target, p.Attribute):
        evaluate(flow, state, target.value).delete_attribute(flow, state, target.name, target.span)
    elif isinstance(target, p.Subscript):
        whole = _changing(flow, state, target.value, partial(evaluate, flow, state, target.value))
        key = evaluate(flow, state, target.index)
        whole.call_method(flow, state, "__delitem__", Arguments((key,)), target.span)
    elif isinstance(target, (p.TupleDisplay, p.ListDisplay)):
        for one in target.elements:
            delete(flow, state, one)


EVALUATORS: dict[type, Callable[..., Value]] = {
    p.Name: _name,
    p.Attribute: _attribute,
    p.Call: _call,
    p.Constant: _constant,
    p.FormatString: _format,
    p.Subscript: _subscript,
    p.Slice: _slice,
    p.TupleDisplay: _tuple,
    p.ListDisplay: _list,
    p.SetDisplay: _set,
    p.DictDisplay: _dict,
    p.Starred: _starred,
    p.Await: _await,
    p.Lambda: _lambda,
    p.Compare: _compare,
    p.BooleanOperation: _boolean,
    p.UnaryOperation: _unary,
    p.BinaryOperation: _binary,
    p.Conditional: _conditional,
    p.Comprehension: _comprehension,
    p.NamedExpression: _named,
    p.Yield: _yield,
    p.YieldFrom: _yield_from,
    p.Opaque: _opaque,
}
