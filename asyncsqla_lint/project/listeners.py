"""What listeners of a mapper write: `@event.listens_for(Base, "before_update", propagate=True)`.

What is written just before the statement goes out goes with it, so it is neither the server's nor expired.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.project.constants import Construct, constant, read_construct
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Module, Scoped, Symbol
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index
    from asyncsqla_lint.project.models import Model

DECORATOR, CALL = "listens_for", "listen"
_EVERY = frozenset({"sqlalchemy.orm.Mapper", "sqlalchemy.orm.mapper"})
_LISTENING = frozenset(f"sqlalchemy.event.{name}" for name in (DECORATOR, CALL))
_TARGET = 2  # `def stamp(mapper, connection, target)`


class Listeners:
    """Those that decorators and the top levels of modules register."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def written(self, model: Model, event: str) -> frozenset[str]:
        """The attributes of the model that listeners to the event give a value."""
        found: set[str] = set()
        for made, function in self._by_event.get(event, ()):
            if self._is_of(made, model):
                function.consult()
                found.update(_written(function))
        return frozenset(found)

    @cached_property
    def _by_event(self) -> dict[str, list[tuple[Construct, FunctionInfo]]]:
        found: dict[str, list[tuple[Construct, FunctionInfo]]] = {}
        for module in self.index.modules.values():
            for made, function in self._registered(module) if module.says(DECORATOR, CALL) else ():
                if made is not None and made.name in _LISTENING and isinstance(function, FunctionInfo):
                    event = str(constant(self.index, made.argument(1, "identifier")))
                    found.setdefault(event, []).append((made, function))
        return found

    def _registered(self, module: Module) -> Iterator[tuple[Construct | None, Symbol | None]]:
        for info in self.index.functions_of(module):
            for one in info.header.decorators:
                if isinstance(one, p.Call):
                    yield read_construct(self.index, Scoped(one, module, info.definition_scope)), info
        for call in module.names.calls:
            made = read_construct(self.index, Scoped(call, module, None))
            where = None if made is None else made.argument(2, "fn")
            if where is not None:
                yield made, self.index.resolve(where.module, where.expression, where.scope)

    def _is_of(self, made: Construct, model: Model) -> bool:
        where = made.argument(0, "target")
        target = where and self.index.resolve(where.module, where.expression, where.scope)
        if isinstance(target, External):
            return target.name in _EVERY
        if target is model.cls:
            return True
        is_for_heirs = constant(self.index, made.keywords.get("propagate")) is True
        return is_for_heirs and target in model.cls.ancestors


def _written(function: FunctionInfo) -> Iterator[str]:
    parameters = function.header.parameters
    if len(parameters) <= _TARGET:
        return
    name = parameters[_TARGET].name
    for node in walk(function.body):
        targets: tuple[p.Expression, ...] = ()
        if isinstance(node, p.Assign):
            targets = node.targets
        elif isinstance(node, p.AugmentedAssign):
            targets = (node.target,)
        for one in targets:
            if isinstance(one, p.Attribute) and isinstance(one.value, p.Name) and one.value.id == name:
                yield one.name
