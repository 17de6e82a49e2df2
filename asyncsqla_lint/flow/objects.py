"""Records of instances of the project's classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow import operators
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import item_name
from asyncsqla_lint.flow.records import FORGOTTEN, Record
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
    join,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class ObjectRecord(Record, frozen=True):
    """An instance of a class of the project. Attributes that are not set are looked up in the class."""

    cls: ClassValue
    attributes: dict[str, Value] = {}
    is_open: bool = False  # attributes may have been set that we do not know of
    held: tuple[Value, ...] = ()  # it may hold these, under whatever name

    def class_info(self) -> ClassInfo | None:
        return self.cls.info

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ObjectRecord) or other.cls != self.cls:
            return FORGOTTEN
        attributes = dict(self.attributes)
        for name, value in other.attributes.items():
            attributes[name] = join(attributes[name], value) if name in attributes else value
        held = self.held + tuple(one for one in other.held if one not in self.held)
        return replace(self, attributes=attributes, is_open=self.is_open or other.is_open, held=held)

    def may_hold(self, flow: Flow, state: State, me: Reference, values: tuple[Value, ...]) -> None:
        known = (me, *self.attributes.values(), *self.held)
        more = tuple(one for one in values if one.refers_to(state) and one not in known)
        if more:
            state.put(me, replace(self, held=self.held + more))

    def replaced(self, arguments: Arguments) -> ObjectRecord:
        """A copy with other values in some fields."""
        return replace(self, attributes={**self.attributes, **arguments.keywords})

    def parts(self) -> tuple[tuple[str, Value], ...]:
        if self.is_open or self.cls.info.kind not in ("dataclass", "attrs", "pydantic", "namedtuple"):
            return ()
        return tuple(sorted(self.attributes.items(), key=lambda item: item[0]))

    def truth(self, state: State) -> bool | None:
        if self.cls.info.find("__bool__") or self.cls.info.find("__len__"):
            return None
        return True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        from asyncsqla_lint.flow.classes import object_attribute

        if name == "_replace" and self.cls.info.kind == "namedtuple":
            return Method(me, name)
        if name in ("get", "pop", "setdefault") and self.cls.info.kind == "typeddict":
            return Method(me, name)
        return object_attribute(flow, state, me, self, name, at)

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        if name in self.attributes or self.cls.info.find(name) is not None:
            return True
        return None

    def set_attribute(
        self, flow: Flow, state: State, me: Reference, name: str, value: Value, at: Span
    ) -> None:
        found = self.cls.info.find(name)
        if found is not None and found[1].kind == "property":
            from asyncsqla_lint.flow.classes import set_property

            set_property(flow, state, me, self.cls, name, value, at)
            return
        if found is not None and found[1].value is not None:
            from asyncsqla_lint.flow.descriptors import set_on

            if set_on(flow, state, me, self.cls, found, value, at):
                return
        state.put(me, replace(self, attributes={**self.attributes, name: value}))

    def delete_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> None:
        if name in self.attributes:
            rest = {key: value for key, value in self.attributes.items() if key != name}
            state.put(me, replace(self, attributes=rest))

    def call(self, flow: Flow, state: State, me: Reference, arguments: Arguments, at: Span) -> Value:
        return self._special(flow, state, me, "__call__", arguments, at)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "_replace":
            return flow.allocate(state, self.replaced(arguments))
        if self.cls.info.kind == "typeddict":
            return self.item(flow, state, me, arguments.first, at)
        return super().call_method(flow, state, me, name, arguments, at)

    def _special(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if self.cls.info.find(name) is None:
            return flow.call_unknown(state, me, arguments, at)
        return me.attribute(flow, state, name, at).call(flow, state, arguments, at)

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        if self.cls.info.find("__await__") is None:
            return UNKNOWN
        made = me.attribute(flow, state, "__await__", at).call(flow, state, Arguments(), at)
        return UNKNOWN if made == me else made.awaited(flow, state, at)

    def _row(self) -> tuple[Value, ...]:
        """A named tuple's elements."""
        if self.cls.info.kind != "namedtuple":
            return ()
        return tuple(self.attributes.get(name, UNKNOWN) for name in self.cls.info.fields)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        if row := self._row():
            return Iteration(items=row, may_be_empty=False)
        name = "__aiter__" if is_async else "__iter__"
        if self.cls.info.find(name) is not None:
            result = me.attribute(flow, state, name, at).call(flow, state, Arguments(), at)
            if result != me:
                return result.iterate(flow, state, at, is_async)
        name = "__anext__" if is_async else "__next__"
        if self.cls.info.find(name) is not None:
            result = me.attribute(flow, state, name, at).call(flow, state, Arguments(), at)
            return Iteration(element=result.awaited(flow, state, at) if is_async else result)
        return Iteration(element=UNKNOWN)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        row = self._row()
        if row and isinstance(key, Constant):
            return TupleValue(row).item(flow, state, key, at)
        if self.cls.info.find("__getitem__") is None and isinstance(key, Constant):
            found = self.attributes.get(item_name(key.value))
            if found is None and self.cls.info.kind == "typeddict" and isinstance(key.value, str):
                return me.attribute(flow, state, key.value, at)  # what its annotation promises
            return UNKNOWN if found is None else found
        return self._special(flow, state, me, "__getitem__", Arguments((key,)), at)

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        if self.cls.info.find("__setitem__") is None and isinstance(key, Constant):
            state.put(me, replace(self, attributes={**self.attributes, item_name(key.value): value}))
            return
        self._special(flow, state, me, "__setitem__", Arguments((key, value)), at)

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        if self.cls.info.find("__contains__") is None:
            return None
        return self._special(flow, state, me, "__contains__", Arguments((item,)), at).truth(state)

    def length(self, flow: Flow, state: State, me: Reference, at: Span) -> None:
        if self.cls.info.find("__len__") is not None:
            self._special(flow, state, me, "__len__", Arguments(), at)

    def _method(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value | None:
        """Its own, or what it has from a base outside of the project, if that is known."""
        if self.cls.info.find(name) is None:
            return flow.meanings.inherited_attribute(flow, state, me, self.cls, name, at)
        return me.attribute(flow, state, name, at)

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        method = self._method(flow, state, me, "__aenter__" if is_async else "__enter__", at)
        if method is None:
            return UNKNOWN
        result = method.call(flow, state, Arguments(), at)
        return result.awaited(flow, state, at) if is_async else result

    def leave(
        self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool
    ) -> bool | None:
        method = self._method(flow, state, me, "__aexit__" if is_async else "__exit__", at)
        if method is None:
            return False
        given = (UNKNOWN_EXCEPTION, UNKNOWN, UNKNOWN) if raised else (NONE, NONE, NONE)
        result = method.call(flow, state, Arguments(given), at)
        if is_async:
            result = result.awaited(flow, state, at)
        return result.truth(state)

    def compared(
        self, flow: Flow, state: State, me: Reference, operator: str, other: Value, at: Span
    ) -> Value | None:
        return operators.operated(flow, state, me, operator, other, at)

    def operated(
        self, flow: Flow, state: State, me: Reference, operator: str, other: Value, at: Span
    ) -> Value | None:
        return operators.operated(flow, state, me, operator, other, at)

    def formatted(
        self, flow: Flow, state: State, me: Reference, at: Span, specification: Value | None = None
    ) -> Value:
        if specification is not None and self.cls.info.find("__format__") is not None:
            given = Arguments((specification,))
            return me.attribute(flow, state, "__format__", at).call(flow, state, given, at)
        if self.cls.info.find("__str__") is not None:
            return me.attribute(flow, state, "__str__", at).call(flow, state, Arguments(), at)
        return self.represented(flow, state, me, at)

    def represented(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        if self.cls.info.find("__repr__") is not None:
            return me.attribute(flow, state, "__repr__", at).call(flow, state, Arguments(), at)
        for _, one in self.parts():  # the generated `__repr__` names its fields
            one.represented(flow, state, at)
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (*self.attributes.values(), *self.held)


class SomeException(Value, frozen=True):
    """An exception class or instance about which only its being there is known."""

    def truth(self, state: State) -> bool | None:
        return True


UNKNOWN_EXCEPTION = SomeException()
