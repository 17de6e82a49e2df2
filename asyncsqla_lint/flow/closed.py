"""Closed calls: functions whose arguments lead to nothing but Python's own objects.

`parse_duration("5m")` can neither see nor change what the path knows beyond its arguments. So it is run once,
on a heap that holds only these, and what came out is used wherever it is called alike. Most of what the
functions of a project call is of that kind.

A run counts only if it met nothing of which the floors above know: no event, no meaning of theirs, no record
of a kind that is not Python's own. Whether it is run or remembered makes no difference, costs included.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.budgets import Budget
from asyncsqla_lint.flow.callables import (
    ClassValue,
    Decorated,
    ExternalValue,
    FunctionValue,
    ModuleValue,
    Partial,
)
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.copies import PLAIN, Copier
from asyncsqla_lint.flow.coroutines import ContextManagerRecord, CoroutineRecord
from asyncsqla_lint.flow.frames import DEEPEST_CALL, BudgetExceeded, Calls, Frame, Outcome, PathEnds
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import OUTSIDE, State
from asyncsqla_lint.flow.stdlib.context_variables import ContextVariableRecord
from asyncsqla_lint.flow.trying import NOBODY, TryContext, heard_around
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Symbol,
    Text,
    TupleValue,
    Union,
    UnknownCall,
    Value,
)
from asyncsqla_lint.flow.worlds import Fact, TooDeep, Unshared

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.functions import FunctionInfo

STEPS = 600  # of one closed call, with all that it calls, whatever is left to the root
SHARE = 16  # of its steps, one is the root's
MOST_REMEMBERED = 50_000
LARGEST = 256  # objects that a call takes, or gives


class NotClosed(Exception):
    """The call, or what it gives, leads to what only its path or the floors above know."""


class Made(Struct, frozen=True):
    """A value, with the objects that were made for it and the arguments that were changed."""

    value: Value
    made: tuple[tuple[int, Record], ...] = ()
    changed: tuple[tuple[int, Record], ...] = ()


class Summary(Struct, frozen=True):
    """How a closed call ends."""

    options: tuple[Made, ...]
    raised: tuple[Made, ...]  # what handlers around the call may see
    end: Made | None  # it always raises this
    symbols: tuple[str, ...]  # what the symbols of its arguments are called in it
    objects: tuple[int, ...]  # and what the objects
    consulted: frozenset[int]  # shared objects: it holds while the path has not changed them
    # It holds while no global that these mention is assigned; how often they ran around it decides too.
    called: frozenset[FunctionInfo]
    around: dict[FunctionInfo, int]
    repeated: int
    height: int  # how many calls stand on each other in it
    cost: int
    is_closed: bool = True

    def holds(self, calls: Calls) -> bool:
        """Would the call come to the same under these calls?"""
        if self.repeated != calls.repeated or calls.depth + self.height > DEEPEST_CALL:
            return False
        known = {info: count for info, count in calls.running.items() if info in self.called}
        return known == self.around


class Consulted(dict[int, Record]):
    """The shared records, with a note of those that were asked for."""

    def __init__(self, base: dict[int, Record]) -> None:
        super().__init__()
        self._base = base
        self.seen: set[int] = set()
        self.called: set[FunctionInfo] = set()
        self.deepest = 0

    def asked(self, function: FunctionInfo, calls: Calls) -> None:
        self.called.add(function)
        self.deepest = max(self.deepest, calls.depth + 1)

    def get(self, oid: int, default: Record | None = None) -> Record | None:  # type: ignore[override]
        found = self._base.get(oid)
        if found is None:
            return default
        if not _is_plain(found):
            raise NotClosed
        self.seen.add(oid)
        return found


# --- calling ---------------------------------------------------------------------------------------


def options_of(
    flow: Flow, state: State, function: FunctionValue, arguments: Arguments, at: int, calls: Calls
) -> list[Option] | None:
    """The ways in which a closed call ends; None: the call is not closed.

    The state is used up when there is one, and left as it is when there are several.
    """
    call = Taken(flow, state)
    try:
        key = call.key_of(function, arguments)
    except NotClosed:
        return None
    try:
        summary = _known(flow, key, call, calls, partial(_summary, function, arguments, at, call, calls))
    except NotClosed:
        return None
    if isinstance(state.base, Consulted):
        state.base.called |= summary.called
        state.base.deepest = max(state.base.deepest, calls.depth + summary.height)
    flow.budget.spend(summary.cost if flow.isolated else 1 + summary.cost // SHARE)
    if not summary.is_closed or any(oid in state.heap for oid in summary.consulted):
        return None
    if flow.scopes.are_globals_assigned(state, (function.info, *summary.called)):
        return None
    if isinstance(state.base, Consulted):
        state.base.seen |= summary.consulted
    names = dict(zip(summary.symbols, call.symbols, strict=True))
    objects = {own: Reference(oid) for own, oid in zip(summary.objects, call.objects, strict=True)}
    if heard_around(flow.tries) != NOBODY:
        for one in summary.raised:
            own = state.copy()
            flow.may_raise(own, _given(flow, own, one, objects, names))
    if summary.end is not None:
        raise PathEnds(Outcome("raise", state, _given(flow, state, summary.end, objects, names)))
    if not summary.options:
        raise PathEnds(None)
    owns = [state] if len(summary.options) == 1 else [state.copy() for _ in summary.options]
    return [
        (own, _given(flow, own, one, objects, names)) for own, one in zip(owns, summary.options, strict=True)
    ]


def _given(
    flow: Flow, state: State, one: Made, objects: dict[int, Reference], names: dict[str, str]
) -> Value:
    """The value as the caller sees it, with what the call has made and changed in the caller's heap."""
    if not one.made and not names and not objects:
        return one.value
    if one.made:
        objects = {**objects, **{oid: Reference(flow.new_id()) for oid, _ in one.made}}
    copier = Copier(objects, names)
    for oid, record in (*one.made, *one.changed):
        state.put(objects[oid], copier.record(record))
    return copier.value(one.value)


