"""Abstract values: what the interpreter knows of a Python object.

A value is immutable and answers a small protocol (attribute, call, await, iterate, enter, …). What changes
over time lives in the heap (`state.Record`) behind a `Reference`. `semantics` adds values and records of its
own; this floor knows only Python. Whatever is not known is `UNKNOWN`: it answers everything with `UNKNOWN`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from asyncsqla_lint.program import Scalar, Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.records import Record
    from asyncsqla_lint.flow.state import State

MOST_ALTERNATIVES = 5
MOST_UNROLLED = 8
MOST_NAMES = 40


class Arguments(Struct, frozen=True):
    """The arguments of one call. `more` is what an unknown `*args` or `**kwargs` might hold."""

    positional: tuple[Value, ...] = ()
    keywords: dict[str, Value] = {}
    more: Value | None = None
    more_keywords: Value | None = None

    @property
    def first(self) -> Value:
        return self.positional[0] if self.positional else self.more or UNKNOWN

    def get(self, position: int, name: str) -> Value | None:
        if name in self.keywords:
            return self.keywords[name]
        if 0 <= position < len(self.positional):
            return self.positional[position]
        return None

    def all(self) -> list[Value]:
        found = [*self.positional, *self.keywords.values()]
        found.extend(value for value in (self.more, self.more_keywords) if value is not None)
        return found

    def prepended(self, *values: Value) -> Arguments:
        return Arguments((*values, *self.positional), self.keywords, self.more, self.more_keywords)


class Iteration(Struct, frozen=True):
    """What a loop over a value meets: each known item, or one element that stands for all."""

    items: tuple[Value, ...] | None = None
    element: Value | None = None
    may_be_empty: bool = True

    def one(self) -> Value | None:
        """Any of them, as one value; None: there is none."""
        if self.items is not None:
            return union(self.items) if self.items else None
        return self.element


class Value(Struct, frozen=True):
    """The protocol. The defaults are those of an object about which nothing is known."""

    is_leaf: ClassVar[bool] = False  # of the floors above, and leads nowhere: see `flow.closed`

    def truth(self, state: State) -> bool | None:
        return None

    def is_something(self, state: State) -> bool:
        """Certainly not `None`."""
        return self.truth(state) is True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return UNKNOWN

    def has_attribute(self, flow: Flow, state: State, name: str, at: Span) -> bool | None:
        return None

    def is_step(self, state: State) -> bool:
        return False

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        if flow.watched:
            flow.meanings.kept_elsewhere(flow, state, value)
            state.let_out((value,))

    def delete_attribute(self, flow: Flow, state: State, name: str, at: Span) -> None:
        return None

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.call_unknown(state, self, arguments, at)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return flow.call_unknown(state, self, arguments, at)

    def likeness(self) -> object | None:
        """What calls of it give depends on this alone, wherever it was made; None: on more."""
        return None

    def is_external(self, name: str) -> bool | None:
        """Is this an instance of a class that is not the project's?"""
        return None

    def told_by(self) -> str | None:
        """What a test may tell it from others by, beside its truth."""
        return None

    def is_callable(self) -> bool | None:
        return None

    def identity(self) -> tuple[str, int] | None:
        """What tells this object from all others, where that is known: keys and `id()` go by it."""
        return None

    def await_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        """What awaiting the coroutine of a method call gives (the call itself gave a coroutine)."""
        return UNKNOWN

    def as_default(self, flow: Flow, state: State, at: Span) -> Value:
        """What a parameter holds whose default this is."""
        return self

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return UNKNOWN

    def only_adds(self, state: State) -> bool:
        """Awaiting it makes an object know more than before, and does nothing else."""
        return False

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        """`self operator other`; None: nothing special."""
        return None

    def tested_for(self, flow: Flow, state: State, item: Value, holds: bool) -> Value | None:
        """`item in self` (`not in`, unless it holds) as a value; None: nothing special."""
        return None

    def assumed(self, flow: Flow, state: State, holds: bool) -> None:
        """A test of this value has come out so."""

    def operated(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        return None

    def drawn(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        """`next(…)` takes one element, and leaves the rest."""
        return self.iterate(flow, state, at, is_async)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return Iteration(element=UNKNOWN)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return UNKNOWN

    def set_item(self, flow: Flow, state: State, key: Value, value: Value, at: Span) -> None:
        if flow.watched:
            flow.meanings.kept_elsewhere(flow, state, value)
            state.let_out((value,))

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        return None

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return UNKNOWN

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        """Run the exit of a with block; does it swallow the exception? None: perhaps."""
        return False

    def formatted(self, flow: Flow, state: State, at: Span, specification: Value | None = None) -> Value:
        """`str(value)`; with a specification, which is empty in a plain `{value}`, `format(value, …)`."""
        return self.represented(flow, state, at)

    def represented(self, flow: Flow, state: State, at: Span) -> Value:
        """`repr(value)`."""
        return UNKNOWN

    def individual(self, flow: Flow, state: State, turn: int) -> Value:
        """One element out of those that this value stands for, to which a loop comes in its turn."""
        return self

    def set_apart(self, state: State) -> tuple[Value, ...]:
        """Of the elements that this value stands for, those that are known by themselves."""
        return ()

    def refers_to(self, state: State) -> tuple[Value, ...]:
        """The values that can be reached in one step."""
        return ()


class Unknown(Value, frozen=True):
    pass


UNKNOWN: Value = Unknown()


class UnknownCall(Value, frozen=True):
    """What an unknown callable returned for these arguments; if it is awaited, it may have changed them."""

    touched: tuple[Value, ...]

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        for oid in sorted(state.reachable(self.touched)):
            reference = Reference(oid)
            state.record(oid).forget(flow, state, reference)
        return UNKNOWN


class Symbol(Value, frozen=True):
    """Unknown, but the same unknown wherever it appears: a parameter, a column read, `payload.user_id`."""

    name: str

    @classmethod
    def of_row(cls, number: int, name: str) -> Symbol:
        """What a row has in a column: of the object, or the place, that has the number."""
        return cls(f"{number}.{name}")

    @property
    def is_of_row(self) -> bool:
        """Made by `of_row`: which row it is depends on it. (Other names begin as Python's do.)"""
        return self.name[:1].isdigit()

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Symbol(f"{self.name}.{name}") if len(self.name) < 80 else UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.call_unknown(state, self, arguments, at)


class EachSymbol(Symbol, frozen=True):
    """What each of many rows has in a column, one another than the next."""

    def individual(self, flow: Flow, state: State, turn: int) -> Value:
        return Symbol(f"{self.name} {turn}")


class Member(Value, frozen=True):
    """`request["shop"].id`: of what is unknown, the attribute of that name."""

    name: str


class Constant(Value, frozen=True):
    value: Scalar

    def truth(self, state: State) -> bool | None:
        return bool(self.value)

    def told_by(self) -> str | None:
        return repr(self.value)

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "value":
            return self  # a member of an Enum: it is kept as what it stands for
        if isinstance(self.value, str):
            return Method(self, name)
        return UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return UNKNOWN

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return flow.call_text(state, self, name, arguments, at)

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        if isinstance(self.value, str) and isinstance(item, Constant) and isinstance(item.value, str):
            return item.value in self.value
        return None

    def formatted(self, flow: Flow, state: State, at: Span, specification: Value | None = None) -> Value:
        return Constant(str(self.value)) if specification in (None, EMPTY) else UNKNOWN

    def represented(self, flow: Flow, state: State, at: Span) -> Value:
        return Constant(repr(self.value))


NONE = Constant(None)
EMPTY = Constant("")
TRUE = Constant(True)
FALSE = Constant(False)


_SCHEME = re.compile(r"[\w+.-]+://")
_OF_SCHEMES = re.compile(r"\+\w+(://)?|[\w+.-]+://")


class Text(Value, frozen=True):
    """A string of which parts are known: None stands for an unknown part."""

    parts: tuple[str | None, ...]

    def is_something(self, state: State) -> bool:
        return True  # an empty text is one, too

    def truth(self, state: State) -> bool | None:
        return True if any(self.parts) else None

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return flow.call_text(state, self, name, arguments, at)

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        sought = item.value if isinstance(item, Constant) else None
        if not isinstance(sought, str):
            return None
        if any(sought in part for part in self.parts if part is not None):
            return True
        # `"+aiosqlite" in url`: where the scheme is written out, what is not known holds no other driver.
        is_url = self.parts[0] is not None and _SCHEME.match(self.parts[0]) is not None
        return False if is_url and _OF_SCHEMES.fullmatch(sought) else None

    def formatted(self, flow: Flow, state: State, at: Span, specification: Value | None = None) -> Value:
        return self if specification in (None, EMPTY) else UNKNOWN


class Method(Value, frozen=True):
    """A bound method that is not the project's own: its receiver knows what calling it means."""

    receiver: Value
    name: str

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return self.receiver.call_method(flow, state, self.name, arguments, at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.receiver,)


class TupleValue(Value, frozen=True):
    elements: tuple[Value, ...]

    def truth(self, state: State) -> bool | None:
        return bool(self.elements)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return Iteration(items=self.elements, may_be_empty=not self.elements)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        if isinstance(key, Constant) and isinstance(key.value, int):
            if -len(self.elements) <= key.value < len(self.elements):
                return self.elements[key.value]
            return UNKNOWN
        return union(self.elements)

    def represented(self, flow: Flow, state: State, at: Span) -> Value:
        for one in self.elements:
            one.represented(flow, state, at)
        return UNKNOWN

    def individual(self, flow: Flow, state: State, turn: int) -> Value:
        several = [
            one for one in self.elements if isinstance(one, Reference) and one.record(state).is_one_for_many()
        ]
        if len(several) != 1:  # (of two, one may lead to the other)
            return self
        return TupleValue(
            tuple(one.individual(flow, state, turn) if one in several else one for one in self.elements)
        )

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return self.elements


class Reference(Value, frozen=True):
    """A name for one record of the heap; every answer is the record's."""

    oid: int

    def record(self, state: State) -> Record:
        return state.record(self.oid)

    def truth(self, state: State) -> bool | None:
        found = state.record(self.oid).truth(state)
        return self._not_yet(state) if found is False else found

    def _not_yet(self, state: State) -> bool | None:
        """A table that was there when the root began may have been filled by then."""
        record = state.record(self.oid)
        return None if record.grows and state.base.get(self.oid) == record else False

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return state.record(self.oid).attribute(flow, state, self, name, at)

    def has_attribute(self, flow: Flow, state: State, name: str, at: Span) -> bool | None:
        return state.record(self.oid).has_attribute(flow, state, self, name, at)

    def is_step(self, state: State) -> bool:
        return state.record(self.oid).is_step()

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        state.record(self.oid).set_attribute(flow, state, self, name, value, at)

    def delete_attribute(self, flow: Flow, state: State, name: str, at: Span) -> None:
        state.record(self.oid).delete_attribute(flow, state, self, name, at)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return state.record(self.oid).call(flow, state, self, arguments, at)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return state.record(self.oid).call_method(flow, state, self, name, arguments, at)

    def await_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return state.record(self.oid).await_method(flow, state, self, name, arguments, at)

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return state.record(self.oid).awaited(flow, state, self, at)

    def only_adds(self, state: State) -> bool:
        return state.record(self.oid).only_adds(state)

    def drawn(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return state.record(self.oid).drawn(flow, state, self, at, is_async)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return state.record(self.oid).iterate(flow, state, self, at, is_async)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return state.record(self.oid).item(flow, state, self, key, at)

    def set_item(self, flow: Flow, state: State, key: Value, value: Value, at: Span) -> None:
        state.record(self.oid).set_item(flow, state, self, key, value, at)

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        return state.record(self.oid).compared(flow, state, self, operator, other, at)

    def operated(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        return state.record(self.oid).operated(flow, state, self, operator, other, at)

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        found = state.record(self.oid).contains(flow, state, self, item, at)
        return self._not_yet(state) if found is False else found

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return state.record(self.oid).enter(flow, state, self, at, is_async)

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        return state.record(self.oid).leave(flow, state, self, at, is_async, raised)

    def formatted(self, flow: Flow, state: State, at: Span, specification: Value | None = None) -> Value:
        return state.record(self.oid).formatted(flow, state, self, at, specification)

    def represented(self, flow: Flow, state: State, at: Span) -> Value:
        return state.record(self.oid).represented(flow, state, self, at)

    def individual(self, flow: Flow, state: State, turn: int) -> Value:
        return state.record(self.oid).individual(flow, state, self)

    def set_apart(self, state: State) -> tuple[Value, ...]:
        return state.record(self.oid).set_apart()

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return state.record(self.oid).refers_to()


class Union(Value, frozen=True):
    """One of several, as different paths left it. Built by `union` only: flat, distinct, at least two."""

    alternatives: tuple[Value, ...]

    def truth(self, state: State) -> bool | None:
        answers = {value.truth(state) for value in self.alternatives}
        return answers.pop() if len(answers) == 1 else None

    def is_step(self, state: State) -> bool:
        return any(value.is_step(state) for value in self.alternatives)

    def without(self, *unwanted: Value) -> Value:
        return union(tuple(value for value in self.alternatives if value not in unwanted))

    def _usable(self) -> tuple[Value, ...]:
        """`None` answers nothing: the program would stop there, so the others go on."""
        return tuple(value for value in self.alternatives if value != NONE)

    def _having(self, flow: Flow, state: State, name: str, at: Span) -> tuple[Value, ...]:
        """Those that have the attribute, where some do: which of them it is the program knows, not we."""
        usable = self._usable()
        if len(usable) > 1:
            with flow.silently():
                answers = [value.has_attribute(flow, state, name, at) for value in usable]
            if True in answers and False in answers:
                having = zip(usable, answers, strict=True)
                return tuple(value for value, answer in having if answer is not False)
        return usable

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        usable = self._having(flow, state, name, at)
        with flow.hedged(len(usable) > 1 or len(usable) < len(self._usable())):
            return union(tuple(value.attribute(flow, state, name, at) for value in usable))

    def has_attribute(self, flow: Flow, state: State, name: str, at: Span) -> bool | None:
        with flow.hedged(True):
            answers = {value.has_attribute(flow, state, name, at) for value in self.alternatives}
        return answers.pop() if len(answers) == 1 else None

    def set_attribute(self, flow: Flow, state: State, name: str, value: Value, at: Span) -> None:
        for alternative in self._usable():
            alternative.set_attribute(flow, state, name, value, at)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return flow.alternatives(
            state, _unlike(self._usable()), lambda value, at_state: value.call(flow, at_state, arguments, at)
        )

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        usable = self._having(flow, state, name, at)
        return flow.alternatives(
            state, usable, lambda value, own: value.call_method(flow, own, name, arguments, at)
        )

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        usable = self._usable()
        if all(value.only_adds(state) for value in usable):  # a path that has one does not mind the others
            with flow.hedged(len(usable) > 1):
                return union(tuple(value.awaited(flow, state, at) for value in usable))
        return flow.alternatives(state, usable, lambda value, own: value.awaited(flow, own, at))

    def drawn(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return self._each(flow, lambda one: one.drawn(flow, state, at, is_async))

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        if not self._is_of_one(state):
            return self._each(flow, lambda one: one.iterate(flow, state, at, is_async))
        found: dict[Value, Iteration] = {}

        def go_over(one: Value, own: State) -> Value:
            found[one] = one.iterate(flow, own, at, is_async)
            return NONE

        flow.alternatives(state, self._usable(), go_over)
        return self._each(flow, lambda one: found.get(one, Iteration(element=None)))

    def _is_of_one(self, state: State) -> bool:
        """`result.scalars() if plain else result.mappings()`: the second is not gone over after the first."""
        below = [state.record(one.oid).refers_to() for one in self.alternatives if isinstance(one, Reference)]
        return any(
            one in other for number, first in enumerate(below) for one in first for other in below[:number]
        )

    def _each(self, flow: Flow, iterated: Callable[[Value], Iteration]) -> Iteration:
        found: list[Value] = []
        usable = self._usable()
        with flow.hedged(len(usable) > 1):
            for iteration in map(iterated, usable):
                found.extend(iteration.items or ())
                if iteration.element is not None:
                    found.append(iteration.element)
        return Iteration(element=union(tuple(found)) if found else None)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        usable = self._usable()
        with flow.hedged(len(usable) > 1):
            return union(tuple(value.item(flow, state, key, at) for value in usable))

    def set_item(self, flow: Flow, state: State, key: Value, value: Value, at: Span) -> None:
        for alternative in self._usable():
            alternative.set_item(flow, state, key, value, at)

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        usable = self._usable()
        with flow.hedged(len(usable) > 1):
            answers = {value.contains(flow, state, item, at) for value in usable}
        return answers.pop() if len(answers) == 1 else None

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        usable = self._usable()
        return flow.alternatives(state, usable, lambda value, own: value.enter(flow, own, at, is_async))

    def leave(self, flow: Flow, state: State, at: Span, is_async: bool, raised: bool) -> bool | None:
        answers = {value.leave(flow, state, at, is_async, raised) for value in self._usable()}
        return answers.pop() if len(answers) == 1 else None

    def formatted(self, flow: Flow, state: State, at: Span, specification: Value | None = None) -> Value:
        with flow.hedged(True):
            return union(
                tuple(value.formatted(flow, state, at, specification) for value in self.alternatives)
            )

    def represented(self, flow: Flow, state: State, at: Span) -> Value:
        with flow.hedged(True):
            return union(tuple(value.represented(flow, state, at) for value in self.alternatives))

    def individual(self, flow: Flow, state: State, turn: int) -> Value:
        return union(tuple(value.individual(flow, state, turn) for value in self.alternatives))

    def set_apart(self, state: State) -> tuple[Value, ...]:
        first, *others = (value.set_apart(state) for value in self.alternatives)
        return tuple(one for one in first if all(one in other for other in others))

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return self.alternatives


def _unlike(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Of those whose calls give the same, the first."""
    found: dict[object, Value] = {}
    for number, value in enumerate(values):
        likeness = value.likeness()
        found.setdefault(number if likeness is None else likeness, value)
    return tuple(found.values())


def union(values: tuple[Value, ...]) -> Value:
    """The join of values. What exceeds the bound is forgotten, and Symbols, unless all are of rows."""
    flat: list[Value] = []
    for value in values:
        for alternative in value.alternatives if isinstance(value, Union) else (value,):
            if alternative not in flat:
                flat.append(alternative)
    if len(flat) == 1:
        return flat[0]
    if not flat:
        return UNKNOWN
    if any(isinstance(value, Symbol) for value in flat):
        if len(flat) <= MOST_ALTERNATIVES and all(isinstance(one, Symbol) and one.is_of_row for one in flat):
            return Union(tuple(flat))
        flat = [value for value in flat if not isinstance(value, Symbol)]
        if UNKNOWN not in flat:
            flat.append(UNKNOWN)
        if len(flat) == 1:
            return UNKNOWN
    if len(flat) > MOST_ALTERNATIVES:
        constants = [value for value in flat if isinstance(value, (Constant, Text)) and value != NONE]
        if constants:
            flat = [value for value in flat if value not in constants]
            if UNKNOWN not in flat:
                flat.append(UNKNOWN)
        if len(flat) > 3 * MOST_ALTERNATIVES:
            return UNKNOWN
        if len(flat) == 1:
            return flat[0]
    return Union(tuple(flat))


def is_short(items: tuple[Value, ...]) -> bool:
    """Few enough to be taken one by one; names of fields may be more."""
    return len(items) <= MOST_UNROLLED or (
        len(items) <= MOST_NAMES and not any(isinstance(one, Reference) for one in items)
    )


def join(first: Value, second: Value) -> Value:
    if first is second or first == second:
        return first
    return union((first, second))


def alternatives(value: Value) -> tuple[Value, ...]:
    return value.alternatives if isinstance(value, Union) else (value,)
