"""Expressions: each gives one value and may change the state; where it could go two ways, `Flow.choose`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow import facts, narrowing, operations, operators
from asyncsqla_lint.flow.callables import ExternalValue, FunctionValue
from asyncsqla_lint.flow.comprehensions import evaluate_comprehension
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.coroutines import CoroutineRecord, Driven
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.handing_on import told
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.paths import paths
from asyncsqla_lint.flow.stdlib.lazily import is_put_off, used_up
from asyncsqla_lint.flow.strings import concatenated, converted
from asyncsqla_lint.flow.targets import IN_PLACE, assign, changing
from asyncsqla_lint.flow.values import (
    EMPTY,
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Iteration,
    Reference,
    Text,
    TupleValue,
    Value,
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
    if type(value) is Constant and value.value is None and flow.meanings.is_amiss(state):
        # What has failed has given `None`, which has no attributes.
        raise PathEnds(Outcome("raise", state, ExternalValue("builtins.AttributeError")))
    return value.attribute(flow, state, node.name, node.span)


def _constant(flow: Flow, state: State, node: p.Constant) -> Value:
    return Constant(node.value)


def _format(flow: Flow, state: State, node: p.FormatString) -> Value:
    return _joined(flow, state, node.parts)


def _joined(flow: Flow, state: State, parts: tuple[p.Expression, ...]) -> Value:
    pieces: list[Value] = []
    for part in parts:
        value = evaluate(flow, state, part)
        if not isinstance(part, (p.Constant, p.Formatted)):
            value = value.formatted(flow, state, part.span, EMPTY)
        pieces.append(value)
    return concatenated(pieces)


def _formatted(flow: Flow, state: State, node: p.Formatted) -> Value:
    value = evaluate(flow, state, node.value)
    if node.conversion:
        value = converted(flow, state, value, node.conversion, node.span)
    specification = _joined(flow, state, node.specification)
    return value.formatted(flow, state, node.span, specification)


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
                for key, one in record.entries.items():
                    if isinstance(key, str):
                        keywords.setdefault(key, one)  # a name is given once: the mapping holds no other
                if record.other is not None:
                    more_keywords = record.other
            else:
                more_keywords = UNKNOWN
    return Arguments(tuple(positional), keywords, more, more_keywords)


def _call(flow: Flow, state: State, node: p.Call) -> Value:
    target = node.function
    if isinstance(target, p.Attribute) and target.name in IN_PLACE:
        function = changing(flow, state, target.value, lambda: evaluate(flow, state, target))
    else:
        function = evaluate(flow, state, target)
    arguments = told(flow, state, function, node, arguments_of(flow, state, node))
    flow.calling = node
    is_awaited = flow.awaiting is not None and flow.awaiting[1] is node
    if is_awaited:
        flow.meanings.call_awaited(flow, state, function, node.span)
    result = function.call(flow, state, arguments, node.span)
    if (
        not is_awaited
        and not flow.muted
        and isinstance(result, Reference)
        and is_own_coroutine(state, result)
    ):
        flow.watched.add(result.oid)  # it matters whether anybody awaits it
    if any(is_put_off(state, one) for one in arguments.all()):
        used_up(flow, state, function, arguments, result, node.span)
    return result


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
        parts = (node.index.lower, node.index.upper, node.index.step)
        bounds = [NONE if part is None else evaluate(flow, state, part) for part in parts]
        info = state.record(value.oid).class_info() if isinstance(value, Reference) else None
        if info is not None and info.find("__getitem__") is not None:
            return value.item(flow, state, UNKNOWN, node.span)  # the project's own takes a `slice`
        iteration = value.iterate(flow, state, node.span, False)
        if isinstance(value, (Constant, Text)):
            return UNKNOWN
        return flow.allocate(state, ListRecord.of(_part(iteration, bounds)))
    key = evaluate(flow, state, node.index)
    return value.item(flow, state, key, node.span)


def _part(iteration: Iteration, bounds: list[Value]) -> Iteration:
    """`rows[1:]`"""
    numbers = [
        one.value
        for one in bounds
        if isinstance(one, Constant) and (one.value is None or isinstance(one.value, int))
    ]
    if iteration.items is None or len(numbers) < len(bounds) or numbers[2] == 0:
        return Iteration(element=iteration.one())
    items = iteration.items[numbers[0] : numbers[1] : numbers[2]]
    return Iteration(items=items, may_be_empty=not items)


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
    flow.frame.capture(node.function)
    return flow.scopes.nested_function(flow.frame, node.function)


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
    return flow.choose(state, options, lambda several: facts.signatures(flow, several, end))


def _on_copy(flow: Flow, state: State, node: p.Expression) -> list[Option]:
    options, exits = paths(flow, state, lambda own: evaluate(flow, own, node))
    for outcome in exits:
        flow.may_raise(outcome.state, outcome.value)
    return options


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


EVALUATORS: dict[type, Callable[..., Value]] = {
    p.Name: _name,
    p.Attribute: _attribute,
    p.Call: _call,
    p.Constant: _constant,
    p.FormatString: _format,
    p.Formatted: _formatted,
    p.Subscript: _subscript,
    p.Slice: _slice,
    p.TupleDisplay: _tuple,
    p.ListDisplay: _list,
    p.SetDisplay: _set,
    p.DictDisplay: _dict,
    p.Starred: _starred,
    p.Await: _await,
    p.Lambda: _lambda,
    p.Compare: operations.evaluate_compare,
    p.BooleanOperation: _boolean,
    p.UnaryOperation: operations.evaluate_unary,
    p.BinaryOperation: operations.evaluate_binary,
    p.Conditional: _conditional,
    p.Comprehension: evaluate_comprehension,
    p.NamedExpression: _named,
    p.Yield: _yield,
    p.YieldFrom: _yield_from,
    p.Opaque: _opaque,
}
