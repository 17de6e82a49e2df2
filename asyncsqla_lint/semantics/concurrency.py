"""What asyncio, anyio, trio and their like mean: which calls start tasks, and which wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.coroutines import Ready
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.meanings import CallMeaning, Meanings
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.stdlib.futures import new_future
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Iteration,
    Method,
    Reference,
    TupleValue,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import threads
from asyncsqla_lint.semantics.api_use import given_to_await
from asyncsqla_lint.semantics.surroundings import around
from asyncsqla_lint.semantics.tasks import (
    Gathered,
    TaskRecord,
    finish,
    positioned,
    stands_for_many,
    start,
    waited,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

GATHERS = (
    "asyncio.gather",
    "tqdm.asyncio.tqdm.gather",
    "tqdm.asyncio.tqdm_asyncio.gather",
    "tqdm.asyncio.gather",
)
WAITS = ("asyncio.wait",)
COMPLETES = (
    "asyncio.as_completed",
    "tqdm.asyncio.tqdm.as_completed",
    "tqdm.asyncio.tqdm_asyncio.as_completed",
)
STARTS = ("asyncio.create_task", "asyncio.ensure_future", "asyncio.run_coroutine_threadsafe", "aiojobs.spawn")
RUNS = ("asyncio.run", "anyio.from_thread.run_sync", "uvloop.run", "nest_asyncio.run")
CALLS_AND_RUNS = ("anyio.run", "trio.run", "anyio.from_thread.run", "trio.from_thread.run")
CALLS_ALL = ("aiometer.run_all", "aiometer.run_any")  # a list of functions, called side by side
CALLS_ON_EACH = ("aiometer.run_on_each", "aiometer.amap")  # one function, and what to call it with
LOOPS = ("asyncio.get_event_loop", "asyncio.get_running_loop", "asyncio.new_event_loop")
SCHEDULERS = ("aiojobs.create_scheduler", "aiojobs.Scheduler", "asyncio.Runner")


class _Numbered(Value, frozen=True):
    """Of which it may be known that it is the same, or another."""

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        if operator not in ("is", "==", "is not", "!=") or None in (self.identity(), other.identity()):
            return None
        return Constant((self.identity() == other.identity()) is (operator in ("is", "==")))

    def truth(self, state: State) -> bool | None:
        return True


class CurrentTask(_Numbered, frozen=True):
    """`asyncio.current_task()`: a session may be kept together with the task that has opened it."""

    is_leaf: ClassVar[bool] = True
    number: int  # of those that the root has started; 0: the one that runs the root

    def identity(self) -> tuple[str, int]:
        return "task", self.number

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        if self.number and other.identity() is None and operator in ("is", "is not", "==", "!="):
            return Constant(operator in ("is not", "!="))  # what was there before it started is another
        return super().compared(flow, state, operator, other, at)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return UNKNOWN


class Loop(_Numbered, frozen=True):
    """An event loop, or what stands before one: `aiojobs.Scheduler`, `asyncio.Runner`."""

    number: int = 0  # of what runs under it; 0: not known

    def identity(self) -> tuple[str, int] | None:
        return ("loop", self.number) if self.number else None

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return self

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        arguments = positioned(arguments)
        first = arguments.positional[0] if arguments.positional else UNKNOWN
        if name == "create_task":
            return start(flow, state, first, flow.site(at))
        if name == "spawn":
            return Ready(start(flow, state, first, flow.site(at)))
        if name == "run_in_executor":
            rest = Arguments(arguments.positional[1:], arguments.keywords, arguments.more)
            return threads.handed_over(flow, state, rest, at)
        if name in ("run_until_complete", "run"):
            return first.awaited(flow, state, at)
        if name == "create_future":
            return new_future(flow, state)
        return UNKNOWN


class Waiting(Value, frozen=True):
    """`asyncio.wait(tasks)`: awaited, it gives the tasks that are done and those that are not."""

    tasks: tuple[Reference, ...]

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        for task in self.tasks:
            finish(state, task)
        done = flow.allocate(
            state, ListRecord(None, union(self.tasks), "set") if self.tasks else ListRecord((), None, "set")
        )
        rest = flow.allocate(
            state, ListRecord(None, union(self.tasks), "set") if self.tasks else ListRecord((), None, "set")
        )
        return TupleValue((done, rest))

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return self.tasks


# --- places --------------------------------------------------------------------------------------


def places(flow: Flow, at: Span, count: int) -> list[Site]:
    """Where each positional argument of the call stands; those of a `*argument` stand there all."""
    call = flow.calling
    if call is None or call.span != at or not call.arguments:
        return [flow.site(at)] * count
    return _spread(flow, call.arguments, count)


def element_places(flow: Flow, at: Span, count: int) -> list[Site]:
    """The same for the elements of a list that is the call's first argument."""
    call = flow.calling
    if call is None or call.span != at or not call.arguments:
        return [flow.site(at)] * count
    display = call.arguments[0]
    if isinstance(display, (p.ListDisplay, p.SetDisplay, p.TupleDisplay)) and display.elements:
        return _spread(flow, display.elements, count)
    return [flow.site(display.span)] * count


def _spread(flow: Flow, nodes: tuple[p.Expression, ...], count: int) -> list[Site]:
    stars = [position for position, node in enumerate(nodes) if isinstance(node, p.Starred)]
    if not stars:
        return [flow.site(node.span) for node in nodes[:count]] + [flow.site(nodes[-1].span)] * (
            count - len(nodes)
        )
    before, after = nodes[: stars[0]], nodes[stars[-1] + 1 :]
    middle = max(count - len(before) - len(after), 0)
    found = [*before, *(nodes[stars[0]],) * middle, *after]
    return [flow.site(node.span) for node in found[:count]]


