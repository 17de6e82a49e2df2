"""What a class statement puts into its class: the bases' `__init_subclass__`, and the decorators.

`class Users(Repository, model=User)` has the `model` that the hook takes from the keyword, or from
`get_args(cls.__orig_bases__[0])`. The hook is run once for each class of which somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Reference, TupleValue, Value, join
from asyncsqla_lint.program import Expression, Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


NOTHING: Mapping[str, Value] = {}


class Defined(Record, frozen=True):
    """A class whose statement is being run: what is assigned to its attributes is seen."""

    cls: ClassValue
    given: dict[str, Value] = {}

    def class_info(self) -> ClassInfo | None:
        return self.cls.info

    def joined(self, other: Record) -> Record:
        if not isinstance(other, Defined) or other.cls != self.cls:
            return FORGOTTEN
        given = dict(self.given)
        for name, value in other.given.items():
            given[name] = join(given[name], value) if name in given else value
        return Defined(self.cls, given)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return self.given[name] if name in self.given else self.cls.attribute(flow, state, name, at)

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        state.put(me, Defined(self.cls, {**self.given, name: value}))

    def call(self, flow: Flow, state: State, me: Reference, arguments: Arguments, at: Span) -> Value:
        return self.cls.call(flow, state, arguments, at)


def given(flow: Flow, cls: ClassInfo, name: str) -> Value | None:
    """What the nearest class statement that does so puts under that name, before any body that says it."""
    for ancestor, functions in _givers(cls):
        for function in functions:
            function.consult()
        if any(name in function.header.mentions for function in functions):
            if any(name in one.members for one in cls.ancestors[: cls.ancestors.index(ancestor)]):
                return None
            known = flow.remembered((given, ancestor), partial(_given, ancestor), NOTHING)
            value = known.get(name, UNKNOWN)
            if value is not UNKNOWN:
                return value
    return None


def _givers(cls: ClassInfo) -> tuple[tuple[ClassInfo, tuple[FunctionInfo, ...]], ...]:
    """The ancestors whose class statements run code of the project, with the functions that they run."""

    def find() -> tuple[tuple[ClassInfo, tuple[FunctionInfo, ...]], ...]:
        running = ((one, (*_hook(one), *(made for _, made in _decorators(one)))) for one in cls.ancestors)
        return tuple((one, functions) for one, functions in running if functions)

    return kept(cls, "givers", find)


def _hook(cls: ClassInfo) -> tuple[FunctionInfo, ...]:
    found = cls.find_after(cls, "__init_subclass__") if cls.definition.bases else None
    return () if found is None or found[1].function is None else (found[1].function,)


def _decorators(cls: ClassInfo) -> tuple[tuple[Expression, FunctionInfo], ...]:
    pairs = zip(cls.definition.decorators, cls.decorators, strict=True)
    return tuple((node, symbol) for node, symbol in pairs if isinstance(symbol, FunctionInfo))


def _given(cls: ClassInfo, flow: Flow) -> Mapping[str, Value]:
    """All that the class statement puts on the class."""
    found: dict[str, Value] = {}
    # What else it does, it does where the class statement itself is run.
    flow.scopes.at_module(cls.module, partial(_run, flow, cls, found), is_told=False)
    return found


def _run(flow: Flow, cls: ClassInfo, found: dict[str, Value], state: State, frame: Frame) -> Value:
    made = ClassValue(cls)
    me = flow.allocate(state, Defined(made))
    for hook in _hook(cls):
        hook.consult()
        words = {word.name: flow.evaluate(state, word.value) for word in cls.definition.keywords if word.name}
        run_function(flow, state, FunctionValue(hook, (), me), Arguments((), words), cls.span)
    for node, decorator in _decorators(cls):
        decorator.consult()
        flow.evaluate(state, node).call(flow, state, Arguments((me,)), node.span)
    record = state.record(me.oid)
    if isinstance(record, Defined):
        found.update((name, made if value == me else value) for name, value in record.given.items())
    return NONE


def written_bases(flow: Flow, state: State, cls: ClassValue) -> Value:
    """`__orig_bases__`: the bases as the nearest class statement that subscripts one writes them."""
    for one in cls.info.ancestors:
        if any(base.arguments for base in one.bases):
            types = (flow.index.type(base.where) for base in one.bases)
            return TupleValue(tuple(flow.types.class_of(type_, state, cls) for type_ in types))
    return UNKNOWN
