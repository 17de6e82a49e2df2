"""Hooks: functions that a framework calls before and after each request, with nothing in between them.

What one of them keeps for the request is there for whoever answers it, and for those that come afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import FunctionValue
from asyncsqla_lint.flow.frames import Frame, Outcome
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.paths import consumer_paths
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.roots import receiver_of
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Method, Reference, Value, join
from asyncsqla_lint.frameworks.injection import Inside, pending
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import ImportBinding, Module
from asyncsqla_lint.project.walking import calls
from asyncsqla_lint.semantics.application_state import come_to_its_end, with_those_inside

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.index import Index


class Hooks(Struct, frozen=True):
    """Those of one framework, in the order of the project's modules."""

    before: tuple[FunctionInfo, ...] = ()
    after: tuple[FunctionInfo, ...] = ()


class Naming(Struct, frozen=True):
    """How a framework is told of its hooks: `@app.before_request`, `app.middleware("request")`."""

    framework: str
    before: frozenset[str]
    after: frozenset[str]
    either: frozenset[str] = frozenset()  # an argument tells
    answered: frozenset[str] = frozenset()  # after it too, but while there is a response to look at

    def moment(self, method: str, given: tuple[p.Expression, ...]) -> str:
        if method in self.either:
            said = [one.value for one in given if isinstance(one, p.Constant)]
            return "after" if "response" in said else "before"
        if method in self.answered:
            return "answered"
        return "before" if method in self.before else "after" if method in self.after else ""


def hooks_of(index: Index, naming: Naming) -> Hooks:
    found: dict[str, list[FunctionInfo]] = {"before": [], "answered": [], "after": []}
    for module in index.modules.values():
        if module.says(naming.framework) and imports(module, naming.framework):
            for info, moment in _in_module(index, module, naming):
                if info not in found[moment]:
                    found[moment].append(info)
                    index.foundation.add(info)
    return Hooks(tuple(found["before"]), (*found["answered"], *found["after"]))


def _in_module(index: Index, module: Module, naming: Naming) -> Iterator[tuple[FunctionInfo, str]]:
    for info in with_those_inside(index, module):
        moment = moment_of(info, naming)
        if moment:
            yield info, moment
    for call, scope in calls_of(index, module):
        if isinstance(call.function, p.Attribute) and call.arguments:
            moment = naming.moment(call.function.name, call.arguments[1:])
            given = function_given(index, module, call.arguments[0], scope) if moment else None
            if given is not None:
                yield given, moment


def calls_of(index: Index, module: Module) -> Iterator[tuple[p.Call, FunctionInfo | None]]:
    """Where applications are told of functions: at the top, or in a function that sets one up."""
    bodies: list[tuple[p.Statements, FunctionInfo | None]] = [(module.program.statements, None)]
    bodies += [(info.body, info) for info in with_those_inside(index, module)]
    for body, scope in bodies:
        for call in calls(body):
            yield call, scope


def decorators_of(info: FunctionInfo) -> list[str]:
    called = (one.function if isinstance(one, p.Call) else one for one in info.header.decorators)
    return [one.name for one in called if isinstance(one, p.Attribute)]


def moment_of(info: FunctionInfo, naming: Naming) -> str:
    """When a decorator has it called: before a request, or after it."""
    for decorator in info.header.decorators:
        function = decorator.function if isinstance(decorator, p.Call) else decorator
        if isinstance(function, p.Attribute):
            given = decorator.arguments if isinstance(decorator, p.Call) else ()
            moment = naming.moment(function.name, given)
            if moment:
                return moment
    return ""


def function_given(
    index: Index, module: Module, node: p.Expression, scope: FunctionInfo | None
) -> FunctionInfo | None:
    found = index.resolve(module, node, scope)
    if isinstance(found, FunctionInfo):
        return found
    owner = None if scope is None else scope.owner
    if owner is not None and isinstance(node, p.Attribute) and isinstance(node.value, p.Name):
        member = owner.find(node.name) if node.value.id == "self" else None
        return None if member is None else member[1].function
    return None


def imports(module: Module, framework: str) -> bool:
    bindings = (one for several in module.names.bindings.values() for one in several)
    return any(
        isinstance(one, ImportBinding) and not one.level and one.module.partition(".")[0] == framework
        for one in bindings
    )


# --- running them --------------------------------------------------------------------------------


