"""Injection: a framework calls a function with what other functions make, themselves called so.

A provider that yields is run to its yield; what it has made is used; then the rest of it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.callables import ClassValue, Decorated, FunctionValue, Partial
from asyncsqla_lint.flow.calls import generator_of, run_generator
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Frame, Outcome
from asyncsqla_lint.flow.joining import Option, join_options
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.paths import consumer_paths
from asyncsqla_lint.flow.roots import run_as_decorated
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.trying import ByName
from asyncsqla_lint.flow.types import yielded
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Iteration, Reference, Value
from asyncsqla_lint.program import Parameter, Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Scoped
from asyncsqla_lint.semantics import ledger
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

Given = dict[str, Value]
Made = tuple[tuple[Value, Value], ...]
Then = Callable[["State", Given, Made], "list[Option]"]
Inside = Callable[["State"], "list[Option]"]
Within = Callable[["Flow", "State", Inside, Span], "list[Option]"]  # middlewares
DEEPEST = 8


class Need(Struct, frozen=True):
    """A parameter that is filled with what `provider` makes."""

    name: str
    provider: Value
    is_shared: bool = True  # made once for each request (or test)
    type_: Type | None = None  # what the parameter's annotation promises


class Yielded(Value, frozen=True):
    """What a call of a library's own provider gives: a generator that yields `value`."""

    value: Value

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return Iteration(items=(self.value,))

    def over(self, flow: Flow, state: State) -> None:
        """The request has come to its end, and the provider takes it back."""

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.value,)


class Injection:
    """`needs_of` tells what a provider itself is given; `throws`: it sees what its consumer raises.

    `is_part`: what runs is called by something else that shares what is provided.
    """

    def __init__(
        self,
        flow: Flow,
        needs_of: Callable[[State, Value], list[Need]],
        at: Span,
        sync_in_threads: bool = False,
        throws: bool = True,
        within: Within | None = None,
        is_part: bool = False,
    ) -> None:
        self.flow = flow
        self.needs_of = needs_of
        self.at = at
        self.sync_in_threads = sync_in_threads
        self.throws = throws
        self.within = within
        self.is_part = is_part
        self.outside: Frame = flow.frame

    def run(
        self,
        state: State,
        info: FunctionInfo,
        needs: list[Need],
        on_return: Callable[[Frame, Outcome], None] | None = None,
        receiver: Value | None = None,
    ) -> None:
        """Run a root with what it needs."""
        flow = self.flow

        def act(own: State, given: Given, made: Made) -> list[Option]:
            in_thread = self.sync_in_threads and not info.is_async
            around(flow).threads += in_thread
            try:
                frame, states, exits = run_as_decorated(flow, own, info, given, receiver=receiver)
            finally:
                around(flow).threads -= in_thread
            options: list[Option] = [(one, NONE) for one in states]
            for outcome in exits:
                if outcome.kind != "return":
                    options += self._ended([outcome])
                    continue
                if on_return is not None:
                    on_return(frame, outcome)
                options.append((outcome.state, NONE))
            if self.is_part:
                for one, _ in options:
                    ledger.handed_back(one)
            return options

        def inside(own: State) -> list[Option]:
            return self.provide(own, needs, {}, (), act)

        answered = inside(state) if self.within is None else self.within(flow, state, inside, self.at)
        flow.meanings.ended(
            flow, self.outside, answered, []
        )  # whatever the dependencies made is to be closed by now

    def provide(
        self, state: State, needs: list[Need], given: Given, made: Made, then: Then, depth: int = 0
    ) -> list[Option]:
        """Make what is needed, go on with `then`, and end what was made in the opposite order."""
        if not needs or depth > DEEPEST:
            return then(state, given, made)
        need, rest = needs[0], needs[1:]

        def go_on(own: State, value: Value, known: Made) -> list[Option]:
            return self.provide(own, rest, {**given, need.name: value}, known, then, depth)

        if need.is_shared:
            for provider, value in made:
                if provider == need.provider:
                    return go_on(state, value, made)

        def call(own: State, inner: Given, known: Made) -> list[Option]:
            return self._call(own, need, inner, known, go_on)

        return self.provide(state, self.needs_of(state, need.provider), {}, made, call, depth + 1)

    def _call(
        self,
        state: State,
        need: Need,
        given: Given,
        made: Made,
        go_on: Callable[[State, Value, Made], list[Option]],
    ) -> list[Option]:
        flow = self.flow
        arguments = Arguments((), given, UNKNOWN, UNKNOWN)
        used = False

        def use(own: State, value: Value) -> list[Option]:
            nonlocal used
            used = True
            if value is UNKNOWN and need.type_ is not None:
                # Made here, so that all who share the provider share the object (a request's session).
                value = self._promised(own, need.provider, need.type_)
            # A provider sees the exceptions that its consumer raises by name, not every one that it might.
            tries, flow.tries = flow.tries, []
            try:
                with flow.entered(self.outside):
                    # The framework holds what it has made, used or not, until the request ends.
                    own.assign(self.outside.id, f"<{need.name} {len(made)}>", value)
                    return go_on(own, value, (*made, (need.provider, value)))
            finally:
                flow.tries = tries

        def run(own: State) -> Value:
            in_thread = self.sync_in_threads and not is_async(own, need.provider)
            around(flow).threads += in_thread
            try:
                result = need.provider.call(flow, own, arguments, self.at)
            finally:
                around(flow).threads -= in_thread
            generator = generator_of(own, result)
            if generator is not None:
                run_generator(flow, own, generator, use)
                return _DONE
            if isinstance(result, Yielded):
                lent.append(result)
                return result.value
            record = own.record(result.oid) if isinstance(result, Reference) else None
            if isinstance(record, CoroutineRecord):
                result = result.awaited(flow, own, self.at)
            return result

        lent: list[Yielded] = []
        before = state.copy()
        passed = ByName(flow.counter)
        with flow.succeeding(passed):
            options, exits = consumer_paths(flow, state, run)
        if self.throws:
            exits += [Outcome("raise", own, raised) for own, raised in passed.states]
        reached: list[Option] = [(own, NONE) for own, value in options if value is _DONE]
        made_here = [option for option in options if option[1] is not _DONE]
        if made_here:
            # What comes next is run once, whatever the ways in which this came about.
            used_up = use(*join_options(made_here))
            for one in lent:
                for own, _ in used_up:
                    one.over(flow, own)
            reached += used_up
        if not used and not options:
            # A stand-in that only raises, for the real one to override: its annotation has to do.
            return go_on(before, UNKNOWN, made)
        return reached + self._ended(exits)

    def _promised(self, state: State, provider: Value, asked: Type) -> Value:
        """What is given, as the provider's own header says it, or else whoever asks for it."""
        types, found = self.flow.types, function_of(state, provider)
        returns = None if found is None else found[0].header.returns
        if found is not None and returns is not None:
            type_ = yielded(self.flow.index.type(Scoped(returns, found[0].module, found[0].definition_scope)))
            value = UNKNOWN if type_ is None else types.of_type(state, type_, self.at)
            if value is not UNKNOWN:
                return value
        return types.of_type(state, asked, self.at)

    def _ended(self, exits: list[Outcome]) -> list[Option]:
        if self.throws:
            return pending(self.flow, exits, self.outside)
        return [(outcome.state.copy(), NONE) for outcome in exits]


