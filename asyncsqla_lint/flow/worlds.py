"""What is the same for all modules of a project: worked out once in a process, whoever asks first.

The globals of a module, what a decorator makes of a function, an object that an annotation promises, what a
closed call gives: these are facts about the project. The world keeps them, each with the texts into which
it has looked, and works them out on a flow of its own, of which nobody hears. To be a fact, an answer
must not depend on who asks, nor on what was asked before. So what changes what another module has made is no
fact: it is `Unshared`, and each module's analysis works it out for itself.

Questions may come back to each other: a default is made by a function that asks for it. Where a circle closes
the question is answered as if nothing were known of it; what the others of the circle say on the way is
provisional. Each is a fact only when it is asked from outside of the circle, so that it does not matter who
asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from asyncsqla_lint.flow.budgets import Budget
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.project.classes import ClassInfo
    from asyncsqla_lint.project.index import Index
    from asyncsqla_lint.project.names import Consultable, Module

T = TypeVar("T")
Make = Callable[["Flow"], T]


class Unshared(Exception):
    """It depends on who asks."""


class TooDeep(Unshared):
    """It cannot be worked out from here; from elsewhere it can."""


class Table(Struct, frozen=True):
    """What other modules may fill: a global, or what a class body holds."""

    owner: Module | ClassInfo
    name: str
    kind: ClassInfo | None = None  # of the object that stands there, if it is one of the project's


class Fact(Struct, Generic[T], frozen=True):
    value: T
    looked_into: frozenset[Consultable] = frozenset()
    asked: frozenset[ClassInfo | str] = frozenset()  # see `Index.asked`
    seen: frozenset[int] = frozenset()  # what modules have made, as far as it was looked at
    tables: frozenset[Table] = frozenset()  # of these, what the modules that own them put in
    rests_on: frozenset[object] = frozenset()  # questions that were open still: it is provisional
    circle: frozenset[object] = frozenset()  # questions that have come back to this one, or to such a one


_NOTHING = Fact(None)


class World:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.flow: Flow  # what works it out
        self.regions = count(1)  # of identities: what outlives a root is one thing for all
        self.promised: set[int] = set()  # objects that are there for whoever is promised one
        self._facts: dict[object, Fact[object]] = {}
        self._unshared: set[object] = set()
        self._open: list[object] = []  # the questions that are being answered
        self._asked: set[object] = set()  # the same, but for those without a name
        self._provisional: dict[object, Fact[object]] = {}
        self._texts: dict[frozenset[Consultable], frozenset[Consultable]] = {}  # sets that are alike are one
        self._objects: dict[frozenset[int], frozenset[int]] = {}
        # What the answer that is being found has met so far; into which texts it has looked says the index.
        self.seen: set[int] = set()
        self.tables: set[Table] = set()
        self.rests_on: set[object] = set()
        self.circle: set[object] = set()

    def answer(self, key: object, make: Make[T], meanwhile: T | None = None) -> Fact[T]:
        """What `make` says of the project; raises `Unshared` where that depends on who asks."""
        fact = self._facts.get(key)
        if fact is None or not self.is_free(fact):
            fact = self._provisional.get(key) or self._answered(key, make, meanwhile)
        return fact  # type: ignore[return-value]  # it was made under this key

    def is_free(self, fact: Fact[T]) -> bool:
        """Is none of the questions being answered one that the fact would come back to?"""
        return fact.circle.isdisjoint(self._asked)

    def _answered(self, key: object, make: Make[T], meanwhile: T | None) -> Fact[object]:
        if key in self._unshared:
            raise Unshared
        if key in self._asked:
            return Fact(meanwhile, rests_on=frozenset((key,)))
        self._asked.add(key)
        rests_on: frozenset[object] = frozenset()
        try:
            found: Fact[object] = self.found(lambda: make(self.flow), key=key)
            rests_on = found.rests_on - {key}
        except Unshared as reason:
            if not isinstance(reason, TooDeep):
                self._unshared.add(key)
            raise
        finally:
            self._asked.discard(key)
            circle = self._closed(key, rests_on) if self._provisional else ()
        if rests_on:
            fact = self._provisional[key] = replace(found, rests_on=rests_on)
            return fact
        comes_back = frozenset((key, *circle)) if found.rests_on else frozenset()
        return self._facts.setdefault(key, replace(found, rests_on=rests_on, circle=comes_back))

    def _closed(self, key: object, rests_on: frozenset[object]) -> list[object]:
        """What was said on the way to the answer holds as long as that does; it is these questions'."""
        resting = [other for other, fact in self._provisional.items() if key in fact.rests_on]
        for other in resting:
            fact = self._provisional.pop(other)
            if rests_on:
                self._provisional[other] = replace(fact, rests_on=fact.rests_on - {key} | rests_on)
        return resting

    def found(self, find: Callable[[], T], budget: Budget | None = None, key: object = None) -> Fact[T]:
        """What `find` says, and what it has met on its way."""
        before = self._met()
        self._meet(_NOTHING)
        self._open.append(key)
        try:
            with self.flow.alone(budget):
                value = find()
            met = self._met()
        finally:
            self._open.pop()
            self._meet(before)
        return replace(met, value=value)  # type: ignore[arg-type]  # the value tells its type

    def _met(self) -> Fact[None]:
        index = self.index
        texts, objects = frozenset(index.consulted), frozenset(self.seen)
        return Fact(
            None,
            self._texts.setdefault(texts, texts),
            frozenset(index.asked),
            self._objects.setdefault(objects, objects),
            frozenset(self.tables),
            frozenset(self.rests_on),
            frozenset(self.circle),
        )

    def _meet(self, met: Fact[None]) -> None:
        index = self.index
        for place in (index.consulted, index.asked, self.seen, self.tables, self.rests_on, self.circle):
            place.clear()
        self.use(met)

    def is_about(self, key: object) -> bool:
        """Is it this question, and none that came up on the way, that is being answered?"""
        return bool(self._open) and self._open[-1] == key

    def rest_on(self, fact: Fact[T]) -> None:
        """What is being checked depends on what the fact depends on."""
        self.index.consulted.update(fact.looked_into)
        self.index.asked.update(fact.asked)

    def use(self, fact: Fact[T]) -> T:
        """The world's own answers rest on it."""
        self.rest_on(fact)
        self.seen.update(fact.seen)
        self.tables.update(fact.tables)
        self.rests_on.update(fact.rests_on)
        self.circle.update(fact.circle)
        return fact.value


class Base(dict[int, T]):
    """What modules have made, with a note of what was asked for."""

    __slots__ = ("seen",)

    def __init__(self, seen: set[int]) -> None:
        super().__init__()
        self.seen = seen

    def get(self, key: int, default: T | None = None) -> T | None:  # type: ignore[override]
        found = dict.get(self, key)
        if found is None:
            return default
        self.seen.add(key)
        return found


class Layer(dict[int, T]):
    """What one module's analysis has made, over what the world has."""

    __slots__ = ("below",)

    def __init__(self, below: dict[int, T]) -> None:
        super().__init__()
        self.below = below

    def get(self, key: int, default: T | None = None) -> T | None:  # type: ignore[override]
        found = dict.get(self, key)
        return dict.get(self.below, key, default) if found is None else found

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or key in self.below

    def is_own(self, key: int) -> bool:
        return dict.__contains__(self, key)
