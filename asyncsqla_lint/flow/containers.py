"""Records of lists, sets, iterators and dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.coroutines import Ready
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
    Union,
    Value,
    alternatives,
    join,
    union,
)
from asyncsqla_lint.program import Scalar, Span
from asyncsqla_lint.project.classes import ClassInfo

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


class ListRecord(Record, frozen=True):
    """A list, set, iterator or generator of values: its items when all are known, else one for all."""

    grows = True

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
        others = _filled_elsewhere(flow, state, me) if self.kind in ("list", "set") else None
        if others is not None:
            return Iteration(element=others)
        return Iteration(self.items, self.element, self.may_be_empty)

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        if self.items is not None and isinstance(key, Constant) and isinstance(key.value, int):
            position = self._position(key)
            return UNKNOWN if position is None else self.items[position]
        return self.whole() or UNKNOWN

    def _position(self, key: Value) -> int | None:
        """Of the item that stands under the key, where all are known."""
        if self.items is None or not isinstance(key, Constant) or not isinstance(key.value, int):
            return None
        many = len(self.items)
        return key.value % many if -many <= key.value < many else None

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        position = self._position(key)
        if self.items is not None and position is not None:
            items = (*self.items[:position], value, *self.items[position + 1 :])
            state.put(me, replace(self, items=items))
            return
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
        if self.kind == "queue" and name in ("put", "get", "get_nowait"):
            if name == "put" and first is not None:
                state.put(me, self.with_more(Iteration(items=(first,), may_be_empty=False)))
            given = (self.whole() or UNKNOWN) if name.startswith("get") else NONE
            return given if name == "get_nowait" else Ready(given)
        if self.kind == "queue" and name in ("task_done", "join"):
            from asyncsqla_lint.flow.stdlib.signals import Waiting, signal

            if name == "join":
                return Waiting(me, NONE)
            signal(flow, me, at, is_one_of_many=True)
            return NONE
        if name == "insert" and len(arguments.positional) > 1:
            state.put(me, self.with_more(Iteration(items=(arguments.positional[1],), may_be_empty=False)))
            return NONE
        if name in ("extend", "update") and first is not None:
            state.put(me, self.with_more(first.iterate(flow, state, at, False)))
            return NONE
        if name in ("pop", "popleft"):
            taken = self.item(flow, state, me, Constant(-1) if first is None else first, at)
            is_last = self.items is not None and len(self.items) == 1
            state.put(me, ListRecord(() if is_last else None, None if is_last else self.whole(), self.kind))
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


Key: TypeAlias = "ClassInfo | tuple[Scalar, ...]"  # of a class, or of several constants


def told_key(key: Value) -> Key | None:
    """The key, if it is not a constant itself and yet equal to no other."""
    if isinstance(key, ClassValue):
        return key.info
    if isinstance(key, TupleValue) and key.elements:
        parts = tuple([one.value for one in key.elements if isinstance(one, Constant)])
        return parts if len(parts) == len(key.elements) else None
    return key.identity()


def may_be(key: ClassValue | TupleValue, told: Key) -> bool:
    if isinstance(key, ClassValue):
        return isinstance(told, ClassInfo) and told.is_subclass_of(key.info)
    if not isinstance(told, tuple) or len(told) != len(key.elements):
        return False
    return all(
        any(not isinstance(one, Constant) or one.value == part for one in alternatives(element))
        for element, part in zip(key.elements, told, strict=True)
    )


_READS = ("get", "keys", "values", "items", "__iter__")


def _filled_elsewhere(flow: Flow, state: State, me: Reference) -> Value | None:
    from asyncsqla_lint.flow.filling import filled_elsewhere

    return filled_elsewhere(flow, state, me)


class DictRecord(Record, frozen=True):
    """A dict: entries under constant keys, and what stands under others; `by_key`, where each is known."""

    grows = True

    entries: dict[Scalar, Value] = {}
    other: Value | None = None
    other_key: Value | None = None
    by_key: dict[Key, Value] = {}
    default: Value | None = None  # what a `defaultdict(int)` answers for a key that it lacks

    def with_item(self, key: Value, value: Value) -> DictRecord:
        if isinstance(key, Constant):
            return replace(self, entries={**self.entries, key.value: value})
        other = value if self.other is None else join(self.other, value)
        other_key = key if self.other_key is None else join(self.other_key, key)
        by_key: dict[Key, Value] = {}
        if (told := told_key(key)) is not None and self.tells_keys:
            by_key = {**self.by_key, told: value}
        return replace(self, other=other, other_key=other_key, by_key=by_key)

    @property
    def tells_keys(self) -> bool:
        """Is everything under a constant key, or one that can be told from others?"""
        return self.other is None or bool(self.by_key)

    def without(self, key: Value) -> DictRecord:
        if not isinstance(key, Constant) or key.value not in self.entries:
            return self
        return replace(self, entries={name: one for name, one in self.entries.items() if name != key.value})

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
        lacking = UNKNOWN if self.default is None else self.default
        entries = {
            key: value if key in other.entries else union((value, lacking))
            for key, value in self.entries.items()
        }
        for key, value in other.entries.items():
            entries[key] = join(entries[key], value) if key in entries else union((value, lacking))
        rest = (
            other.other
            if self.other is None
            else self.other
            if other.other is None
            else join(self.other, other.other)
        )
        key_ = other.other_key if self.other_key is None else self.other_key
        return DictRecord(entries, rest, key_, self._keys_of_both(other), self.default)

    def _keys_of_both(self, other: DictRecord) -> dict[Key, Value]:
        if not self.tells_keys or not other.tells_keys:
            return {}
        found = {**self.by_key, **other.by_key}
        return {
            key: join(self.by_key.get(key, value), other.by_key.get(key, value))
            for key, value in found.items()
        }

    def truth(self, state: State) -> bool | None:
        return True if self.entries else None if self.other is not None else False

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return Method(me, name)

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        return self.keys() if _filled_elsewhere(flow, state, me) is None else Iteration(element=UNKNOWN)

    def _found(self, key: Value) -> Value | None:
        if isinstance(key, Constant):
            found = self.entries.get(key.value)
            return found if found is not None or self.tells_keys else self.other
        if self.by_key and isinstance(key, (ClassValue, TupleValue)):
            exact = self.by_key.get(told_key(key) or ())
            if exact is not None:
                return exact
            if near := self._near(key):
                return union(near)
            if isinstance(key, TupleValue) and told_key(key) is not None:
                return None  # `("whole", name)`: what stands under `("plain", name)` is another's
        elif self.tells_keys and key.identity() is not None:
            return self.by_key.get(key.identity() or ())
        if isinstance(key, Union):
            # `CONFIGS[os.environ.get("STAGE", "test")]`: the default tells more than what else there is.
            known = [one for one in key.alternatives if one is not UNKNOWN]
            ones = [one for one in map(self._found, known) if one is not None]
            if len(known) == len(key.alternatives):
                return union(tuple(ones)) if ones else None
            if ones and all(isinstance(one, Constant) for one in known):
                return union((*ones, UNKNOWN))
        values = self.values()
        return union(values) if values else None

    def _holds(self, key: Value) -> bool:
        """Does it certainly have the key?"""
        if isinstance(key, Union):
            return all(map(self._holds, key.alternatives))
        if isinstance(key, Constant):
            return key.value in self.entries
        return told_key(key) in self.by_key

    def _near(self, key: Value) -> tuple[Value, ...]:
        """What stands under keys that this one may be: it stands for derived classes, or is known in part."""
        if not isinstance(key, (ClassValue, TupleValue)):
            return ()
        return tuple(value for told, value in self.by_key.items() if may_be(key, told))

    def item(self, flow: Flow, state: State, me: Reference, key: Value, at: Span) -> Value:
        found = self._found(key)
        if self.other is not None and self.other_key is None and isinstance(key, (Reference, TupleValue)):
            # It was there, or a defaultdict put it there.
            state.put(me, DictRecord(self.entries, self.other, key))
        if found is None and self.default is not None and isinstance(key, Constant) and self.tells_keys:
            return self.default
        return found or _filled_elsewhere(flow, state, me) or UNKNOWN

    def set_item(self, flow: Flow, state: State, me: Reference, key: Value, value: Value, at: Span) -> None:
        state.put(me, self.with_item(key, value))

    def contains(self, flow: Flow, state: State, me: Reference, item: Value, at: Span) -> bool | None:
        if isinstance(item, Constant) and self.tells_keys:
            return item.value in self.entries
        if self.tells_keys and (isinstance(item, (ClassValue, TupleValue)) or item.identity() is not None):
            if self._holds(item):
                return True
            return None if self._near(item) else False
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
        others = _filled_elsewhere(flow, state, me) if name in _READS else None
        if others is not None:
            if name == "get":
                return union((second if second is not None else NONE, others))
            element = others if name == "values" else UNKNOWN
            element = TupleValue((UNKNOWN, others)) if name == "items" else element
            return flow.allocate(state, ListRecord(None, element))
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
            if self._holds(first):
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
                entries = {**self.entries, **record.entries}
                other = record.other or self.other
                key_ = self.other_key or record.other_key
                is_known = self.tells_keys and record.tells_keys
                by_key = {**self.by_key, **record.by_key} if is_known else {}
                updated = DictRecord(entries, other, key_, by_key)
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
        keys = () if self.other_key is None else (self.other_key,)
        return (*self.values(), *keys, *self.by_key.values())


def item_name(key: object) -> str:
    """Under this name an object that is a mapping keeps an entry beside its attributes."""
    return f"[{key!r}]"