class _Done(Value, frozen=True):
    pass


_DONE = _Done()


def pending(flow: Flow, exits: list[Outcome], consumer: Frame) -> list[Option]:
    """Exceptions of the consumer: the providers around it see them first."""
    options: list[Option] = []
    for outcome in exits:
        own = outcome.state.copy()
        own.pending = Outcome(outcome.kind, own, outcome.value, outcome.at, consumer.id)
        options.append((own, NONE))
    return options


# --- what is called ------------------------------------------------------------------------------


def function_of(state: State, value: Value) -> tuple[FunctionInfo, bool] | None:
    """The function that a call of `value` runs, and whether its first parameter is already bound."""
    if isinstance(value, FunctionValue):
        return value.info, value.receiver is not None
    if isinstance(value, (Decorated, Partial)):
        return function_of(state, value.function)
    found = None
    if isinstance(value, ClassValue):
        found = value.info.find("__init__")
    elif isinstance(value, Reference):
        record = state.record(value.oid)
        if isinstance(record, ObjectRecord):
            found = record.cls.info.find("__call__")
    return None if found is None or found[1].function is None else (found[1].function, True)


def parameters_of(state: State, value: Value) -> tuple[FunctionInfo | None, tuple[Parameter, ...]]:
    """The parameters that a caller of `value` fills."""
    found = function_of(state, value)
    if found is None:
        return None, ()
    info, is_bound = found
    parameters = info.header.parameters
    return info, parameters[1:] if is_bound else parameters


def is_async(state: State, value: Value) -> bool:
    found = function_of(state, value)
    return found is None or isinstance(value, ClassValue) or found[0].is_async
