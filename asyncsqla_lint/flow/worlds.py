"""What is the same for all modules of a project: worked out once in a process, whoever asks first.

The globals of a module, what a decorator makes of a function, an object that an annotation promises, what a
closed call gives: these are facts about the project. The world keeps them, each with the modules into whose
text it has looked, and works them out on a flow of its own, of which nobody hears. To be a fact, an answer
must not depend on who asks, nor on what was asked before. So what comes back to a question that is still
open, or changes what another module has made, is no fact: it is `Unshared`, and each module's analysis works
it out for itself.
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
    from asyncsqla_lint.project.names import Module

T = TypeVar("T")
Make = Callable[["Flow"], T]


class Unshared(Exception):
    """It depends on who asks."""


class Circular(Unshared):
    """It is what is being asked."""


class TooDeep(Unshared):
    """It cannot be worked out from here; from elsewhere it can."""


class Table(Struct, frozen=True):
    """What other modules may fill: a global, or what a class body holds."""

    owner: Module | ClassInfo
    name: str


class Fact(Struct, Generic[T], frozen=True):
    value: T
    looked_into: frozenset[Module] = frozenset()
    asked: frozenset[ClassInfo | str] = frozenset()  # see `Index.asked`
    seen: frozenset[int] = frozenset()  # what modules have made, as far as it was looked at
    tables: frozenset[Table] = frozenset()  # of these, what the modules that own them put in


class World:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.flow: Flow  # what works it out
        self.regions = count(1)  # of identities: what outlives a root is one thing for all
        self._facts: dict[object, Fact[object]] = {}
        self._unshared: set[object] = set()
        self._open: list[object] = []  # the questions that are being answered
        self._modules: dict[frozenset[Module], frozenset[Module]] = {}  # sets that are alike are one
        self._objects: dict[frozenset[int], frozenset[int]] = {}
        # What the answer that is being found has met so far; into which modules it has looked says the index.
        self.seen: set[int] = set()
        self.tables: set[Table] = set()

    def answer(self, key: object, make: Make[T]) -> Fact[T]:
        """What `make` says of the project; raises `Unshared` where that depends on who asks."""
        fact = self._facts.get(key)
        if fact is None:
            if key in self._unshared:
                raise Unshared
            if key in self._open:
                raise Circular
            try:
                fact = self._facts[key] = self.found(lambda: make(self.flow), key=key)
            except Unshared as reason:
                if not isinstance(reason, TooDeep):
                    self._unshared.add(key)
                raise
        return fact  # type: ignore[return-value]  # it was made under this key

    def found(self, find: Callable[[], T], budget: Budget | None = None, key: object = None) -> Fact[T]:
        """What `find` says, and what it has met on its way."""
        before = self._met()
        self._meet(Fact(None))
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
        modules, objects = frozenset(index.consulted), frozenset(self.seen)
        return Fact(
            None,
            self._modules.setdefault(modules, modules),
            frozenset(index.asked),
            self._objects.setdefault(objects, objects),
            frozenset(self.tables),
        )

    def _meet(self, met: Fact[None]) -> None:
        for place in (self.index.consulted, self.index.asked, self.seen, self.tables):
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
