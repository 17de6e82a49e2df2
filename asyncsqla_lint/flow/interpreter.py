"""`Flow`: runs functions on abstract values. This file holds what one run shares; statements, expressions and
calls each have their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from asyncsqla_lint.flow import calls, classes, closed, scopes, statements, strings
from asyncsqla_lint.flow.budgets import STEPS_OF_MODULE, STEPS_PER_ROOT, STEPS_SHARED, Budget, Known
from asyncsqla_lint.flow.callables import ClassValue, Decorated, ExternalValue, FunctionValue, SuperValue
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.expressions import evaluate
from asyncsqla_lint.flow.frames import (
    RISK,
    Apart,
    BudgetExceeded,
    Choice,
    Frame,
    Oracle,
    Outcome,
    PathEnds,
    Site,
    merged_options,
)
from asyncsqla_lint.flow.heap import PAGE
from asyncsqla_lint.flow.joining import Option, join_options, joinable
from asyncsqla_lint.flow.records import Joins, Record
from asyncsqla_lint.flow.state import OUTSIDE, State, Variables
from asyncsqla_lint.flow.trying import ALL, NOBODY, Cleanup, TryContext, heard_around
from asyncsqla_lint.flow.types import Types
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Text,
    Value,
    alternatives,
)
from asyncsqla_lint.flow.worlds import Base, Fact, Layer, Unshared, World
from asyncsqla_lint.knowledge.releases import NEWEST, Release
from asyncsqla_lint.program import Call, Expression, Span, Statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.meanings import Meanings
    from asyncsqla_lint.project.functions import FunctionInfo
    from asyncsqla_lint.project.index import Index, Module

PAGES_PER_STEP = 32
FIRST_OF_ROOTS = 1 << 56  # below it are the ids of what all roots share
REGION = 1 << 24
T = TypeVar("T")
NO_FRAME = Frame(0, module=None, function=None)  # type: ignore[arg-type]  # no code outside a root
_OF_A_PATH = (
    "counter tries handling recorders loops oracle joining hedge muted isolated budget notes watched spared "
    "risky frame changing bound_at calling awaited awaiting"
).split()


class Hedged:
    __slots__ = ("flow", "unsure")

    def __init__(self, flow: Flow, unsure: bool) -> None:
        self.flow = flow
        self.unsure = unsure

    def __enter__(self) -> None:
        self.flow.hedge += self.unsure

    def __exit__(self, *_: object) -> None:
        self.flow.hedge -= self.unsure


class Entered:
    __slots__ = ("before", "flow", "frame")

    def __init__(self, flow: Flow, frame: Frame) -> None:
        self.flow = flow
        self.frame = frame

    def __enter__(self) -> None:
        self.before = self.flow.frame
        self.flow.frame = self.frame

    def __exit__(self, *_: object) -> None:
        self.flow.frame = self.before


class Flow:
    """One analysis of one project: shared caches, and the frame stack of the path being run."""

    def __init__(self, index: Index, meanings: Meanings, world: World, *, is_world: bool = False) -> None:
        self.index = index
        self.meanings = meanings
        self.world = world
        self.is_world = is_world  # it works out what the world knows
        # What module-level code has made, and what its closures close over.
        self.base: dict[int, Record] = Base(world.seen) if is_world else Layer(world.flow.base)
        self.base_frames: dict[int, Variables] = {} if is_world else Layer(world.flow.base_frames)
        self.running: set[object] = set()  # questions being answered, so that none asks itself
        self.counter = FIRST_OF_ROOTS
        self.joins = Joins()
        self.frame: Frame = NO_FRAME
        self.listeners: dict[type[Event], list[Callable[[Event], None]]] = {}
        self.recorders: list[Callable[[Event], None]] = []
        self.tries: list[TryContext] = []
        self.handling: list[Value] = []  # the exceptions of the handlers being run
        self.oracle = Oracle()
        self.isolated = 0  # inside calls that are tried on a heap of their own, see `flow.closed`
        self.joining = 0
        self.hedge = 0
        self.muted = 0
        self.known_code = Known()
        self.budget = Budget(STEPS_PER_ROOT)
        self.left_of_module = STEPS_OF_MODULE
        self.scopes = scopes.Scopes(self)
        self.types = Types(self)
        self.statistics: dict[str, int] = {}
        self.bound_at: object = None  # where the `partial` being called bound its arguments
        self.calling: Call | None = None  # the call whose function is about to be run
        self.memory: dict[object, object] = {}  # what a floor above remembers across roots, by its own type
        self._known: dict[object, object] = {}  # facts about the project
        self._changed: set[int] = set()  # of what the world has made, what is different for this analysis
        self.loops: list[tuple[Frame, tuple[Value, ...]]] = []  # the loops being run, and what they run over
        self.changing: Span = -1  # the attribute whose value is about to be changed in place
        self.notes: dict[str, object] = {}  # what the paths of one root have in common
        self.enclosing: Frame | None = None  # the activation of the function that the root stands in
        self.called: set[FunctionInfo] = set()  # functions that this root has called
        self.release: Release = NEWEST
        self.watched: set[int] = set()  # the objects of this root that somebody has to deal with
        self.spared: set[int] = set()  # watched objects that are dealt with in a way that is not followed
        self.risky = 0  # inside functions whose exceptional ends matter
        self.awaited: tuple[Expression, Value] | None = (
            None  # the `await` that was evaluated last, and its operand
        )
        self.awaiting: tuple[Module, Expression] | None = None  # the operand of the `await` being evaluated

    # -- roots

    def start(self) -> State:
        """A fresh state for a new root."""
        self.tries, self.handling, self.recorders = [], [], []
        self.oracle, self.joining, self.hedge, self.muted = Oracle(), 0, 0, 0
        self.known_code.add(self.budget.run)
        self.budget = Budget(STEPS_PER_ROOT, self.known_code)
        self.notes = {}
        self.enclosing = None
        self.called = set()
        self.watched, self.spared = set(), set()
        self.risky = 0
        self.awaiting = None
        self.counter |= PAGE - 1  # what a step costs depends on pages
        self.joins.clear()
        return State(self.base, self.base_frames, self.joins)

    def guard(self, act: Callable[[], object]) -> None:
        """Run a root to its end, or to the end of its budget."""
        try:
            act()
        except PathEnds:
            pass
        except BudgetExceeded:
            self.count("roots cut short")
        except RecursionError:
            self.count("roots too deep")

    def count(self, what: str) -> None:
        if self.isolated:
            raise closed.NotClosed
        self.statistics[what] = self.statistics.get(what, 0) + 1

    def step(self, state: State) -> None:
        # What a step costs grows, slowly, with what the path knows: searches and joins go through the heap.
        self.budget.spend(1 + state.heap.size // PAGES_PER_STEP)

    def touch(self) -> None:
        """Something happens that is more than Python: a call in which it does is not closed."""
        if self.isolated:
            raise closed.NotClosed
        if not self.muted:
            self.budget.meets()

    # -- places and identities

    def new_id(self) -> int:
        self.counter += 1
        return self.counter

    def open_region(self) -> None:
        """What is made from here on shares its ids, and its pages, with nothing else."""
        self.counter = next(self.world.regions) * REGION

    @contextmanager
    def shared(self) -> Iterator[None]:
        """What is made inside outlives the root: its ids are not those that a replay will give again."""
        counter, budget = self.counter, self.budget
        watched, spared = self.watched, self.spared
        steps = STEPS_SHARED if self.is_world else min(STEPS_SHARED, self.left_of_module)
        own = Budget(steps)
        self.budget = own
        self.open_region()
        self.watched, self.spared = set(), set()
        try:
            yield
        finally:
            self.left_of_module -= steps - max(own.left, 0)
            if own.left < 0 and steps < STEPS_SHARED:
                self.statistics["globals left out"] = self.statistics.get("globals left out", 0) + 1
            self.counter, self.budget = counter, budget
            self.watched, self.spared = watched, spared

    def remembered(self, key: object, make: Callable[[Flow], T], meanwhile: T) -> T:
        """A fact about the project, worked out once. `meanwhile` is what it is for who asks in a circle."""
        if self.is_world:
            return self.world.use(self.world.answer(key, make, meanwhile))
        if key not in self._known:
            try:
                fact = self.world.answer(key, make, meanwhile)
                self._known[key] = fact.value  # for those who fill it
                self._known[key] = self.relied_on(fact)
            except Unshared:
                self._known[key] = meanwhile
                self._known[key] = make(self)
        return self._known[key]  # type: ignore[return-value]  # it was made under this key

    def relied_on(self, fact: Fact[T]) -> T:
        """What the world knows, unless this analysis knows better of something that it has looked at."""
        if self.is_world:
            return self.world.use(fact)
        for table in fact.tables:
            self.scopes.fill(table)
        if not self._changed.isdisjoint(fact.seen):
            raise Unshared
        self.world.rest_on(fact)
        return fact.value

    def make_known(self, records: Iterable[tuple[int, Record]], frames: Mapping[int, Variables]) -> None:
        """What code outside of all roots has made is there for all of them."""
        for oid, record in records:
            if oid in self.world.promised:
                continue  # it is as it was promised, whatever some code has done to it
            if oid in self.base and oid != OUTSIDE.oid:
                if self.base.get(oid) == record:
                    continue  # paths have parted over it, and met again
                if self.is_world:
                    raise Unshared
                self._changed.add(oid)
            self.base[oid] = record
        if self.is_world and not self.base_frames.keys().isdisjoint(frames):
            raise Unshared
        self.base_frames.update(frames)

    def is_shared(self, oid: int) -> bool:
        """Is it an object that modules have made? What is promised is there anew on each path that asks."""
        return oid in self.base and oid not in self.world.promised

    def is_own(self, oid: int) -> bool:
        """Is the object, which outlives the root, known to this module's analysis alone?"""
        return isinstance(self.base, Layer) and self.base.is_own(oid)

    def is_own_frame(self, number: int) -> bool:
        return isinstance(self.base_frames, Layer) and self.base_frames.is_own(number)

    def settle(self, key: object, value: object) -> None:
        """The answer stands, though finding it goes on: whoever asks meanwhile is given it."""
        self._known[key] = value

    @contextmanager
    def alone(self, budget: Budget | None = None) -> Iterator[None]:
        """Outside of all that is being done: what comes out does not depend on it."""
        before = [(name, getattr(self, name)) for name in _OF_A_PATH]
        self.counter |= PAGE - 1  # as for a root
        self.tries, self.handling, self.recorders, self.loops = [], [], [], []
        self.oracle, self.joining, self.hedge, self.muted, self.isolated = Oracle(), 0, 0, 0, 0
        self.budget, self.notes, self.risky = budget or Budget(STEPS_PER_ROOT), {}, 0
        self.watched, self.spared = set(), set()
        self.frame, self.changing = NO_FRAME, -1
        self.bound_at = self.calling = self.awaited = self.awaiting = None
        try:
            yield
        finally:
            for name, value in before:
                setattr(self, name, value)

    def allocate(self, state: State, record: Record) -> Reference:
        reference = Reference(self.new_id())
        state.put(reference, record)
        return reference

    def allocate_watched(self, state: State, record: Record) -> Reference:
        """An object of which it matters in whose hands it ends."""
        self.touch()
        reference = self.allocate(state, record)
        if not self.muted:  # what is made to find out what an object promises is nobody's
            self.watched.add(reference.oid)
        return reference

    def site(self, span: Span) -> Site:
        return Site(self.frame.module, span)

    # -- events

    def listens(self, event: type[Event]) -> bool:
        if self.muted and not self.isolated:  # a closed call is one wherever it stands
            return False
        return bool(self.recorders) or event in self.listeners

    def emit(self, event: Event) -> None:
        self.touch()
        if self.muted:
            return
        for record in self.recorders:
            record(event)
        for listener in self.listeners.get(type(event), ()):
            listener(event)

    @property
    def is_certain(self) -> bool:
        return self.hedge == 0

    def hedged(self, unsure: bool) -> Hedged:
        """What happens inside happens on some of the paths that this state stands for."""
        return Hedged(self, unsure)

    @contextmanager
    def silently(self) -> Iterator[None]:
        """What happens inside happened elsewhere: nobody hears of it; what it makes is not this root's."""
        self.muted += 1
        watched = set(self.watched)
        try:
            yield
        finally:
            self.muted -= 1
            self.watched = watched

    def repeated(self, state: State, since: int) -> None:
        """What was made since the id `since` is made once for each of many elements."""
        for oid in [oid for oid in state.heap if oid > since]:
            state.record(oid).repeated(self, state, Reference(oid), since)

    # -- choices

    def choose(self, state: State, options: list[Option], apart: Apart | None = None) -> Value:
        """Go on as one of the options; the statement is run again for each of the others."""
        oracle = self.oracle
        if not self.joining and oracle.is_replaying:
            choice = oracle.choices[oracle.position]
            oracle.position += 1
            self.counter = choice.counter if oracle.is_replaying else max(choice.counter, oracle.highest)
        else:
            options = merged_options(self, options, apart)
            if not options:
                raise PathEnds(None)
            if len(options) > 1 and (self.joining or oracle.is_full):
                keep = [option for option in options if option[0].pending is None]
                lost = [option for option in options if option[0].pending is not None]
                for lost_state, _ in lost:
                    assert lost_state.pending is not None
                    self.may_raise(lost_state, UNKNOWN)
                options = keep or lost[:1]
                options = [join_options(options)]
            if self.joining:
                state.become(options[0][0])
                return options[0][1]
            choice = Choice(options, 0, self.counter)
            oracle.choices.append(choice)
            oracle.position += 1
        chosen, value = choice.options[choice.taken]
        state.become(chosen)
        return value

    def alternatives(
        self, state: State, values: Sequence[Value], act: Callable[[Value, State], Value]
    ) -> Value:
        """Do the same with each of several values, each on its own copy of the state."""
        if len(values) == 1:
            return act(values[0], state)
        options: list[Option] = []
        with self.hedged(len(values) > 1):
            self.joining += 1
            try:
                for value in values:
                    own = state.copy()
                    try:
                        result = act(value, own)
                    except PathEnds as end:
                        if end.outcome is not None:
                            self.may_raise(end.outcome.state, end.outcome.value)
                        continue
                    options.append((own, result))
            finally:
                self.joining -= 1
        if not options:
            raise PathEnds(None)
        groups = joinable(options)
        if len(groups) > 1 and not self.joining:
            return self.choose(state, [join_options(group) for group in groups])
        joined, result = join_options(options)
        state.become(joined)
        if len(values) > 1 and self._of_either_kind(state, values):
            for _, value in options:
                record = state.record(value.oid) if isinstance(value, Reference) else None
                if isinstance(value, Reference) and isinstance(record, CoroutineRecord):
                    state.put(value, replace(record, is_perhaps=True))
        return result

    @staticmethod
    def _of_either_kind(state: State, values: Sequence[Value]) -> bool:
        """`session.commit` of a session that may be sync or async: who keeps both knows which it is."""
        owners = (value.receiver if isinstance(value, Method) else value for value in values)
        kinds = {state.record(one.oid).suits(True) for one in owners if isinstance(one, Reference)}
        return kinds >= {True, False}

    # -- exceptions

    def may_raise(self, state: State, exception: Value) -> None:
        """Here the code may raise: whoever catches it sees this state."""
        if self.tries:
            self.tries[-1].add(state, exception, self.frame)

    @property
    def is_caught_somewhere(self) -> bool:
        """Is there a handler around, or who will ask, for whom it matters what is so when code raises?"""
        return bool(self.tries) and self.tries[-1].hears == ALL

    @contextmanager
    def cleaning_up(self) -> Iterator[None]:
        with self.succeeding(Cleanup(self.counter)):
            yield

    @contextmanager
    def succeeding(self, context: TryContext | None = None) -> Iterator[None]:
        """What runs inside is taken to raise nothing."""
        self.tries.append(context or TryContext(frozenset(), self.counter, hears=NOBODY))
        try:
            yield
        finally:
            self.tries.pop()

    @property
    def is_cleaning_up(self) -> bool:
        return any(isinstance(context, Cleanup) for context in self.tries)

    def at_risk(self, state: State, awaited: Value) -> None:
        """The code waits for something outside, which may fail."""
        if heard_around(self.tries) != NOBODY and not self.meanings.cleans_up(state, awaited):
            failed = state.copy()
            record = failed.record(awaited.oid) if isinstance(awaited, Reference) else None
            if isinstance(awaited, Reference) and record is not None:
                failed.put(awaited, record.over())
            self.may_raise(failed, RISK)

    def is_caught(self, *names: str) -> bool:
        """Does an enclosing handler name one of these exceptions? (A guard the author wrote.)"""
        return any(name in context.catches for context in self.tries for name in names)

    # -- evaluation

    def evaluate(self, state: State, node: Expression) -> Value:
        return evaluate(self, state, node)

    def execute(self, states: list[State], body: Statements) -> tuple[list[State], list[Outcome]]:
        return statements.execute_block(self, states, body)

    def entered(self, frame: Frame) -> Entered:
        return Entered(self, frame)

    # -- what values ask for

    def call_function(self, state: State, function: FunctionValue, arguments: Arguments, at: Span) -> Value:
        return calls.call_function(self, state, function, arguments, at)

    def call_decorated(self, state: State, decorated: Decorated, arguments: Arguments, at: Span) -> Value:
        return calls.call_decorated(self, state, decorated, arguments, at)

    def call_external(self, state: State, function: ExternalValue, arguments: Arguments, at: Span) -> Value:
        meaning = self.meanings.call(function.name)
        if meaning is not None:
            if not self.meanings.is_harmless(function.name):
                self.touch()
            return meaning(self, state, arguments, at)
        return calls.call_unknown(self, state, function, arguments, at)

    def call_unknown(self, state: State, function: Value, arguments: Arguments, at: Span) -> Value:
        return calls.call_unknown(self, state, function, arguments, at)

    def call_text(
        self, state: State, value: Constant | Text, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return strings.call(self, state, value, name, arguments, at)

    def instantiate(self, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value:
        return classes.instantiate(self, state, cls, arguments, at)

    def class_attribute(self, state: State, cls: ClassValue, name: str, at: Span) -> Value:
        return classes.class_attribute(self, state, cls, name, at)

    def super_attribute(self, state: State, value: SuperValue, name: str, at: Span) -> Value:
        return classes.super_attribute(self, state, value, name, at)

    def yielded(self, state: State, value: Value) -> Value:
        """The running generator gives `value`; what it gets back is what its consumer sends."""
        frame = self.frame
        if frame.on_yield is None:
            for one in alternatives(value):
                if isinstance(one, Reference) and isinstance(state.record(one.oid), CoroutineRecord):
                    state.let_out((one,))  # whoever drives the generator may await it
        if frame.yielded is not None:
            frame.yielded.append(value)
            frame.lent.append(value)
            if frame.into is not None:
                frame.into.call_method(self, state, "append", Arguments((value,)), 0)
            self.may_raise(state, UNKNOWN)  # whatever its consumer raises meanwhile
            if frame.until_yield:
                raise PathEnds(Outcome("suspend", state, NONE))
            return UNKNOWN
        if frame.on_yield is None:
            return UNKNOWN
        again = not self.joining and self.oracle.is_replaying
        since = self.counter
        sent = self.choose(state, [] if again else frame.on_yield(state.copy(), value))
        if self.counter > since:
            frame.away.append((since, self.counter))
        left = state.pending
        if left is not None and left.kind == "raise" and not left.closes:
            state.pending = None  # the consumer's exception comes up here
            raise PathEnds(Outcome("raise", state, left.value))
        if left is not None and left.closes:
            raise PathEnds(Outcome("suspend" if left.suspends else "close", state, NONE))
        return sent
