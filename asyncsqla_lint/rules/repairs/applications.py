"""Which application a module belongs to: whose lifespan begins and ends what the module holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from asyncsqla_lint.program import Import, ImportFrom
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.names import FunctionBinding
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.semantics.lifespans import is_lifespan


def lifespans_with(index: Index, module: Module) -> list[FunctionInfo]:
    """The lifespans under which the module is in use: those that lead to it by imports; or else those that
    somebody imports who imports the module too. Several projects of one repository have one each.
    """
    modules = list(index.each_text())
    lifespans = [one for each in modules for one in _lifespans(index, each)]
    imported = _Imported(index)
    leading = [one for one in lifespans if module in imported.from_all([one.module])]
    if leading or not lifespans:
        return leading
    both = [one for one in modules if module in imported.from_all([one])]
    return [one for one in lifespans if any(one.module in imported.from_all([each]) for each in both)]


_SERVERS = frozenset(("uvicorn", "hypercorn", "granian", "gunicorn"))


def has_other_process(index: Index, module: Module, scripts: Iterable[Module]) -> bool:
    """Is the module in use in an application that none of these scripts runs?"""
    lifespans = {one.module for one in lifespans_with(index, module)}
    imported = _Imported(index)
    return bool(lifespans) and not any(
        imported.names(script) & _SERVERS or imported.from_all([script]) & lifespans for script in scripts
    )


class _Imported:
    """What importing a module imports."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._known: dict[Module, set[Module]] = {}

    def from_all(self, modules: Iterable[Module]) -> set[Module]:
        found: set[Module] = set()
        waiting = list(modules)
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._by(one)
        return found

    def _by(self, module: Module) -> set[Module]:
        if module not in self._known:
            names = set(self._named(module))
            found = (self._index.module(name, module) for name in names)
            self._known[module] = {one for one in found if one is not None}
        return self._known[module]

    def names(self, module: Module) -> set[str]:
        return {one.partition(".")[0] for one in self._named(module)}

    def _named(self, module: Module) -> Iterator[str]:
        program = module.program
        for node in walk((program.statements, *program.bodies)):
            if isinstance(node, Import):
                yield from (one.name for one in node.names)
            elif isinstance(node, ImportFrom):
                source = self._index.absolute(module, node.level, node.module)
                if source is not None:
                    yield source
                    yield from (f"{source}.{one.name}" for one in node.names)


def _lifespans(index: Index, module: Module) -> Iterator[FunctionInfo]:
    """Async context managers that are given an application."""
    if not any(one.is_generator and one.is_async and one.decorators for one in module.program.functions):
        return
    yield from filter(is_lifespan, _with_nested(index.functions_of(module)))


def _with_nested(functions: Iterable[FunctionInfo]) -> Iterator[FunctionInfo]:
    for function in functions:
        yield function
        inside = (one for bindings in function.names.bindings.values() for one in bindings)
        numbers = [one.number for one in inside if isinstance(one, FunctionBinding)]
        made = (function.index.function_at(function.module, number, None, function) for number in numbers)
        yield from _with_nested(made)
