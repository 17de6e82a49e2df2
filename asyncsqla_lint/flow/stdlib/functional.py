"""`functools`, `operator`, and other functions that make functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import Decorated, FunctionValue, Partial, PartialMethod
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, TupleValue, Value
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def _partial(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    if not arguments.positional:
        return UNKNOWN
    rest = Arguments(arguments.positional[1:], arguments.keywords, arguments.more, arguments.more_keywords)
    return Partial(arguments.positional[0], rest, flow.site(at))


def _partial_method(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    made = _partial(flow, state, arguments, at)
    return PartialMethod(made) if isinstance(made, Partial) else UNKNOWN


class Keeps(Value, frozen=True):
    """A decorator that gives back what it is given (`functools.wraps(f)`), or marks it as `kind`."""

    kind: str = ""

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        value = arguments.first
        return Decorated(self.kind, value) if self.kind and isinstance(value, FunctionValue) else value


def _wraps(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Keeps()


def _update_wrapper(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return arguments.get(0, "wrapper") or UNKNOWN


def _context_manager(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = arguments.first
    return Decorated("contextmanager", value) if isinstance(value, FunctionValue) else value


def _cached(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    value = arguments.first
    if isinstance(value, FunctionValue):
        return Decorated("cached", value)
    return Keeps("cached")


def _attrgetter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    names = [one.value for one in arguments.positional if isinstance(one, Constant)]
    return Getter(tuple(name for name in names if isinstance(name, str)))


def _itemgetter(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return ItemGetter(arguments.positional)


class ItemGetter(Value, frozen=True):
    """`operator.itemgetter(0)`."""

    keys: tuple[Value, ...]

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        found = tuple(arguments.first.item(flow, state, key, at) for key in self.keys)
        return found[0] if len(found) == 1 else TupleValue(found)


def _methodcaller(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    name, rest = arguments.first, Arguments(arguments.positional[1:], arguments.keywords)
    if isinstance(name, Constant) and isinstance(name.value, str):
        return MethodCaller(name.value, rest)
    return UNKNOWN


class MethodCaller(Value, frozen=True):
    """`operator.methodcaller("as_json")`."""

    name: str
    arguments: Arguments

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return arguments.first.attribute(flow, state, self.name, at).call(flow, state, self.arguments, at)


class Getter(Value, frozen=True):
    """`operator.attrgetter("a.b")`."""

    names: tuple[str, ...]

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        found: list[Value] = []
        for path in self.names:
            value = arguments.first
            for name in path.split("."):
                value = value.attribute(flow, state, name, at)
            found.append(value)
        return found[0] if len(found) == 1 else TupleValue(tuple(found))


def register(meanings: Meanings) -> None:
    meanings.learn(MEANINGS)


MEANINGS = {
    "functools.partial": _partial,
    "functools.partialmethod": _partial_method,
    "functools.wraps": _wraps,
    "functools.update_wrapper": _update_wrapper,
    "contextlib.asynccontextmanager contextlib.contextmanager": _context_manager,
    "functools.lru_cache functools.cache async_lru.alru_cache": _cached,
    "operator.attrgetter": _attrgetter,
    "operator.itemgetter": _itemgetter,
    "operator.methodcaller": _methodcaller,
}
