"""What is the same for all modules of a project: worked out once in a process, whoever asks first.

The globals of a module, what a decorator makes of a function, an object that an annotation promises, what a
closed call gives: these are facts about the project. The world keeps them, each with the modules into whose
text it has looked, and works them out on a flow of its own, of which nobody hears. To be a fact, an answer
must not depend on who asks, nor on what was asked before. So what changes what another module has made is no
fact: it is `Unshared`, and each module's analysis works it out for itself.

Questions may come back to each other: a default is made by a function that asks for it. One question of such
a circle is its head, whoever asks first: it is answered as if it were not known where the circle closes, and
the others rest on its answer. What they say meanwhile is provisional, and not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Generic, TypeVar, cast

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


class Question(Struct, frozen=True, eq=False):
    key: object
    make: Callable[[Flow], object]
    meanwhile: object  # what it is for who asks in a circle


class Circular(Unshared):
    """It is what is being asked: by these questions, of which the first is asked again."""

    def __init__(self, circle: tuple[Question, ...]) -> None:
        super().__init__()
        self.circle = circle


class TooDeep(Unshared):
    """It cannot be worked out from here; from elsewhere it can."""


class Table(Struct, frozen=True):
    """What other modules may fill: a global, or what a class body holds."""

    owner: Module | ClassInfo
    name: str
    kind: ClassInfo | None = None  # of the object that stands there, if it is one of the project's


class Fact(Struct, Generic[T], frozen=True):
    value: T
    looked_into: frozenset[Module] = frozenset()
    asked: frozenset[ClassInfo | str] = frozenset()  # see `Index.asked`
    seen: frozenset[int] = frozenset()  # what modules have made, as far as it was looked at
    tables: frozenset[Table] = frozenset()  # of these, what the modules that own them put in
    rests_on: frozenset[object] = frozenset()  # questions that were not answered yet: it is provisional


_NOTHING = Fact(None)


class World:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.flow: Flow  # what works it out
        self.regions = count(1)  # of identities: what outlives a root is one thing for all
        self._facts: dict[object, Fact[object]] = {}
        self._unshared: set[object] = set()
        self._open: list[Question | None] = []  # the questions that are being answered
        self._heads: set[object] = set()  # of these, those that close a circle
        self._provisional: dict[object, Fact[object]] = {}
        self._modules: dict[frozenset[Module], frozenset[Module]] = {}  # sets that are alike are one
        self._objects: dict[frozenset[int], frozenset[int]] = {}
        # What the answer that is being found has met so far; into which modules it has looked says the index.
        self.seen: set[int] = set()
        self.tables: set[Table] = set()
        self.rests_on: set[object] = set()

    def answer(self, key: object, make: Make[T], meanwhile: T | None = None) -> Fact[T]:
        """What `make` says of the project; raises `Unshared` where that depends on who asks."""
        fact = self._facts.get(key) or self._provisional.get(key)
        if fact is None:
            if key in self._unshared:
                raise Unshared
            if key in self._heads:
                return Fact(cast(T, meanwhile), rests_on=frozenset((key,)))
            try:
                fact = self._answered(Question(key, make, meanwhile))
            except Unshared as reason:
                if not isinstance(reason, (Circular, TooDeep)):
                    self._unshared.add(key)
                raise
        return fact  # type: ignore[return-value]  # it was made under this key

    def _answered(self, question: Question) -> Fact[object]:
        key = question.key
        asked = [one.key if one is not None else None for one in self._open]
        if key in asked:
            circle = self._open[asked.index(key) :]
            raise Circular(tuple([one for one in circle if one is not None]))
        tried: set[object] = set()
        while True:
            try:
                return self._kept(key, self.found(lambda: question.make(self.flow), question=question))
            except Circular as reason:
                if reason.circle[0].key != key:
                    raise
                head = min(reason.circle, key=_order)
            if head.key in tried:
                raise Unshared
            tried.add(head.key)
            if head.key == key:
                return self._closed(question)
            self.answer(head.key, head.make, head.meanwhile)

    def _closed(self, question: Question) -> Fact[object]:
        """The answer of the head of a circle."""
        key = question.key
        self._heads.add(key)
        try:
            fact = self.found(lambda: question.make(self.flow), question=question)
        finally:
            self._heads.discard(key)
            rest = {other: one for other, one in self._provisional.items() if key not in one.rests_on}
            self._provisional = rest
        return self._kept(key, replace(fact, rests_on=fact.rests_on - {key}))

    def _kept(self, key: object, fact: Fact[object]) -> Fact[object]:
        (self._provisional if fact.rests_on else self._facts)[key] = fact
        return fact

    def found(
        self, find: Callable[[], T], budget: Budget | None = None, question: Question | None = None
    ) -> Fact[T]:
        """What `find` says, and what it has met on its way."""
        before = self._met()
        self._meet(_NOTHING)
        self._open.append(question)
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
            frozenset(self.rests_on),
        )

    def _meet(self, met: Fact[None]) -> None:
        for place in (self.index.consulted, self.index.asked, self.seen, self.tables, self.rests_on):
            place.clear()
        self.use(met)

    def is_about(self, key: object) -> bool:
        """Is it this question, and none that came up on the way, that is being answered?"""
        last = self._open[-1] if self._open else None
        return last is not None and last.key == key

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
        return fact.value


def _order(question: Question) -> tuple[str, ...]:
    """A fixed order of questions, whoever asks first."""
    parts = question.key if isinstance(question.key, tuple) else (question.key,)
    return tuple([getattr(one, "__qualname__", None) or repr(one) for one in parts])


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
