"""Iterables: what goes through `list`, `sorted`, `zip`, `map` comes out of it, and is looked at inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.operators import hashed, ordered
from asyncsqla_lint.flow.stdlib.lazily import is_put_off, lazily, passing_on
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Iteration,
    Reference,
    TupleValue,
    Value,
    alternatives,
    is_short,
    join,
    union,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def _list(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional and arguments.more is None:
        return flow.allocate(state, ListRecord((), None))
    iteration = arguments.first.iterate(flow, state, at, False)
    return flow.allocate(state, ListRecord.of(iteration))


def _set(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return flow.allocate(state, ListRecord((), None, "set"))
    iteration = arguments.first.iterate(flow, state, at, False)
    hashed(flow, state, iteration, at)
    return flow.allocate(state, ListRecord.of(iteration, "set"))


def _tuple(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return TupleValue(())
    iteration = arguments.first.iterate(flow, state, at, False)
    if iteration.items is not None:
        return TupleValue(iteration.items)
    return flow.allocate(state, ListRecord.of(iteration, "tuple"))


def _sorted(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iteration = arguments.first.iterate(flow, state, at, False)
    _apply_key(flow, state, arguments, iteration, at)
    return flow.allocate(state, ListRecord(None, iteration.one(), "list", iteration.may_be_empty))


def _apply_key(flow: Flow, state: State, arguments: Arguments, iteration: Iteration, at: Span) -> None:
    key = arguments.keywords.get("key")
    if key is None or key == NONE:
        ordered(flow, state, iteration, at)
        return
    for item in iteration.items if iteration.items is not None else (iteration.element,):
        if item is not None:
            key.call(flow, state, Arguments((item,)), at)


def _extreme(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) > 1:
        iteration = Iteration(items=arguments.positional, may_be_empty=False)
    else:
        iteration = arguments.first.iterate(flow, state, at, False)
    _apply_key(flow, state, arguments, iteration, at)
    found = iteration.one()
    default = arguments.keywords.get("default")
    if found is None:
        return default or UNKNOWN
    return found if default is None else join(found, default)


def _consume(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    arguments.first.iterate(flow, state, at, False)
    return UNKNOWN


def _len(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = arguments.first
    for one in alternatives(value):
        if isinstance(one, Reference):
            record = state.record(one.oid)
            if record.class_info() is not None:
                record.length(flow, state, one, at)
                return UNKNOWN
    iteration = value.iterate(flow, state, at, False)
    return UNKNOWN if iteration.items is None else Constant(len(iteration.items))


def _enumerate(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iteration = arguments.first.iterate(flow, state, at, False)
    if iteration.items is not None:
        pairs = tuple(TupleValue((Constant(i), item)) for i, item in enumerate(iteration.items))
        return flow.allocate(state, ListRecord(pairs, None, "iterator", not pairs))
    if iteration.element is None:
        return flow.allocate(state, ListRecord((), None, "iterator"))
    pair = TupleValue((UNKNOWN, iteration.element))
    return flow.allocate(state, ListRecord(None, pair, "iterator", iteration.may_be_empty))


def _zip(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iterations = [value.iterate(flow, state, at, False) for value in arguments.positional]
    if iterations and all(one.items is not None for one in iterations):
        rows = tuple(TupleValue(row) for row in zip(*(one.items or () for one in iterations), strict=False))
        return flow.allocate(state, ListRecord(rows, None, "iterator", not rows))
    row = TupleValue(tuple(one.one() or UNKNOWN for one in iterations))
    return flow.allocate(state, ListRecord(None, row, "iterator"))


def _map(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, *sources = arguments.positional
    iterations = [source.iterate(flow, state, at, False) for source in sources]
    if len(iterations) == 1 and iterations[0].items is not None and is_short(iterations[0].items):
        results = tuple(function.call(flow, state, Arguments((item,)), at) for item in iterations[0].items)
        return flow.allocate(state, ListRecord(results, None, "iterator", not results))
    given = tuple(one.one() or UNKNOWN for one in iterations)
    since = flow.counter
    result = function.call(flow, state, Arguments(given), at)
    flow.repeated(state, since)
    return flow.allocate(state, ListRecord(None, result, "iterator"))


def _filter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, source = arguments.positional[:2]
    iteration = source.iterate(flow, state, at, False)
    items = iteration.items if iteration.items is not None else (iteration.element,)
    kept: list[Value] = []
    is_known = iteration.items is not None
    for item in items:
        if item is None:
            continue
        answer = item if function == NONE else function.call(flow, state, Arguments((item,)), at)
        passes = answer.truth(state)
        is_known = is_known and passes is not None
        if passes is not False:
            kept.append(item)
    if is_known:
        return flow.allocate(state, ListRecord(tuple(kept), None, "iterator"))
    return flow.allocate(state, ListRecord(None, union(tuple(kept)) if kept else None, "iterator"))


MOST_COUNTED = 3  # rounds of a loop over a range that are run one by one


def _range(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`range(3)` is not empty: the loop over it runs, and how often is known while it is short."""
    bounds = [one.value for one in arguments.positional if isinstance(one, Constant)]
    numbers = [one for one in bounds if isinstance(one, int)]
    is_known = len(numbers) == len(arguments.positional) and 0 < len(numbers) < 4 and numbers[2:] != [0]
    if is_known and len(range(*numbers)) <= MOST_COUNTED:
        return flow.allocate(state, ListRecord((UNKNOWN,) * len(range(*numbers)), None, "range"))
    return flow.allocate(state, ListRecord(None, UNKNOWN, "range", not (is_known and range(*numbers))))