def _known(flow: Flow, key: object, call: Taken, calls: Calls, run: Callable[[Flow], Summary]) -> Summary:
    """How the call ends: for all modules, unless that depends on who asks."""
    if not call.is_local:
        worker = flow.world.flow
        find = partial(_in_world, worker, flow.frame, flow.risky, run)
        try:
            return flow.relied_on(_remembered(worker, key, calls, find))
        except Unshared:
            if flow.is_world:
                raise
    return _remembered(flow, key, calls, lambda: Fact(run(flow))).value


def _in_world(worker: Flow, frame: Frame, risky: int, run: Callable[[Flow], Summary]) -> Fact[Summary]:
    def find() -> Summary:
        worker.frame, worker.risky = frame, risky
        return run(worker)

    return worker.world.found(find)


def _remembered(flow: Flow, key: object, calls: Calls, find: Callable[[], Fact[Summary]]) -> Fact[Summary]:
    memory = _memory(flow)
    known = memory.get(key, ())
    if known is None:
        raise Unshared
    is_free = flow.world.is_free
    fact = next((one for one in known if one.value.holds(calls) and is_free(one)), None)
    if fact is None:
        if len(memory) >= MOST_REMEMBERED:
            memory.clear()
        try:
            fact = find()
        except Unshared as reason:
            if not isinstance(reason, TooDeep):
                memory[key] = None
            raise
        if not fact.rests_on:
            memory[key] = (*known, fact)
    return fact


def _memory(flow: Flow) -> dict[object, tuple[Fact[Summary], ...] | None]:
    """What closed calls gave; None: that depends on who asks."""
    found = flow.memory.get(Summary)
    if not isinstance(found, dict):
        found = flow.memory[Summary] = {}
    return found


