"""Frames, outcomes and choices: the bookkeeping of running code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.joining import Option, join_options, joinable
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, Constant, Reference, TupleValue, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Module

DEEPEST_CALL = 24
MOST_ACTIVATIONS = 2  # of one function at once: beyond it, recursion is unknown
MOST_STEPS = 4  # the same, of a function that goes through a tree as far as it is known
MOST_REPEATED = 2  # calls of functions that run already: functions that call each other grow like a tree

# What a generator's consumer does with a yielded value: the ways in which the generator goes on.
OnYield = Callable[[State, Value], list[tuple[State, Value]]]


class Site(Struct, frozen=True):
    """A place in the project."""

    module: Module
    span: Span

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Site) and self.module is other.module and self.span == other.span

    def __hash__(self) -> int:
        return hash((self.module.name, self.span))


class Frame(Struct):
    """One activation of a function (or of a module's top level)."""

    id: int
    module: Module
    function: FunctionInfo | None
    closure: tuple[int, ...] = ()  # ids of enclosing frames, innermost first
    receiver: Value | None = None
    owner: ClassInfo | None = None
    caller: Frame | None = None
    call_span: Span = 0
    on_yield: OnYield | None = None
    yielded: list[Value] | None = None
    lent: list[Value] = []  # what a generator has yielded to a consumer that is not seen
    into: Reference | None = None  # the list that what each path yields is put into
    until_yield: bool = False  # stop at the first yield
    outer_names: dict[str, int] = {}  # names declared global or nonlocal, and the frame they live in
    captured: frozenset[str] | None = None  # the names that functions made here mention, if there are any
    has_ended: bool = False  # it has given its answer, and others have gone on with that
    given: tuple[Value, ...] = ()  # what its caller has in hand too: receiver and arguments
    calls: Calls | None = None  # see `calls_of`
    met: int = 0  # what it had met when it began, see `Budget.met`
    away: list[tuple[int, int]] = []  # of a generator: what was counted while its consumer ran

    def capture(self, function: int) -> None:
        """A function of its module is made here: what that mentions outlives the frame."""
        self.captured = (self.captured or frozenset()).union(self.module.program.functions[function].mentions)

    def has_made(self, oid: int) -> bool:
        """Was it made while this runs? At its `yield` a generator waits: then others make what is theirs."""
        return oid > self.id and not any(first < oid <= last for first, last in self.away)

    @property
    def depth(self) -> int:
        count, frame = 0, self.caller
        while frame is not None:
            count, frame = count + 1, frame.caller
        return count


class Calls(Struct):
    """The calls that run: which functions, how many, and how often one was called from within itself."""

    running: dict[FunctionInfo, int] = {}
    depth: int = 0
    repeated: int = 0

    def is_too_deep(self, function: FunctionInfo, goes_on: bool = False) -> bool:
        activations = self.running.get(function, 0)
        if goes_on and self.depth < DEEPEST_CALL:
            return activations >= MOST_STEPS
        return (
            self.depth >= DEEPEST_CALL
            or activations >= MOST_ACTIVATIONS
            or (activations > 0 and self.repeated >= MOST_REPEATED)
        )


def calls_of(frame: Frame) -> Calls:
    """The calls that run when this frame is the last."""
    if frame.calls is None:
        around = Calls() if frame.caller is None else calls_of(frame.caller)
        running, repeated = around.running, around.repeated
        if frame.function is not None:
            before = running.get(frame.function, 0)
            running = {**running, frame.function: before + 1}
            repeated = min(repeated + (before > 0), MOST_REPEATED)
        frame.calls = Calls(running, around.depth + 1, repeated)
    return frame.calls


class Outcome(Struct):
    """How a path left a block other than by its end: return, raise, break, continue.

    Of a generator whose consumer has left: close, if its clean-up runs; suspend, if somebody still holds it.
    """

    kind: str
    state: State
    value: Value
    at: Span = -1  # of a return: the expression
    frame: int = 0  # of the consumer that leaves, while its generator still runs
    closes: bool = False  # the generator is not resumed: only its clean-up runs
    suspends: bool = False  # nor does that: it stays where it is


class Thrown(Value, frozen=True):
    """Some exception, of which nothing else is known: `failed = error`, and later `if failed is None:`."""

    def truth(self, state: State) -> bool | None:
        return True


class Risk(Thrown, frozen=True):
    """Some exception that an `await` may raise."""


THROWN = Thrown()
RISK = Risk()


class PathEnds(Exception):
    """The path being evaluated goes no further: it raises (`outcome`), or cannot happen (None)."""

    def __init__(self, outcome: Outcome | None) -> None:
        super().__init__()
        self.outcome = outcome


class BudgetExceeded(Exception):
    """The root has had its share of steps."""


class Choice(Struct):
    options: list[Option]
    taken: int
    counter: int  # the next free id when the choice was first met


class Oracle:
    """Replays one statement once for each combination of the choices that its expressions meet."""

    __slots__ = ("choices", "highest", "position")

    MOST_CHOICES = 3

    def __init__(self) -> None:
        self.choices: list[Choice] = []
        self.position = 0
        self.highest = 0  # no id above this one has been given out

    @property
    def is_replaying(self) -> bool:
        return self.position < len(self.choices)

    @property
    def is_full(self) -> bool:
        return sum(len(choice.options) > 1 for choice in self.choices) >= self.MOST_CHOICES

    def advance(self) -> bool:
        """Turn to the next combination; False when all have been seen."""
        while self.choices:
            last = self.choices[-1]
            if last.taken + 1 < len(last.options):
                last.taken += 1
                self.position = 0
                return True
            self.choices.pop()
        return False


def nullness(value: Value) -> str:
    """Callers test what they get: keep apart what such a test tells apart."""
    if isinstance(value, Constant) and not (value == NONE or isinstance(value.value, bool)):
        return "value"
    return value.told_by() or "value"


def exactly(value: Value) -> str:
    """Where something has gone amiss on some of the paths, it may be any value that says so: `return 409`."""
    return value.told_by() or "value"


def outline(value: Value, state: State, tell: Callable[[Value], str] = nullness) -> str:
    """Also of what comes in parts: `return False, None`, `return Outcome(ok=True, order=order)`."""
    if isinstance(value, TupleValue):
        return f"({', '.join(map(tell, value.elements))})"
    record = state.record(value.oid) if isinstance(value, Reference) else None
    parts = () if record is None else record.parts()
    if parts:
        return f"{{{', '.join(f'{name}: {tell(one)}' for name, one in parts)}}}"
    return tell(value)


MOST_OUTLINES = 4


Apart = Callable[["list[State]"], "Sequence[object]"]  # alike for paths that nothing tells apart


def merged_options(flow: Flow, options: list[Option], apart: Apart | None = None) -> list[Option]:
    """At most one option for each outline of the value, or, if these are many, for each nullness.

    Never one for two paths that `apart` tells apart.
    """
    if len(options) < 2:
        return options
    outlines = [outline(value, state, exactly) for state, value in options]
    if len(set(outlines)) > 1 and not flow.meanings.tell_apart([state for state, _ in options]):
        outlines = [outline(value, state) for state, value in options]
    if len(set(outlines)) > MOST_OUTLINES:
        outlines = [nullness(value) for _, value in options]
    groups: dict[tuple[str, object, object], list[Option]] = {}
    told = [None] * len(options) if apart is None else apart([state for state, _ in options])
    for (state, value), known, signature in zip(options, outlines, told, strict=True):
        groups.setdefault((known, state.pending_key(), signature), []).append((state, value))
    return [join_options(one) for group in groups.values() for one in joinable(group)]


def merged_exits(exits: list[Outcome]) -> list[Outcome]:
    """What runs on every way out of a block need not run for each path that leaves it alike."""
    if len(exits) < 2:
        return exits
    groups: dict[object, list[Outcome]] = {}
    for one in exits:
        kept = outline(one.value, one.state) if one.kind == "return" else one.value
        key = (one.kind, one.at, one.frame, one.closes, kept, one.state.pending_key())
        groups.setdefault(key, []).append(one)
    return [group[0] if len(group) == 1 else _joined(group) for group in groups.values()]


def _joined(exits: list[Outcome]) -> Outcome:
    first = exits[0]
    state, value = join_options([(one.state, one.value) for one in exits])
    return Outcome(first.kind, state, value, first.at, first.frame, first.closes)
