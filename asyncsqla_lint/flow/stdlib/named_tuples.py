"""`Point = namedtuple("Point", "x y")`: a class that a call makes, and its tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, TupleValue, Value
from asyncsqla_lint.program import Scalar, Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class NamedTupleClass(Value, frozen=True):
    names: tuple[str, ...]

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "_fields":
            return TupleValue(tuple(map(Constant, self.names)))
        return Method(self, name)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        if arguments.more is not None or len(arguments.positional) > len(self.names):
            return UNKNOWN
        given = dict(zip(self.names, arguments.positional, strict=False)) | arguments.keywords
        return NamedTuple(tuple(given.get(name, UNKNOWN) for name in self.names), self.names)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name != "_make":
            return UNKNOWN
        items = arguments.first.iterate(flow, state, at, False).items
        return UNKNOWN if items is None else self.call(flow, state, Arguments(items), at)


class NamedTuple(TupleValue, frozen=True):
    names: tuple[str, ...]

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in self.names:
            return self.elements[self.names.index(name)]
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        known = dict(zip(self.names, self.elements, strict=True))
        if name == "_replace":
            return NamedTuple(tuple((known | arguments.keywords).values()), self.names)
        entries: dict[Scalar, Value] = dict(known.items())
        return flow.allocate(state, DictRecord(entries)) if name == "_asdict" else UNKNOWN


def _class(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    """The names are a list of them or one string; `typing.NamedTuple` wants pairs."""
    fields = arguments.get(1, "field_names") or UNKNOWN
    if isinstance(fields, Constant) and isinstance(fields.value, str):
        return NamedTupleClass(tuple(fields.value.replace(",", " ").split()))
    found = [
        one.elements[0] if isinstance(one, TupleValue) and one.elements else one
        for one in fields.iterate(flow, state, at, False).items or ()
    ]
    names = tuple(one.value for one in found if isinstance(one, Constant) and isinstance(one.value, str))
    return NamedTupleClass(names) if names and len(names) == len(found) else UNKNOWN


def register(meanings: Meanings) -> None:
    meanings.learn({"collections.namedtuple typing.NamedTuple": _class})