def _summary(
    function: FunctionValue, arguments: Arguments, at: int, call: Taken, calls: Calls, flow: Flow
) -> Summary:
    from asyncsqla_lint.flow.calls import new_frame, ways_out

    names = {name: f"§{number}" for number, name in enumerate(call.symbols)}
    objects = {oid: Reference(flow.new_id()) for oid in call.objects}
    copier = Copier(objects, names)
    if function.receiver is not None:
        function = FunctionValue(function.info, function.closure, copier.value(function.receiver))
    arguments = copier.arguments(arguments)
    consulted = Consulted(flow.base)
    state = State(consulted, flow.base_frames, flow.joins)
    given = {objects[oid].oid: copier.record(record) for oid, record in call.objects.items()}
    for oid, record in given.items():
        state.put(Reference(oid), record)
    first = flow.counter
    budget, tries = flow.budget, flow.tries
    context = TryContext(frozenset(), first)
    flow.tries, flow.budget = [context], Budget(STEPS)
    flow.isolated += 1
    options: list[Option] = []
    end: Outcome | None = None
    try:
        try:
            options = ways_out(flow, state, function, arguments, new_frame(flow, function, at))
        except PathEnds as ending:
            end = ending.outcome
        except BudgetExceeded:
            raise NotClosed from None
        return Summary(
            tuple([_made(flow, own, value, given, first) for own, value in options]),
            tuple([_made(flow, own, value, given, first) for own, value in context.states]),
            None if end is None else _made(flow, end.state, end.value, given, first),
            tuple(names.values()),
            tuple([reference.oid for reference in objects.values()]),
            frozenset(consulted.seen),
            *_depth(consulted, calls),
            _cost(flow),
        )
    except NotClosed:
        return Summary((), (), None, (), (), frozenset(), *_depth(consulted, calls), _cost(flow), False)
    finally:
        flow.isolated -= 1
        flow.tries, flow.budget = tries, budget


def _depth(
    consulted: Consulted, calls: Calls
) -> tuple[frozenset[FunctionInfo], dict[FunctionInfo, int], int, int]:
    around = {info: count for info, count in calls.running.items() if info in consulted.called}
    height = max(consulted.deepest - calls.depth, 0)
    return frozenset(consulted.called), around, calls.repeated, height


def _cost(flow: Flow) -> int:
    return STEPS - max(flow.budget.left, 0)


def _made(flow: Flow, state: State, value: Value, given: dict[int, Record], first: int) -> Made:
    """The value with what it leads to, all of it given or made in the call."""
    for oid, record in state.heap.items():
        if flow.is_shared(oid) or not (_is_plain(record) or oid == OUTSIDE.oid or _is_idle(record)):
            raise NotClosed  # it has changed what all share, or made what more than Python knows
    if any(number in flow.base_frames for number in state.frames):
        raise NotClosed
    changed = {oid: now for oid, record in given.items() if (now := state.record(oid)) is not record}
    made: dict[int, Record] = {}
    waiting = [value]
    for record in changed.values():
        waiting.extend(record.refers_to())
    while waiting:
        one = waiting.pop()
        if isinstance(one, Reference):
            if one.oid in made or one.oid in given or flow.is_shared(one.oid):
                continue
            record = state.record(one.oid)
            if one.oid <= first or len(made) >= LARGEST or not _is_plain(record):
                raise NotClosed
            made[one.oid] = record
            waiting.extend(record.refers_to())
        elif isinstance(one, (FunctionValue, Partial)) and _leads_into_frames(flow, one):
            raise NotClosed
        else:
            waiting.extend(one.refers_to(state))
    return Made(value, tuple(sorted(made.items())), tuple(changed.items()))


def _leads_into_frames(flow: Flow, value: FunctionValue | Partial) -> bool:
    return isinstance(value, Partial) or any(number not in flow.base_frames for number in value.closure)


def _is_plain(record: Record) -> bool:
    return type(record) in PLAIN or record.is_leaf or record is FORGOTTEN


def _is_idle(record: Record) -> bool:
    """A generator, a context manager written as one, a variable: of no consequence when left behind."""
    return isinstance(record, (ContextManagerRecord, ContextVariableRecord)) or (
        isinstance(record, CoroutineRecord) and (record.kind == "generator" or record.is_awaited)
    )


