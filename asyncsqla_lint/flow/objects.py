"""Records of Python's own objects: lists, dicts, instances of the project's classes, coroutines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.state import FORGOTTEN, Record
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    ClassValue,
    Constant,
    FunctionValue,
    Iteration,
    Method,
    Reference,
    TupleValue,
    Value,
    join,
    union,
)
from asyncsqla_lint.program import Scalar, Span
from asyncsqla_lint.project.classes import ClassInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Site
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class ListRecord(Record, frozen=True):
    """A list, set, iterator or generator of values: its items when all are known, else one for all."""

    items: tuple[Value, ...] | None = None
    element: Value | None = None  # None: empty as far as we know
    kind: str = "list"
    may_be_empty: bool = True

    @staticmethod
    def of(iteration: Iteration, kind: str = "list") -> ListRecord:
        return ListRecord(iteration.items, iteration.element, kind, iteration.may_be_empty)

    def whole(self) -> Value | None:
        """One value for all elements."""
        if self.items is not None:
            return union(self.items) if self.items else None
        return self.element

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ListRecord):
            return FORGOTTEN
        if self.items is not None and other.items is not None and len(self.items) == len(other.items):
            items = tuple(join(a, b) for a, b in zip(self.items, other.items, strict=True))
            return ListRecord(items, None, self.kind, not items)
        mine, theirs = self.whole(), other.whole()
        element = mine if theirs is None else theirs if mine is None else join(mine, theirs)
        return ListRecord(None, element, self.kind, self.may_be_empty or other.may_be_empty)

    def truth(self, state: State) -> bool | None:
        if self.kind in ("iterator", "generator", "queue"):
            return True
        if self.items is not None:
            return bool(self.items)
        return None if self.may_be_empty else True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        return Iteration(self.items, self.element, self.may_be_empty)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        if self.items is not None and isinstance(key, Constant) and isinstance(key.value, int):
            if -len(self.items) <= key.value < len(self.items):
                return self.items[key.value]
            return UNKNOWN
        return self.whole() or UNKNOWN

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        known = self.whole()
        state.put(me, ListRecord(None, value if known is None else join(known, value), self.kind))

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        if self.items is not None and isinstance(item, Constant):
            if item in self.items:
                return True
            if all(isinstance(one, Constant) for one in self.items):
                return False
        return None

    def with_more(self, iteration: Iteration) -> ListRecord:
        if self.items is not None and iteration.items is not None and len(self.items) < 16:
            items = self.items + iteration.items
            return ListRecord(items, None, self.kind, not items)
        mine, theirs = self.whole(), ListRecord.of(iteration).whole()
        element = mine if theirs is None else theirs if mine is None else join(mine, theirs)
        return ListRecord(None, element, self.kind, self.may_be_empty and iteration.may_be_empty)

    def added(self, flow: Flow, state: State, right: Value, at: Span) -> Value:
        return flow.allocate(state, self.with_more(right.iterate(flow, state, at, False)))

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        first = arguments.get(0, "")
        if name in ("append", "add", "appendleft", "put_nowait") and first is not None:
            state.put(me, self.with_more(Iteration(items=(first,), may_be_empty=False)))
            return NONE
        if self.kind == "queue" and name in ("put", "get", "get_nowait", "join"):
            if name == "put" and first is not None:
                state.put(me, self.with_more(Iteration(items=(first,), may_be_empty=False)))
            given = (self.whole() or UNKNOWN) if name.startswith("get") else NONE
            return given if name == "get_nowait" else Ready(given)
        if name == "insert" and len(arguments.positional) > 1:
            state.put(me, self.with_more(Iteration(items=(arguments.positional[1],), may_be_empty=False)))
            return NONE
        if name in ("extend", "update") and first is not None:
            state.put(me, self.with_more(first.iterate(flow, state, at, False)))
            return NONE
        if name in ("pop", "popleft"):
            taken = self.item(flow, state, me, Constant(-1) if first is None else first, at)
            state.put(me, ListRecord(None, self.whole(), self.kind))
            return taken
        if name == "clear":
            state.put(me, ListRecord((), None, self.kind))
            return NONE
        if name in ("remove", "discard", "__delitem__"):
            state.put(me, ListRecord(None, self.whole(), self.kind))
            return NONE
        if name in ("sort", "reverse"):
            key = arguments.keywords.get("key")
            if key is not None:
                for item in self.items if self.items is not None else (self.element,):
                    if item is not None:
                        key.call(flow, state, Arguments((item,)), at)
            if self.items is not None:
                state.put(me, ListRecord(None, self.whole(), self.kind, not self.items))
            return NONE
        if name in ("copy", "union", "intersection", "difference", "__iter__", "__aiter__"):
            record = self
            if name == "union" and first is not None:
                record = self.with_more(first.iterate(flow, state, at, False))
            return flow.allocate(state, record)
        if name in ("__next__", "__anext__"):
            return self.whole() or UNKNOWN
        return UNKNOWN

    def represented(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        if self.kind not in ("iterator", "generator"):
            for one in self.refers_to():
                one.represented(flow, state, at)
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (self.items or ()) if self.element is None else (self.element,)


class Ready(Value, frozen=True):
    """An awaitable whose result is at hand."""

    value: Value

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        return self.value

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.value,)


class DictRecord(Record, frozen=True):
    """A dict: entries under constant keys, and what stands under any other key."""

    entries: dict[Scalar, Value] = {}
    other: Value | None = None
    other_key: Value | None = None

    def with_item(self, key: Value, value: Value) -> DictRecord:
        if isinstance(key, Constant):
            return DictRecord({**self.entries, key.value: value}, self.other, self.other_key)
        other = value if self.other is None else join(self.other, value)
        other_key = key if self.other_key is None else join(self.other_key, key)
        return DictRecord(self.entries, other, other_key)

    def without(self, key: Value) -> DictRecord:
        if not isinstance(key, Constant) or key.value not in self.entries:
            return self
        entries = {name: value for name, value in self.entries.items() if name != key.value}
        return DictRecord(entries, self.other, self.other_key)

    def values(self) -> tuple[Value, ...]:
        return (*self.entries.values(), *(() if self.other is None else (self.other,)))

    def keys(self) -> Iteration:
        items = tuple(Constant(key) for key in self.entries)
        if self.other is None:
            return Iteration(items=items, may_be_empty=not items)
        return Iteration(element=union((*items, self.other_key or UNKNOWN)))

    def joined(self, other: Record) -> Record:
        if not isinstance(other, DictRecord):
            return FORGOTTEN
        # What only one path has put there may be there.
        entries = {
            key: value if key in other.entries else union((value, UNKNOWN))
            for key, value in self.entries.items()
        }
        for key, value in other.entries.items():
            entries[key] = join(entries[key], value) if key in entries else union((value, UNKNOWN))
        rest = (
            other.other
            if self.other is None
            else self.other
            if other.other is None
            else join(self.other, other.other)
        )
        key_ = other.other_key if self.other_key is None else self.other_key
        return DictRecord(entries, rest, key_)

    def truth(self, state: State) -> bool | None:
        return True if self.entries else None if self.other is not None else False

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        return self.keys()

    def _found(self, key: Value) -> Value | None:
        if isinstance(key, Constant):
            found = self.entries.get(key.value)
            return found if found is not None else self.other
        values = self.values()
        return union(values) if values else None

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        return self._found(key) or UNKNOWN

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        state.put(me, self.with_item(key, value))

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        if isinstance(item, Constant) and self.other is None:
            return item.value in self.entries
        return None

    def added(self, flow: Flow, state: State, right: Value, at: Span) -> Value:
        record = right.record(state) if isinstance(right, Reference) else None
        if isinstance(record, DictRecord):
            return flow.allocate(
                state, DictRecord({**self.entries, **record.entries}, record.other or self.other)
            )
        return UNKNOWN

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        first, second = arguments.get(0, "key"), arguments.get(1, "default")
        if name in ("get", "pop", "setdefault") and first is not None:
            found = self._found(first)
            if name == "setdefault" and second is not None:
                if isinstance(first, Constant) and found is not None:
                    return found
                state.put(me, self.with_item(first, second))
                return second if found is None else join(found, second)
            if name == "pop":
                state.put(me, self.without(first))
            default = second if second is not None else NONE if name == "get" else None
            if found is None:
                return default if default is not None else UNKNOWN
            if isinstance(first, Constant) and first.value in self.entries:
                return found
            return found if default is None else join(found, default)
        if name == "__delitem__" and first is not None:
            state.put(me, self.without(first))
            return NONE
        if name in ("values", "__iter__"):
            values = self.values()
            if self.other is None:
                return flow.allocate(state, ListRecord(values, None, "list", not values))
            return flow.allocate(state, ListRecord(None, union(values)))
        if name == "keys":
            return flow.allocate(state, ListRecord.of(self.keys()))
        if name == "items":
            if self.other is None:
                pairs = tuple(TupleValue((Constant(key), value)) for key, value in self.entries.items())
                return flow.allocate(state, ListRecord(pairs, None, "list", not pairs))
            pair = TupleValue((self.other_key or UNKNOWN, union(self.values())))
            return flow.allocate(state, ListRecord(None, pair))
        if name == "update":
            record = first.record(state) if isinstance(first, Reference) else None
            updated = self
            if isinstance(record, DictRecord):
                updated = DictRecord(
                    {**self.entries, **record.entries}, record.other or self.other, self.other_key
                )
            elif first is not None:
                updated = self.with_item(UNKNOWN, UNKNOWN)
            for name, value in arguments.keywords.items():
                updated = updated.with_item(Constant(name), value)
            state.put(me, updated)
            return NONE
        if name == "copy":
            return flow.allocate(state, self)
        if name == "popitem":
            values = self.values()
            keys = self.keys()
            key = union(keys.items) if keys.items else keys.element or UNKNOWN
            state.put(me, DictRecord({}, union(values) if values else None, key))
            return TupleValue((key, union(values) if values else UNKNOWN))
        if name == "clear":
            state.put(me, DictRecord())
            return NONE
        return UNKNOWN

    def represented(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        for one in self.refers_to():
            one.represented(flow, state, at)
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return self.values() + (() if self.other_key is None else (self.other_key,))


def item_name(key: object) -> str:
    """Under this name an object that is a mapping keeps an entry beside its attributes."""
    return f"[{key!r}]"


class ObjectRecord(Record, frozen=True):
    """An instance of a class of the project. Attributes that are not set are looked up in the class."""

    cls: ClassValue
    attributes: dict[str, Value] = {}
    is_open: bool = False  # attributes may have been set that we do not know of

    def class_info(self) -> ClassInfo | None:
        return self.cls.info

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ObjectRecord) or other.cls != self.cls:
            return FORGOTTEN
        attributes = dict(self.attributes)
        for name, value in other.attributes.items():
            attributes[name] = join(attributes[name], value) if name in attributes else value
        return ObjectRecord(self.cls, attributes, self.is_open or other.is_open)

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
        state.put(me, ObjectRecord(self.cls, {**self.attributes, name: value}, self.is_open))

    def delete_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> None:
        if name in self.attributes:
            rest = {key: value for key, value in self.attributes.items() if key != name}
            state.put(me, ObjectRecord(self.cls, rest, self.is_open))

    def call(self, flow: Flow, state: State, me: Reference, arguments: Arguments, at: Span) -> Value:
        return self._special(flow, state, me, "__call__", arguments, at)

    def _special(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if self.cls.info.find(name) is None:
            return flow.call_unknown(state, me, arguments, at)
        return me.attribute(flow, state, name, at).call(flow, state, arguments, at)

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        return UNKNOWN

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        name = "__aiter__" if is_async else "__iter__"
        if self.cls.info.find(name) is not None:
            result = me.attribute(flow, state, name, at).call(flow, state, Arguments(), at)
            if result != me:
                return result.iterate(flow, state, at, is_async)
        return Iteration(element=UNKNOWN)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        if self.cls.info.find("__getitem__") is None and isinstance(key, Constant):
            return self.attributes.get(item_name(key.value), UNKNOWN)
        return self._special(flow, state, me, "__getitem__", Arguments((key,)), at)

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        if self.cls.info.find("__setitem__") is None and isinstance(key, Constant):
            attributes = {**self.attributes, item_name(key.value): value}
            state.put(me, ObjectRecord(self.cls, attributes, self.is_open))
            return
        self._special(flow, state, me, "__setitem__", Arguments((key, value)), at)

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        name = "__aenter__" if is_async else "__enter__"
        if self.cls.info.find(name) is None:
            return UNKNOWN
        result = me.attribute(flow, state, name, at).call(flow, state, Arguments(), at)
        return result.awaited(flow, state, at) if is_async else result

    def leave(
        self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool
    ) -> bool | None:
        name = "__aexit__" if is_async else "__exit__"
        if self.cls.info.find(name) is None:
            return False
        given = (UNKNOWN_EXCEPTION, UNKNOWN, UNKNOWN) if raised else (NONE, NONE, NONE)
        result = me.attribute(flow, state, name, at).call(flow, state, Arguments(given), at)
        if is_async:
            result = result.awaited(flow, state, at)
        return result.truth(state)

    def formatted(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        for name in ("__format__", "__str__"):
            if self.cls.info.find(name) is not None:
                return me.attribute(flow, state, name, at).call(flow, state, Arguments(), at)
        return self.represented(flow, state, me, at)

    def represented(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        if self.cls.info.find("__repr__") is not None:
            return me.attribute(flow, state, "__repr__", at).call(flow, state, Arguments(), at)
        for _, one in self.parts():  # the generated `__repr__` names its fields
            one.represented(flow, state, at)
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(self.attributes.values())


class SomeException(Value, frozen=True):
    """An exception class or instance about which only its being there is known."""

    def truth(self, state: State) -> bool | None:
        return True


UNKNOWN_EXCEPTION = SomeException()


class ContextManagerRecord(Record, frozen=True):
    """A call of a function under `@contextmanager` or `@asynccontextmanager`: runs where it is entered."""

    function: FunctionValue
    arguments: Arguments
    site: Site

    def joined(self, other: Record) -> Record:
        same = isinstance(other, ContextManagerRecord) and other.function == self.function
        return self if same else FORGOTTEN

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        """Entered by hand (`stack.enter_async_context(manager)`): runs to its yield, its end is not seen."""
        from asyncsqla_lint.flow.calls import run_function

        yielded: list[Value] = []
        run_function(
            flow, state, self.function, self.arguments, self.site.span, yielded=yielded, until_yield=True
        )
        return union(tuple(yielded)) if yielded else UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())


class CoroutineRecord(Record, frozen=True):
    """A call that waits to be awaited."""

    function: Value
    arguments: Arguments
    site: Site
    is_awaited: bool = False
    handed: Site | None = None  # where the function that made it was called
    kind: str = "coroutine"  # or "generator": an async generator, which is iterated
    is_many: bool = False  # it stands for one of many, made alike
    is_dropped: bool = False  # an expression statement left it to nobody

    def joined(self, other: Record) -> Record:
        if not isinstance(other, CoroutineRecord):
            return FORGOTTEN
        if other.function == self.function and other.arguments == self.arguments:
            return self if self.is_awaited else other
        return FORGOTTEN

    def awaited(self, flow: Flow, state: State, me: Reference, at: Span) -> Value:
        state.put(me, replace(self, is_awaited=True))
        made_here = (
            self.site.module is flow.frame.module
        )  # a place in another file means nothing in this frame
        span = self.site.span if made_here else at
        if isinstance(self.function, FunctionValue):
            from asyncsqla_lint.flow.calls import run_function

            return run_function(flow, state, self.function, self.arguments, span)
        if isinstance(self.function, Method):
            method = self.function
            return method.receiver.await_method(flow, state, method.name, self.arguments, span)
        return UNKNOWN

    def repeated(self, flow: Flow, state: State, me: Reference, since: int) -> None:
        state.put(me, replace(self, is_many=True))

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        if self.kind != "generator" or not isinstance(self.function, FunctionValue):
            return Iteration(element=UNKNOWN)
        from asyncsqla_lint.flow.calls import run_function

        yielded: list[Value] = []
        run_function(flow, state, self.function, self.arguments, self.site.span, yielded=yielded)
        return Iteration(element=union(tuple(yielded)) if yielded else None)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        flow.meanings.coroutine_read(flow, state, me, name, at)
        return Method(me, name)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        flow.meanings.coroutine_read(flow, state, me, "", at)
        return UNKNOWN

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name in ("__anext__", "__next__", "asend", "send"):
            return self.iterate(flow, state, me, at, False).element or UNKNOWN
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return (self.function, *self.arguments.all())
