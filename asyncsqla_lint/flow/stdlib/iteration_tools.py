"""`itertools`, `heapq` and others: what goes through them comes out of them, and is looked at inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.operators import ordered
from asyncsqla_lint.flow.stdlib.lazily import lazily, passing_on
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Reference,
    TupleValue,
    Value,
    alternatives,
    join,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

DEEPEST = 3


def register(meanings: Meanings) -> None:
    meanings.learn(MEANINGS)


def _gone_through(flow: Flow, state: State, value: Value, at: Span) -> Value | None:
    """One value for all elements; None: there are none."""
    return value.iterate(flow, state, at, False).one()


def _iterator(flow: Flow, state: State, element: Value | None, kind: str = "iterator") -> Value:
    return flow.allocate(state, ListRecord(None, element, kind))


def _some(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`random.sample(rows, 3)`: some of them."""
    first = arguments.positional[0] if arguments.positional else UNKNOWN
    return _iterator(flow, state, _gone_through(flow, state, first, at), "list")


def _sliced(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`islice(rows, 10)` leaves the others to whoever asks next; with `None` as its end it takes all."""
    if not arguments.positional or arguments.positional[-1] == NONE:
        return _some(flow, state, arguments, at)
    return _iterator(flow, state, arguments.first.drawn(flow, state, at, False).one(), "list")


def _one_of(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    first = arguments.positional[0] if arguments.positional else UNKNOWN
    return _gone_through(flow, state, first, at) or UNKNOWN


def _tested(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`takewhile(test, rows)`"""
    if len(arguments.positional) < 2:
        return UNKNOWN
    test, rows = arguments.positional[:2]
    element = _gone_through(flow, state, rows, at)
    if element is not None and test != NONE:
        test.call(flow, state, Arguments((element,)), at)
    return _iterator(flow, state, element)


def _starred(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, rows = arguments.positional[:2]
    element = _gone_through(flow, state, rows, at)
    if element is None:
        return _iterator(flow, state, None)
    row = element.iterate(flow, state, at, False)
    given = Arguments((), {}, row.one() or UNKNOWN) if row.items is None else Arguments(row.items)
    return _iterator(flow, state, function.call(flow, state, given, at))


def _side_by_side(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`product(a, b)`, `zip_longest(a, b)`"""
    filled = arguments.keywords.get("fillvalue", NONE)
    found = [_gone_through(flow, state, one, at) for one in arguments.positional]
    return _iterator(flow, state, TupleValue(tuple(filled if one is None else one for one in found)))


def _longest(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    filled = arguments.keywords.get("fillvalue", NONE)
    found = [_gone_through(flow, state, one, at) for one in arguments.positional]
    row = tuple(filled if one is None else join(one, filled) for one in found)
    return _iterator(flow, state, TupleValue(row))


def _in_groups(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`batched(rows, 2)`, `pairwise(rows)`, `tee(rows)`: sequences of them."""
    return _iterator(flow, state, _some(flow, state, arguments, at))


def _accumulated(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    function = arguments.get(1, "func")
    first = arguments.positional[0] if arguments.positional else UNKNOWN
    element = _gone_through(flow, state, first, at)
    if element is None or function is None:
        return _iterator(flow, state, element)
    since = arguments.keywords.get("initial", element)
    return _iterator(flow, state, function.call(flow, state, Arguments((since, element)), at))


def _largest(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`heapq.nlargest(3, rows, key=…)`"""
    if len(arguments.positional) < 2:
        return UNKNOWN
    element = _gone_through(flow, state, arguments.positional[1], at)
    key = arguments.get(2, "key")
    if key is not None and element is not None:
        key.call(flow, state, Arguments((element,)), at)
    return _iterator(flow, state, element, "list")


def _heaped(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`heapq.heapify(heap)` compares what is in it."""
    ordered(flow, state, arguments.first.iterate(flow, state, at, False), at)
    return NONE


def _pushed(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`heapq.heappush(heap, item)`, `bisect.insort(rows, item)`"""
    if len(arguments.positional) > 1:
        heap, item = arguments.positional[:2]
        heap.call_method(flow, state, "append", Arguments((item,)), at)
    return _heaped(flow, state, arguments, at)


def _popped(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`heapq.heappop(heap)`: one of them."""
    return arguments.first.call_method(flow, state, "pop", Arguments((UNKNOWN,)), at)


def _exchanged(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`heapq.heappushpop(heap, item)`"""
    _pushed(flow, state, arguments, at)
    return _popped(flow, state, arguments, at)


class Comparing(Value, frozen=True):
    """`cmp_to_key(compare)`"""

    compare: Value

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        one = arguments.positional[0] if arguments.positional else UNKNOWN
        return self.compare.call(flow, state, Arguments((one, one)), at)


def _comparing(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Comparing(arguments.positional[0]) if arguments.positional else UNKNOWN


def _replaced(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`dataclasses.replace(holder, note="…")`"""
    value = arguments.positional[0] if arguments.positional else UNKNOWN
    record = state.record(value.oid) if isinstance(value, Reference) else None
    if not isinstance(record, ObjectRecord):
        return UNKNOWN
    return flow.allocate(state, record.replaced(arguments))


def _dumped(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`json.dumps(rows, default=f)`, or `cls=Encoder`: what JSON does not know is handed to `f`, and what
    that answers is written in its turn.
    """
    default = arguments.keywords.get("default")
    encoder = arguments.keywords.get("cls")
    if default is None and isinstance(encoder, ClassValue):
        made = encoder.call(flow, state, Arguments(), at)
        default = made.attribute(flow, state, "default", at)
    if default is not None:
        asked = list(_unknown_to_json(state, arguments.first, 0))
        for _ in range(DEEPEST):
            answers = [default.call(flow, state, Arguments((one,)), at) for one in asked]
            asked = [one for answer in answers for one in _unknown_to_json(state, answer, 0)]
    return flow.call_unknown(state, UNKNOWN, arguments, at)


def _unknown_to_json(state: State, value: Value, depth: int) -> list[Value]:
    found: list[Value] = []
    for one in alternatives(value) if depth < DEEPEST else ():
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(one, TupleValue) or isinstance(record, (ListRecord, DictRecord)):
            parts = one.elements if isinstance(one, TupleValue) else one.refers_to(state)
            found += [part for each in parts for part in _unknown_to_json(state, each, depth + 1)]
        elif record is not None and record.class_info() is not None:
            found.append(one)
    return found


MEANINGS = {
    "itertools.islice": passing_on(_sliced),
    "itertools.cycle heapq.merge": passing_on(_some),
    "random.sample random.choices": _some,
    "random.choice": _one_of,
    "itertools.takewhile itertools.dropwhile itertools.filterfalse": lazily(_tested),
    "itertools.starmap": lazily(_starred),
    "itertools.product": _side_by_side,
    "itertools.zip_longest": passing_on(_longest),
    "itertools.batched itertools.pairwise itertools.tee itertools.combinations itertools.permutations": (
        _in_groups
    ),
    "itertools.accumulate": lazily(_accumulated),
    "heapq.nlargest heapq.nsmallest": _largest,
    "heapq.heapify": _heaped,
    "heapq.heappush bisect.insort bisect.insort_left bisect.insort_right": _pushed,
    "heapq.heappop": _popped,
    "heapq.heappushpop heapq.heapreplace": _exchanged,
    "functools.cmp_to_key": _comparing,
    "dataclasses.replace copy.replace attrs.evolve attr.evolve": _replaced,
    "json.dumps json.dump": _dumped,
}