# --- what is closed ----------------------------------------------------------------------------------


class Taken:
    """What a call takes: the symbols and the objects that its arguments lead to, numbered as they come."""

    def __init__(self, flow: Flow, state: State) -> None:
        self.flow = flow
        self.state = state
        self.symbols: dict[str, int] = {}
        self.objects: dict[int, Record] = {}
        self.is_local = False  # some of it is known to this module's analysis alone
        self._numbers: dict[int, int] = {}

    def key_of(self, function: FunctionValue, arguments: Arguments) -> object:
        """Two calls with one key come to the same."""
        return (
            self.key(function),
            tuple([self.key(value) for value in arguments.positional]),
            tuple([(name, self.key(value)) for name, value in arguments.keywords.items()]),
            None if arguments.more is None else self.key(arguments.more),
            None if arguments.more_keywords is None else self.key(arguments.more_keywords),
            self.flow.risky > 0,
        )

    def key(self, value: Value) -> object:
        if isinstance(value, Constant):
            return value.value.__class__, value.value  # True is not 1 here
        if value is UNKNOWN or isinstance(value, (Text, ExternalValue, ModuleValue)):
            return value
        if isinstance(value, Symbol):  # the same unknown wherever it stands
            return "symbol", self.symbols.setdefault(value.name, len(self.symbols))
        if isinstance(value, Reference):
            return self._object(value.oid)
        if isinstance(value, TupleValue):
            return "tuple", *[self.key(one) for one in value.elements]
        if isinstance(value, Union):
            return "union", *[self.key(one) for one in value.alternatives]
        if isinstance(value, ClassValue):
            return value.info, *[self.key(one) for one in value.arguments]
        if isinstance(value, FunctionValue):
            if any(
                number in self.state.frames or number not in self.flow.base_frames for number in value.closure
            ):
                raise NotClosed
            self.is_local = self.is_local or any(map(self.flow.is_own_frame, value.closure))
            return value.info, value.closure, None if value.receiver is None else self.key(value.receiver)
        if isinstance(value, Decorated):
            return value.kind, self.key(value.function)
        if isinstance(value, Method):
            return value.name, self.key(value.receiver)
        if isinstance(value, UnknownCall):
            return "call", *[self.key(one) for one in value.touched]
        if value.is_leaf:
            return value
        raise NotClosed

    def _object(self, oid: int) -> object:
        number = self._numbers.get(oid)
        if number is not None:
            return "again", number
        if self.flow.is_shared(oid):
            if oid in self.state.heap:
                raise NotClosed
            self.is_local = self.is_local or self.flow.is_own(oid)
            return "shared", oid
        record = self.state.record(oid)
        if not _is_plain(record) or len(self._numbers) >= LARGEST:
            raise NotClosed
        self._numbers[oid] = len(self._numbers)
        self.objects[oid] = record
        return self._content(record)

    def _content(self, record: Record) -> object:
        if isinstance(record, ObjectRecord):
            attributes = [(name, self.key(one)) for name, one in record.attributes.items()]
            return "object", self.key(record.cls), record.is_open, *attributes
        if isinstance(record, ListRecord):
            items = None if record.items is None else tuple([self.key(one) for one in record.items])
            element = None if record.element is None else self.key(record.element)
            return "list", record.kind, record.may_be_empty, items, element
        if isinstance(record, DictRecord):
            entries = [(key.__class__, key, self.key(one)) for key, one in record.entries.items()]
            other = None if record.other is None else self.key(record.other)
            other_key = None if record.other_key is None else self.key(record.other_key)
            by_key = tuple(
                [
                    # what is equal need not be alike: (1,) and (True,)
                    (repr(key) if isinstance(key, tuple) else key, self.key(one))
                    for key, one in record.by_key.items()
                ]
            )
            return "dict", other, other_key, by_key, *entries
        return record if record.is_leaf else "forgotten"
