"""SQL expressions as values: `User.posts`, aliases, and the criteria of a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Method, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class Criterion(Value, frozen=True):
    """A condition. `equalities` are those that must hold: (class, attribute, value)."""

    equalities: tuple[tuple[ClassInfo | None, str, Value], ...] = ()

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return SQL

    def is_something(self, state: State) -> bool:
        return True

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        return None if operator in ("is", "is not") else SQL

    def operated(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        if operator == "&" and isinstance(other, Criterion):
            return Criterion(self.equalities + other.equalities)
        return SQL


SQL = Criterion()


class Computed(Criterion, frozen=True):
    """`Stock.amount - 1`: arithmetic that an UPDATE also does in Python, on the objects that it meets."""

    def operated(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        return computed(operator, other)


COMPUTED = Computed()


def computed(operator: str, other: Value) -> Value:
    if operator in ("+", "-", "*") and (
        isinstance(other, (AttributeValue, Computed)) or not isinstance(other, Criterion)
    ):
        return COMPUTED
    return SQL


class AttributeValue(Value, frozen=True):
    """A mapped attribute read from its class: `User.posts`, `aliased_user.name`."""

    cls: ClassInfo
    name: str
    alias: int = 0
    of_type: tuple[ClassInfo, ...] = ()
    of_alias: bool = False  # …and these by an alias, such as `with_polymorphic` gives

    def truth(self, state: State) -> bool | None:
        return None

    def is_something(self, state: State) -> bool:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in ("key", "name"):
            from asyncsqla_lint.flow.values import Constant

            return Constant(self.name)
        if name in ("property", "prop", "mapper", "entity"):
            from asyncsqla_lint.semantics.mappers import property_of

            found = property_of(flow.index.model(self.cls), self.name)
            return found if name in ("property", "prop") else found.attribute(flow, state, name, at)
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "of_type" and arguments.positional:
            target = arguments.positional[0]
            if isinstance(target, ClassValue):
                return AttributeValue(self.cls, self.name, self.alias, (target.info,))
            if isinstance(target, AliasValue):  # of `with_polymorphic` too: its subclasses come along
                classes = (target.cls, *target.subclasses)
                return AttributeValue(self.cls, self.name, self.alias, classes, True)
            return self
        if name in ("and_", "label", "asc", "desc"):
            return self
        if name == "is_" and arguments.positional:
            return Criterion(((self.cls, self.name, arguments.positional[0]),))
        return SQL

    def compared(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        if operator == "==":
            if isinstance(other, AttributeValue):
                return SQL
            return Criterion(((self.cls, self.name, other),))
        if operator in ("in", "not in", "is", "is not"):
            return None
        return SQL

    def operated(self, flow: Flow, state: State, operator: str, other: Value, at: Span) -> Value | None:
        return computed(operator, other)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return SQL


class AliasValue(Value, frozen=True):
    """`aliased(User)`, `with_polymorphic(Animal, [Dog])`."""

    cls: ClassInfo
    number: int
    subclasses: tuple[ClassInfo, ...] = ()
    label: str | None = None

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        for cls in self.subclasses:
            if cls.name == name:
                return AliasValue(cls, self.number)
        value = flow.class_attribute(state, ClassValue(self.cls), name, at)
        if isinstance(value, AttributeValue):
            return AttributeValue(value.cls, value.name, self.number)
        return UNKNOWN