# --- meanings ------------------------------------------------------------------------------------


def register(meanings: Meanings) -> None:
    meanings.when_waited.append(waited)
    table: tuple[tuple[tuple[str, ...], CallMeaning], ...] = (
        (GATHERS, _gather),
        (WAITS, _wait),
        (COMPLETES, _as_completed),
        (STARTS, _start),
        (RUNS, _run),
        (CALLS_AND_RUNS, _call_and_run),
        (CALLS_ALL, _call_all),
        (CALLS_ON_EACH, _call_on_each),
        (LOOPS + SCHEDULERS, lambda flow, state, arguments, at: Loop()),
        (("asyncio.wait_for", "asyncio.shield"), _same),
        (("asyncio.current_task",), _current_task),
    )
    for names, meaning in table:
        for name in names:
            meanings.calls[name] = meaning
    for name in (*GATHERS, "asyncio.create_task", "asyncio.wait_for", "asyncio.shield"):
        meanings.calls[name] = Awaiting(name.rpartition(".")[2], meanings.calls[name])
    for name in ("asyncio.AbstractEventLoop", "asyncio.BaseEventLoop", *SCHEDULERS):
        meanings.instances[name] = lambda flow, state, arguments, at: Loop()


class Awaiting:
    """What awaits whatever it is given."""

    def __init__(self, name: str, meaning: CallMeaning) -> None:
        self.name = name
        self.meaning = meaning

    def __call__(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if NONE in arguments.positional:
            given_to_await(flow, state, arguments, self.name)
        return self.meaning(flow, state, arguments, at)


def _current_task(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    flow.touch()  # it depends on who is running
    return CurrentTask(around(flow).task)


def _same(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return positioned(arguments).first


def _gather(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    count = len(arguments.positional)
    sites = places(flow, at, count + (arguments.more is not None))
    started = [
        start(flow, state, one, site, is_awaited=True)
        for one, site in zip(arguments.positional, sites, strict=False)
    ]
    if arguments.more is None:
        results = ListRecord(tuple(result_of(state, task) for task in started), None, "list", not started)
        return Gathered(tuple(started), flow.allocate(state, results))
    rest = [start(flow, state, one, sites[-1], is_awaited=True) for one in alternatives(arguments.more)]
    everything = union(tuple(result_of(state, task) for task in (*started, *rest)))
    return Gathered(
        (*started, *rest), flow.allocate(state, ListRecord(None, everything, "list", not started))
    )


def result_of(state: State, task: Reference) -> Value:
    record = state.record(task.oid)
    return record.result if isinstance(record, TaskRecord) else UNKNOWN


def _start_all(flow: Flow, state: State, iteration: Iteration, at: Span) -> list[Reference]:
    items = iteration.items
    if items is None:
        items = () if iteration.element is None else alternatives(iteration.element)
        sites = element_places(flow, at, 1) * len(items)
    else:
        sites = element_places(flow, at, len(items))
    return [start(flow, state, one, site, is_awaited=True) for one, site in zip(items, sites, strict=False)]


def _wait(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    given = arguments.get(0, "fs") or UNKNOWN
    return Waiting(tuple(_start_all(flow, state, given.iterate(flow, state, at, False), at)))


def _as_completed(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    given = arguments.get(0, "fs") or UNKNOWN
    started = _start_all(flow, state, given.iterate(flow, state, at, False), at)
    if not started:
        return flow.allocate(state, ListRecord((), None, "iterator"))
    one = Gathered(tuple(started), union(tuple(result_of(state, task) for task in started)))
    return flow.allocate(state, ListRecord(None, one, "iterator", may_be_empty=False))


def _start(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return start(flow, state, positioned(arguments).first, flow.site(at))


def _run(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return positioned(arguments).first.awaited(flow, state, at)


def _call_and_run(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    arguments = positioned(arguments)
    if not arguments.positional:
        return UNKNOWN
    function, *rest = arguments.positional
    return function.call(flow, state, Arguments(tuple(rest)), at).awaited(flow, state, at)


def _called(
    flow: Flow, state: State, functions: Value, at: Span, call: Callable[[Value], Value]
) -> Iterator[Value]:
    iteration = functions.iterate(flow, state, at, False)
    if iteration.items is not None:
        for one in iteration.items:
            yield call(one)
    elif iteration.element is not None:
        since = flow.counter
        made = call(iteration.element)
        flow.repeated(state, since)
        yield made


def _call_all(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    made = tuple(
        _called(flow, state, arguments.first, at, lambda one: one.call(flow, state, Arguments(), at))
    )
    return _gathered(flow, state, made, at, arguments.keywords.get("max_at_once"))


def _call_on_each(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if len(arguments.positional) < 2:
        return UNKNOWN
    function, items = arguments.positional[:2]
    made = tuple(
        _called(flow, state, items, at, lambda one: function.call(flow, state, Arguments((one,)), at))
    )
    return _gathered(flow, state, made, at, arguments.keywords.get("max_at_once"))


def _gathered(
    flow: Flow, state: State, awaitables: tuple[Value, ...], at: Span, at_once: Value | None
) -> Value:
    if at_once == Constant(1):
        done = tuple(one.awaited(flow, state, at) for one in awaitables)
        return Ready(flow.allocate(state, ListRecord(None, union(done)) if done else ListRecord(())))
    started = [start(flow, state, one, flow.site(at), is_awaited=True) for one in awaitables]
    results = tuple(result_of(state, task) for task in started)
    if any(stands_for_many(state, one) for one in awaitables):
        return Gathered(tuple(started), flow.allocate(state, ListRecord(None, union(results))))
    return Gathered(tuple(started), flow.allocate(state, ListRecord(results, None, "list", not results)))