def _reduce(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, source, *initial = arguments.positional
    iteration = source.iterate(flow, state, at, False)
    items = iteration.items if iteration.items is not None else (iteration.element,) * 2
    for one in (item for item in items if item is not None):
        initial = [function.call(flow, state, Arguments((initial[0], one)), at) if initial else one]
    return initial[0] if initial and iteration.items is not None else UNKNOWN


def _queue(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return flow.allocate(state, ListRecord((), None, "queue"))


def _iter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = arguments.first
    if is_put_off(state, value):
        return value
    if isinstance(value, Reference) and not isinstance(state.record(value.oid), (ListRecord, DictRecord)):
        return value
    return flow.allocate(state, ListRecord.of(value.iterate(flow, state, at, False), "iterator"))


def _aiter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return arguments.first


def _next(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _drawn(flow, state, arguments, at, is_async=False)


def _drawn(flow: Flow, state: State, arguments: Arguments, at: Span, is_async: bool) -> Value:
    found = arguments.first.drawn(flow, state, at, is_async).one()
    default = arguments.get(1, "default")
    if found is None:
        return default or UNKNOWN
    return found if default is None else join(found, default)


def _anext(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Ready(_drawn(flow, state, arguments, at, is_async=True))


def _chain(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    record = ListRecord((), None, "iterator")
    for value in arguments.positional:
        record = record.with_more(value.iterate(flow, state, at, False))
    if arguments.more is not None:
        record = record.with_more(arguments.more.iterate(flow, state, at, False))
    return flow.allocate(state, record)


def _chain_nested(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    outer = arguments.first.iterate(flow, state, at, False)
    record = ListRecord((), None, "iterator")
    for value in outer.items if outer.items is not None else (outer.element,):
        if value is not None:
            inner = value.iterate(flow, state, at, False)
            record = record.with_more(inner if outer.items is not None else Iteration(element=inner.one()))
    return flow.allocate(state, record)


def _group_by(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    iteration = arguments.first.iterate(flow, state, at, False)
    keyed = {"key": arguments.positional[1]} if len(arguments.positional) > 1 else arguments.keywords
    if keyed:
        _apply_key(flow, state, Arguments((), keyed), iteration, at)
    group = flow.allocate(state, ListRecord(None, iteration.one(), "iterator"))
    return flow.allocate(state, ListRecord(None, TupleValue((UNKNOWN, group)), "iterator"))


def _dict(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    record = DictRecord({}, arguments.more_keywords)
    if arguments.positional:
        source = arguments.positional[0]
        known = state.record(source.oid) if isinstance(source, Reference) else None
        if isinstance(known, DictRecord):
            record = known
        else:
            iteration = source.iterate(flow, state, at, False)
            for pair in iteration.items if iteration.items is not None else (iteration.element,):
                if isinstance(pair, TupleValue) and len(pair.elements) == 2:
                    record = record.with_item(pair.elements[0], pair.elements[1])
                else:
                    record = DictRecord(record.entries, UNKNOWN)
    for name, value in arguments.keywords.items():
        record = record.with_item(Constant(name), value)
    return flow.allocate(state, record)


def _same_mapping(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`MappingProxyType(mapping)`: a view of it."""
    return arguments.first


def _chain_map(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """`ChainMap(own, defaults)`: the first that has a key answers."""
    found = flow.allocate(state, DictRecord())
    for one in reversed(arguments.positional):
        found.call_method(flow, state, "update", Arguments((one,)), at)
    return found


_EMPTY = {"builtins.int": Constant(0), "builtins.bool": Constant(False), "builtins.str": Constant("")}


def _default_dict(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    maker = arguments.first if arguments.positional else NONE
    made: Value | None = _EMPTY.get(maker.name) if isinstance(maker, ExternalValue) else None
    if made is None and maker != NONE:
        made = maker.call(flow, state, Arguments(), at)
    default = made if isinstance(made, Constant) else None
    return flow.allocate(
        state, DictRecord({}, made if isinstance(made, Reference) else None, default=default)
    )


def register(meanings: Meanings) -> None:
    meanings.learn(MEANINGS)


MEANINGS = {
    "list collections.deque": _list,
    "set frozenset": _set,
    "tuple": _tuple,
    "sorted": _sorted,
    "reversed": _list,
    "min max": _extreme,
    "any all sum": _consume,
    "len": _len,
    "enumerate": passing_on(_enumerate),
    "zip": passing_on(_zip),
    "map": lazily(_map),
    "filter": lazily(_filter),
    "functools.reduce": _reduce,
    "range": _range,
    "asyncio.Queue asyncio.LifoQueue asyncio.PriorityQueue": _queue,
    "iter": _iter,
    "aiter": _aiter,
    "next": _next,
    "anext": _anext,
    "dict collections.OrderedDict": _dict,
    "itertools.chain": passing_on(_chain),
    "itertools.chain.from_iterable": lazily(_chain_nested),
    "itertools.groupby": lazily(_group_by),
    "collections.defaultdict": _default_dict,
    "types.MappingProxyType": _same_mapping,
    "collections.ChainMap": _chain_map,
}