def hooked(
    flow: Flow, state: State, hooks: Hooks, arguments: tuple[Value, ...], inside: Inside, at: Span
) -> list[Option]:
    """Run `inside` between the hooks; those that come afterwards do so whatever was raised."""
    outside = flow.frame
    options, exits = consumer_paths(flow, state.copy(), partial(run_all, flow, hooks.before, arguments, at))
    if not options:
        return inside(state)
    ended = pending(flow, exits, outside)
    for own, value in [one for before, _ in options for one in inside(before)]:
        left, own.pending = own.pending, None
        with flow.cleaning_up():
            after, exits = consumer_paths(flow, own, partial(run_all, flow, hooks.after, arguments, at))
        ended += pending(flow, exits, outside)
        for one, _ in after:
            if left is not None:
                one.pending = Outcome(left.kind, one, left.value, left.at, left.frame)
            ended.append((one, value))
    return ended


def run_themselves(flow: Flow, state: State, hooks: Hooks, arguments: tuple[Value, ...], at: Span) -> None:
    """A request that nobody answers: what a hook keeps, another takes up."""
    outside = flow.frame
    answered = hooked(flow, state, hooks, arguments, lambda own: [(own, NONE)], at)
    flow.meanings.ended(flow, outside, answered, [])


def run_all(
    flow: Flow, functions: tuple[FunctionInfo, ...], arguments: tuple[Value, ...], at: Span, state: State
) -> Value:
    for info in functions:
        receiver = receiver_of(flow, state, info)
        closure = () if info.parent is None else closed_over(flow, info.parent)
        room = len(info.header.parameters) - (receiver is not None)
        given = [*arguments, UNKNOWN, UNKNOWN][:room]
        answer = FunctionValue(info, closure, receiver).call(flow, state, Arguments(tuple(given)), at)
        if info.is_async:
            answer.awaited(flow, state, at)
    return NONE


def closed_over(flow: Flow, parent: FunctionInfo) -> tuple[int, ...]:
    """What the functions inside of an application factory close over."""
    enclosing = flow.enclosing
    if enclosing is not None and enclosing.function is parent:
        return (enclosing.id, *enclosing.closure)
    carrier = flow.remembered(("come to its end", parent), partial(_carrier, parent), UNKNOWN)
    return carrier.closure if isinstance(carrier, FunctionValue) else ()


def _carrier(parent: FunctionInfo, flow: Flow) -> Value:
    def act(state: State, frame: Frame) -> Value:
        return FunctionValue(parent, come_to_its_end(flow, state, parent))

    return flow.scopes.at_module(parent.module, act)


# --- what they share -----------------------------------------------------------------------------


def of_the_request(flow: Flow, state: State, note: str, make: Callable[[], Record]) -> Reference:
    """The one object of its kind that this root's request has, whoever asks; it holds what is kept on it."""
    known = flow.notes.get(note)
    if isinstance(known, Reference) and known.oid in state.heap:
        return known
    flow.touch()
    made = flow.notes[note] = flow.allocate(state, make())
    frame = flow.frame
    while frame.caller is not None:
        frame = frame.caller
    state.assign(frame.id, note, made)
    return made


class SharedRecord(Record, frozen=True):
    """An object of each request, on which anybody keeps what others of the same request find."""

    kept: dict[str, Value] = {}

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        if name in self.kept:
            return self.kept[name]
        return Method(me, name) if name in ("get", "pop", "setdefault") else UNKNOWN

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        return name in self.kept

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        return item.value in self.kept if isinstance(item, Constant) else None

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        state.put(me, replace(self, kept={**self.kept, name: value}))

    def delete_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> None:
        kept = {other: value for other, value in self.kept.items() if other != name}
        state.put(me, replace(self, kept=kept))

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        key, default = arguments.first, arguments.get(1, "default") or NONE
        if not isinstance(key, Constant) or not isinstance(key.value, str):
            return UNKNOWN
        found = self.kept.get(key.value, default)
        if name == "pop":
            self.delete_attribute(flow, state, me, key.value, at)
        elif name == "setdefault":
            self.set_attribute(flow, state, me, key.value, found, at)
        return found

    def joined(self, other: Record) -> Record:
        """Where it is read it was kept, on whichever path."""
        if not isinstance(other, type(self)):
            return FORGOTTEN
        both = self.kept.keys() & other.kept.keys()
        either = {name: join(self.kept[name], other.kept[name]) for name in both}
        return replace(self, kept={**self.kept, **other.kept, **either})

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(self.kept.values())
