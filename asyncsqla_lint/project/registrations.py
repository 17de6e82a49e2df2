"""Who fills what when the project is imported: `@command("start")` in one module, the table in another.

A table (`COMMANDS = {}`), a bus, a class that lists its subclasses: what it holds is decided by the top
levels of other modules, which need not be imported by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Union

from asyncsqla_lint import program as p
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import Module, Variable

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index

Used = Union[Variable, ClassInfo, FunctionInfo]
# More modules than this are not asked what they add: nobody reads so long a table one by one.
MOST = 60
CALLED, OTHERWISE = "__call__", "?"


class Registrations:
    """For each global that top levels decorate, call or change: the modules that do."""

    def __init__(self, index: Index) -> None:
        # With what of it is used: a method, or (`__call__`) itself; none, if it is done in another way.
        self._variables: dict[tuple[Module, str], dict[Module, set[str]]] = {}
        self._functions: dict[FunctionInfo, dict[Module, None]] = {}
        for module in index.modules.values():
            for used, through in _used(index, module, module.program.statements, None):
                self._add(used, through, module)

    def _add(self, used: Used, through: str, module: Module) -> None:
        if isinstance(used, Variable):
            if used.owner is None and used.scope is None:
                users = self._variables.setdefault((used.module, used.name), {})
                users.setdefault(module, set()).add(through)
        elif isinstance(used, FunctionInfo):
            self._functions.setdefault(used, {})[module] = None
        else:
            for name in ("__init__", "__call__"):
                found = used.find(name)
                if found is not None and found[1].function is not None:
                    self._functions.setdefault(found[1].function, {})[module] = None

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
        for function, modules in self._functions.items():
            if name in function.header.mentions:
                function.module.consult()
                symbol = function.index.lookup(function.module, name)
                if isinstance(symbol, Variable) and symbol.module is module:
                    found.update(modules)
        return self._few(found, module)

    def of_function(self, function: FunctionInfo) -> list[Module]:
        """The modules whose top level uses it."""
        return list(self._functions.get(function, ()))

    def of_class(self, cls: ClassInfo, name: str) -> list[Module]:
        """The other modules that may add to what the class holds under that name."""
        found: dict[Module, None] = {}
        for function, modules in self._functions.items():
            if name in function.header.mentions and _are_kin(cls, function.owner):
                function.module.consult()
                found.update(modules)
        return self._few(found, None)

    def _few(self, found: dict[Module, None], own: Module | None) -> list[Module]:
        others = [module for module in found if module is not own]
        return others if len(others) <= MOST else []


def _are_kin(cls: ClassInfo, other: ClassInfo | None) -> bool:
    return other is None or other.is_subclass_of(cls) or cls.is_subclass_of(other)


def _may_keep(cls: ClassInfo, method: str) -> bool:
    """Could calling this method put anything into the object?"""
    found = cls.find(method) if method else None
    if found is None or found[1].function is None or found[1].kind == "property":
        return True
    header = found[1].function.header
    found[1].function.module.consult()
    return not header.parameters or not {header.parameters[0].name, "super"}.isdisjoint(header.mentions)


def _used(
    index: Index, module: Module, body: p.Statements, scope: ClassInfo | None
) -> Iterator[tuple[Used, str]]:
    """What the top level of a module calls, decorates with, or puts things into."""
    for statement in body:
        if isinstance(statement, p.FunctionDefinition):
            for expression in module.program.functions[statement.function].decorators:
                yield from _root(index, module, expression, scope, CALLED)
        elif isinstance(statement, p.ClassDefinition):
            cls = index.class_at(module, statement, scope, None)
            for expression in statement.decorators:
                yield from _root(index, module, expression, scope, CALLED)
            hook = cls.find_after(cls, "__init_subclass__") if statement.bases else None
            if hook is not None and hook[1].function is not None:
                yield hook[1].function, ""
            yield from _used(index, module, statement.body, cls)
        elif isinstance(statement, p.Evaluate) and isinstance(statement.value, p.Call):
            call = statement.value
            for one in (call, *call.arguments):
                yield from _root(index, module, one, scope)
        elif isinstance(statement, p.Assign):
            for target in statement.targets:
                if isinstance(target, p.Subscript):
                    yield from _root(index, module, target, scope)
        elif isinstance(statement, (p.If, p.For)):
            yield from _used(index, module, statement.body, scope)
            yield from _used(index, module, statement.otherwise, scope)
        elif isinstance(statement, (p.With, p.Try)):
            yield from _used(index, module, statement.body, scope)


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
