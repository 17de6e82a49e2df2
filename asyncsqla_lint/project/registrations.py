"""Who fills what when the project is imported: `@command("start")` in one module, the table in another.

A table (`COMMANDS = {}`), a bus, a class that lists its subclasses: what it holds is decided by the top
levels of other modules, which need not be imported by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Union

from asyncsqla_lint import program as p
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Module, Variable
from asyncsqla_lint.project.signs import HOOK
from asyncsqla_lint.project.uses import CALLED, OWN, uses

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

Used = Union[Variable, ClassInfo, FunctionInfo]
# More modules than this are not asked what they add: nobody reads so long a table one by one.
MOST = 60
OTHERWISE = "?"


class Registrations:
    """For each global that top levels decorate, call or change: the modules that do."""

    def __init__(self, index: Index) -> None:
        # With what of it is used: a method, or (`__call__`) itself; none, if it is done in another way.
        self._variables: dict[tuple[Module, str], dict[Module, set[str]]] = {}
        self._functions: dict[FunctionInfo, dict[Module, None]] = {}
        for module in _which_may(index):
            for used, through in _used(index, module):
                self._add(used, through, module)

    def _add(self, used: Used, through: str, module: Module) -> None:
        if isinstance(used, Variable):
            if used.owner is None and used.scope is None:
                users = self._variables.setdefault((used.module, used.name), {})
                users.setdefault(module, set()).add(through)
            return
        functions = [used] if isinstance(used, FunctionInfo) else []
        if isinstance(used, ClassInfo):
            found = (used.find(name) for name in ("__init__", "__call__"))
            functions += [one[1].function for one in found if one is not None and one[1].function is not None]
        for function in functions:
            self._functions.setdefault(function, {})[module] = None

    def of(self, owner: Module | ClassInfo, name: str, kind: ClassInfo | None = None) -> list[Module]:
        """The other modules that may add to what the module, or the class, holds under that name."""
        if isinstance(owner, ClassInfo):
            return self.of_class(owner, name)
        return self.of_variable(owner, name, kind)

    def of_variable(self, module: Module, name: str, kind: ClassInfo | None = None) -> list[Module]:
        """Other modules that may add to what the variable holds: an object of that class, if it is known."""
        found = {
            user: None
            for user, methods in self._variables.get((module, name), {}).items()
            if kind is None or any(_may_keep(kind, method) for method in methods)
        }
        for function in self._mentioning(name):
            function.consult()
            symbol = function.index.lookup(function.module, name)
            if isinstance(symbol, Variable) and symbol.module is module:
                found.update(self._functions[function])
        return self._few(found, module)

    def of_function(self, function: FunctionInfo) -> list[Module]:
        """The modules whose top level uses it."""
        return list(self._functions.get(function, ()))

    def of_class(self, cls: ClassInfo, name: str) -> list[Module]:
        """The other modules that may add to what the class holds under that name."""
        found: dict[Module, None] = {}
        for function in self._mentioning(name):
            if _are_kin(cls, function.owner):
                function.consult()
                found.update(self._functions[function])
        return self._few(found, None)

    def _mentioning(self, name: str) -> list[FunctionInfo]:
        return self._by_word.get(name, [])

    @cached_property
    def _by_word(self) -> dict[str, list[FunctionInfo]]:
        """The functions that top levels use, by what they say."""
        found: dict[str, list[FunctionInfo]] = {}
        for function in self._functions:
            for word in function.header.mentions:
                found.setdefault(word, []).append(function)
        return found

    def _few(self, found: dict[Module, None], own: Module | None) -> list[Module]:
        others = [module for module in found if module is not own]
        return others if len(others) <= MOST else []


def _which_may(index: Index) -> Iterator[Module]:
    """The modules whose top levels use something of the project: most use libraries, or what is their own."""
    modules = index.modules.values()
    packages = {OWN, *(module.name.partition(".")[0] for module in modules)}
    hooked = {name for module in modules for name in _hooked(index, module)}
    below = {module for name in hooked for module in index.lineages.below(name)}
    for module in index.modules.values():
        if module.signs is None or module in below or not packages.isdisjoint(module.signs.uses):
            yield module


def _hooked(index: Index, module: Module) -> tuple[str, ...]:
    if module.signs is not None:
        return module.signs.hooked
    return tuple(cls.name for cls in index.classes_of(module) if HOOK in cls.names.bindings)


def _are_kin(cls: ClassInfo, other: ClassInfo | None) -> bool:
    return other is None or other.is_subclass_of(cls) or cls.is_subclass_of(other)


def _may_keep(cls: ClassInfo, method: str) -> bool:
    """Could calling this method put anything into the object?"""
    found = cls.find(method) if method else None
    if found is None or found[1].function is None or found[1].kind == "property":
        return True
    header = found[1].function.header
    found[1].function.consult()
    return not header.parameters or not {header.parameters[0].name, "super"}.isdisjoint(header.mentions)


def _used(index: Index, module: Module) -> Iterator[tuple[Used, str]]:
    """What the top level of a module calls, decorates with, or puts things into."""
    for use in uses(module.program, module.program.statements):
        scope: ClassInfo | None = None
        for definition in use.within:
            scope = index.class_at(module, definition, scope)
        yield from _root(index, module, use.expression, scope, use.through)
    for cls in index.classes_of(module):
        hook = cls.find_after(cls, HOOK) if cls.definition.bases else None
        if hook is not None and hook[1].function is not None:
            yield hook[1].function, ""


def _root(
    index: Index, module: Module, node: p.Expression, scope: ClassInfo | None, through: str = ""
) -> Iterator[tuple[Used, str]]:
    """Of `bus.on("paid")` both are used: the method, and the bus on which it is."""
    while True:
        if isinstance(node, p.Call):
            node = node.function
            through = through or (CALLED if isinstance(node, (p.Name, p.Attribute)) else "")
            continue
        if isinstance(node, (p.Name, p.Attribute)):
            symbol = index.resolve(module, node, scope)
            if isinstance(symbol, (Variable, ClassInfo, FunctionInfo)):
                yield symbol, through
                return
        if not isinstance(node, (p.Attribute, p.Subscript)):
            return
        # What is done with what a method gives is done to anything.
        is_method = isinstance(node, p.Attribute) and through in ("", CALLED)
        through = node.name if is_method and isinstance(node, p.Attribute) else OTHERWISE
        node = node.value
