"""Middlewares: each is called with the rest of the way as a function, and calls that in its middle.

What it has made before is there for whoever comes next; what it does afterwards, it does to what they left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.paths import consumer_paths
from asyncsqla_lint.flow.roots import receiver_of
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Value
from asyncsqla_lint.frameworks.hooks import closed_over
from asyncsqla_lint.frameworks.injection import Inside, pending
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class Layer(Struct, frozen=True):
    """A middleware, the names under which it leaves something, and those under which it finds something."""

    info: FunctionInfo
    leaves: frozenset[str]
    finds: frozenset[str]


Receiver = Callable[["State", FunctionInfo, Value], "Value | None"]


class Onward(Value, frozen=True):
    """The rest of the way, as a middleware has it: `call_next`, `handler`."""

    inside: Inside

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return Going(self.inside)


class Going(Value, frozen=True):
    inside: Inside

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        again = not flow.joining and flow.oracle.is_replaying
        answer = flow.choose(state, [] if again else self.inside(state.copy()))
        left = state.pending
        if left is not None and left.kind == "raise":
            state.pending = None  # what was raised further inside comes up here
            raise PathEnds(Outcome("raise", state, left.value))
        return answer


def surround(
    flow: Flow,
    state: State,
    layers: tuple[Layer, ...],
    arguments: Callable[[FunctionInfo, Value], tuple[Value, ...]],
    inside: Inside,
    at: Span,
    receiver: Receiver | None = None,
) -> list[Option]:
    """Run `inside` within the layers, the first one outermost; `receiver`: whose methods they are."""
    if not layers:
        return inside(state)
    info, outside = layers[0].info, flow.frame
    outer = state.facts
    reached = False

    def go_on(own: State) -> list[Option]:
        nonlocal reached
        reached = True
        inner, own.facts = own.facts, outer.copy()
        # A middleware sees the exceptions that are raised by name, not every one that might be.
        tries, flow.tries = flow.tries, []
        try:
            with flow.entered(outside):
                options = surround(flow, own, layers[1:], arguments, inside, at, receiver)
        finally:
            flow.tries = tries
        for one, _ in options:
            one.facts = inner.copy()
        return [(one, UNKNOWN) for one, _ in options]

    def run(own: State) -> Value:
        onward = Onward(go_on)
        me = None if receiver is None else receiver(own, info, onward)
        closure = () if info.parent is None else closed_over(flow, info.parent)
        function = FunctionValue(info, closure, receiver_of(flow, own, info) if me is None else me)
        given = Arguments(arguments(info, onward), more_keywords=UNKNOWN)
        return function.call(flow, own, given, at).awaited(flow, own, at)

    before = state.copy()
    options, exits = consumer_paths(flow, state, run)
    if not reached:
        return surround(flow, before, layers[1:], arguments, inside, at, receiver)
    return options + pending(flow, exits, outside)


# --- which, and in which order -------------------------------------------------------------------


def layer_of(info: FunctionInfo, name_of: Callable[[p.Expression], str | None]) -> Layer | None:
    """A middleware, if it leaves something behind; `name_of` tells under which name an expression is kept."""
    leaves: set[str] = set()
    finds: set[str] = set()
    for node in walk(info.body):
        for target in targets(node):
            name = name_of(target)
            if name is not None:
                leaves.add(name)
    for node in walk(info.body):
        if isinstance(node, (p.Attribute, p.Subscript)):
            name = name_of(node)
            if name is not None and name not in leaves:
                finds.add(name)
    info.index.foundation.add(info)
    return Layer(info, frozenset(leaves), frozenset(finds)) if leaves else None


def targets(node: p.Node) -> Iterator[p.Expression]:
    if isinstance(node, p.Assign):
        yield from node.targets
    elif isinstance(node, p.AnnotatedAssign):
        yield node.target
    elif isinstance(node, p.With):
        for item in node.items:
            if item.target is not None:
                yield item.target


def in_order(layers: list[Layer]) -> tuple[Layer, ...]:
    """Whoever finds something comes after those who leave it; else as they stand."""
    done: list[Layer] = []
    waiting = list(layers)
    while waiting:
        missing = frozenset[str]().union(*(one.leaves for one in waiting))
        ready = next((one for one in waiting if not one.finds & (missing - one.leaves)), waiting[0])
        waiting.remove(ready)
        done.append(ready)
    return tuple(done)
