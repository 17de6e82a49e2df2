"""Where classes can be that have a name, or derive from one that has it, by their modules' signs alone."""

from __future__ import annotations

from collections.abc import Iterable, Set

from asyncsqla_lint.project.names import Module
from asyncsqla_lint.project.signs import Signs


class Lineages:
    """A module whose signs nobody knows may hold any class."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules = tuple(modules)
        self._defining: dict[str, list[int]] = {}  # by numbers of modules, whose order is kept
        self._derived: dict[str, set[str]] = {}  # names, by what stands in their bases or what they stand for
        self._signs: list[tuple[int, Signs]] = []
        self._unknown: list[int] = []
        for number, module in enumerate(self._modules):
            signs = module.signs
            if signs is None:
                self._unknown.append(number)
                continue
            self._signs.append((number, signs))
            for name, bases in signs.classes:
                self._defining.setdefault(name, []).append(number)
                for base in bases:
                    self._derived.setdefault(base, set()).add(name)
            for name, words in signs.aliases:
                for word in words:
                    self._derived.setdefault(word, set()).add(name)

    def defining(self, *names: str) -> list[Module]:
        """Where classes of these names are defined."""
        found = {number for name in names for number in self._defining.get(name, ())}
        return [self._modules[number] for number in sorted(found.union(self._unknown))]

    def below(self, *names: str) -> list[Module]:
        """Where classes are defined that may derive from one of the names, under whatever name it goes."""
        return self.defining(*self._below(names))

    def said_of(self, ending: str) -> list[str]:
        """What classes derive from, or go by, of which the name ends so."""
        return [name for name in self._derived if name.endswith(ending)]

    def binding(self, members: Set[str]) -> list[Module]:
        """Where classes are defined whose bodies may bind all of these."""
        words = [f" {member} " for member in members]
        known = (number for number, signs in self._signs if all(word in signs.members for word in words))
        return [self._modules[number] for number in sorted({*known, *self._unknown})]

    def _below(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            for other in self._derived.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found
