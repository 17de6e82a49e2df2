"""Functions that are handed to a framework in a call, not by a decorator."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import Module, Scope, Scoped
from asyncsqla_lint.project.walking import calls


class Handing(Struct, frozen=True):
    """A call such as `dispatcher.message.register(start)`, and where it stands."""

    call: p.Call
    module: Module
    scope: Scope

    def at(self, node: p.Expression) -> Scoped:
        return Scoped(node, self.module, self.scope)


def handed_to(index: Index, method: str) -> dict[FunctionInfo, Handing]:
    """What is given to methods of that name, anywhere; `method` is one of `outline.REGISTERING`."""

    def find() -> dict[FunctionInfo, Handing]:
        found: dict[FunctionInfo, Handing] = {}
        for module in index.modules.values():
            if not module.says(method):
                continue
            for info in index.functions_of(module):
                if method in info.header.mentions:
                    index.foundation.add(info)
                    found.update(_found_in(index, method, module, info.body, info))
            found.update(_found_in(index, method, module, module.program.statements, None))
        return found

    return kept(index, f"handed to {method}", find)


def _found_in(
    index: Index, method: str, module: Module, body: p.Statements, scope: FunctionInfo | None
) -> Iterator[tuple[FunctionInfo, Handing]]:
    for call in calls(body):
        if isinstance(call.function, p.Attribute) and call.function.name == method:
            for node in (*call.arguments, *(word.value for word in call.keywords)):
                function = _function(index, module, node, scope)
                if function is not None:
                    yield function, Handing(call, module, scope)
                    break


def _function(
    index: Index, module: Module, node: p.Expression, scope: FunctionInfo | None
) -> FunctionInfo | None:
    if not isinstance(node, (p.Name, p.Attribute)):
        return None
    found = index.resolve(module, node, scope)
    if isinstance(found, FunctionInfo):
        return found
    owner = None if scope is None else scope.owner
    if owner is not None and isinstance(node, p.Attribute) and isinstance(node.value, p.Name):
        parameters = scope.header.parameters if scope is not None else ()
        if parameters and node.value.id == parameters[0].name:  # `self.read`
            member = owner.find(node.name)
            return None if member is None else member[1].function
    return None
