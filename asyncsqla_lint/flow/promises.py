"""Objects that an annotation promises: somebody else has made them, and their constructor has run.

What the constructor has put into such an object is worked out once for each class, not for each function
that is given one: a service with its repositories and their settings is a large thing. Several objects of one
class on one path are different objects, so there are as many in stock as some path has asked for.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.assigned import self_assignments
from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.closed import NotClosed
from asyncsqla_lint.flow.constructed import given_to_constructor
from asyncsqla_lint.flow.frames import BudgetExceeded, PathEnds
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import OUTSIDE, State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Reference, Text, Value
from asyncsqla_lint.flow.worlds import Fact, TooDeep, Unshared
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

SHARE = 16  # of the steps of a constructor, one is that of who is promised the object
NOWHERE = 1 << 30


class Promised(Struct, frozen=True):
    """An object with all that its constructor has made."""

    me: Reference
    records: tuple[tuple[int, Record], ...]
    classes: frozenset[ClassInfo]  # of the objects in it that were promised in turn, its own included
    cost: int


class Stock:
    def __init__(self) -> None:
        self.objects: dict[ClassValue, list[Promised]] = {}
        self.facts: dict[int, Fact[Promised]] = {}
        self.building: list[ClassInfo] = []
        self.classes: set[ClassInfo] = set()  # of what is promised to the object being built
        self.cut = NOWHERE  # the place in `building` of the outermost class that it lacks for that reason


def opened(flow: Flow, state: State, cls: ClassValue, at: Span) -> Value:
    """An object of a class that somebody else has made."""
    found = cls.info.find("__init__")
    if found is None or found[1].function is None:
        return flow.allocate(state, ObjectRecord(cls, {}, is_open=True))
    if flow.isolated:
        raise NotClosed  # which of those in stock it is depends on the path
    stock = _stock(flow)
    if cls.info in stock.building:
        stock.cut = min(stock.cut, stock.building.index(cls.info))
        return flow.allocate(state, ObjectRecord(cls, {}, is_open=True))
    known = stock.objects.setdefault(cls, [])
    promised = next((one for one in known if one.me.oid not in state.heap), None)
    if promised is not None and flow.is_world:
        fact = stock.facts[promised.me.oid]
        if flow.world.is_free(fact):
            flow.world.use(fact)
        else:
            promised = None
    if promised is None or not promised.classes.isdisjoint(stock.building):
        promised = _new(flow, stock, cls, found[1].function)
    elif stock.building:
        flow.budget.spend(promised.cost)
    if not stock.building:
        flow.budget.spend(1 + promised.cost // SHARE)
    stock.classes.update(promised.classes)
    for oid, record in promised.records:
        state.put(Reference(oid), record)
    return promised.me


def _stock(flow: Flow) -> Stock:
    found = flow.memory.get(Stock)
    if not isinstance(found, Stock):
        found = flow.memory[Stock] = Stock()
    return found


def _new(flow: Flow, stock: Stock, cls: ClassValue, function: FunctionInfo) -> Promised:
    if flow.is_world:
        budget = flow.budget if stock.building else None
        fact = flow.world.found(lambda: _built(flow, stock, cls, function), budget)
        stock.facts[fact.value.me.oid] = fact
        return flow.world.use(fact)
    known = stock.objects.setdefault(cls, [])
    if not stock.building:
        try:
            key = ("promised", cls, len(known))
            promised = flow.relied_on(flow.world.answer(key, partial(_in_world, cls, function)))
        except Unshared:
            pass
        else:
            known.append(promised)
            return promised
    return _built(flow, stock, cls, function)


def _lasting(flow: Flow, cls: ClassValue, record: ObjectRecord, maker: FunctionInfo) -> dict[str, Value]:
    """A text that another method gives anew (`self.url = self.url.replace(…)`) may be another one by now."""
    found = dict(record.attributes)
    for name, value in record.attributes.items():
        is_text = isinstance(value, Text) or (isinstance(value, Constant) and isinstance(value.value, str))
        if is_text and any(
            number != maker.number or ancestor.module is not maker.module
            for ancestor in cls.info.ancestors
            for number, _, _ in self_assignments(flow, ancestor).get(name, ())
        ):
            found[name] = Text((None,))
    return found


def _in_world(cls: ClassValue, function: FunctionInfo, flow: Flow) -> Promised:
    return _new(flow, _stock(flow), cls, function)


def _built(flow: Flow, stock: Stock, cls: ClassValue, function: FunctionInfo) -> Promised:
    state = State(flow.base, flow.base_frames, flow.joins)
    place = len(stock.building)
    outer_cut, outer_classes = stock.cut, stock.classes
    stock.building.append(cls.info)
    stock.cut, stock.classes = NOWHERE, {cls.info}
    try:
        with ExitStack() as stack:
            stack.enter_context(flow.scopes.outside(function.module))
            if not place:
                stack.enter_context(flow.shared())
            elif flow.is_world:
                flow.open_region()  # others are going to be given it, too
            before = flow.budget.left
            me = flow.allocate(state, ObjectRecord(cls, {}, is_open=True))
            try:
                known = given_to_constructor(flow, cls.info, function)
                given = Arguments((), known, UNKNOWN, UNKNOWN)
                run_function(flow, state, FunctionValue(function, (), me), given, function.header.name_span)
            except PathEnds:
                pass
            except (BudgetExceeded, RecursionError) as reason:
                if flow.is_world and isinstance(reason, RecursionError):
                    raise TooDeep from None
                if place:
                    raise
            cost = before - max(flow.budget.left, 0)
        record = state.record(me.oid)
        if isinstance(record, ObjectRecord):
            state.put(me, replace(record, attributes=_lasting(flow, cls, record, function), is_open=True))
        if flow.is_world and any(number in flow.base_frames for number in state.frames):
            raise Unshared
        flow.base_frames.update(state.frames)
        if flow.is_world:
            made = [one for one in state.heap.items() if one[0] not in flow.base and one[0] != OUTSIDE.oid]
            flow.world.promised.update(oid for oid, _ in made)
            flow.base.update(made)  # for globals that lead to them
        promised = Promised(me, tuple(state.heap.items()), frozenset(stock.classes), cost)
        if stock.cut >= place and not (flow.is_world and flow.world.rests_on):
            stock.objects.setdefault(cls, []).append(promised)
        return promised
    finally:
        stock.building.pop()
        stock.cut = min(outer_cut, stock.cut if stock.cut < place else NOWHERE)
        stock.classes = outer_classes
