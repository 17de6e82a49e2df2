"""Where classes can be that have a name, or derive from one that has it, by their modules' signs alone."""

from __future__ import annotations

from collections.abc import Iterable

from asyncsqla_lint.project.names import Module


class Lineages:
    """A module whose signs nobody knows may hold any class."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules = tuple(modules)
        self._defining: dict[str, list[int]] = {}  # by numbers of modules, whose order is kept
        self._derived: dict[str, set[str]] = {}  # names, by what stands in their bases or what they stand for
        self._unknown: list[int] = []
        for number, module in enumerate(self._modules):
            signs = module.signs
            if signs is None:
                self._unknown.append(number)
                continue
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

    def below(self, name: str) -> list[Module]:
        """Where classes are defined that may derive from one of the name, under whatever name it goes."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for other in self._derived.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return self.defining(*found)
