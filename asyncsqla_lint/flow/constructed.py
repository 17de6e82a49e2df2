"""What the project gives the constructor of a class for a parameter of which the header says nothing.

`ShopBot(token, async_sessionmaker(engine))` tells `sessions` of `def __init__(self, token, sessions)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.values import UNKNOWN, Constant, Value, union
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.constructions import constructions
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import Module, Scoped
from asyncsqla_lint.project.walking import statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

_DEEPEST = 3
_MOST = 3  # so many places that make an object of one class are looked at
Place = tuple[p.Call, Module, "FunctionInfo | None"]


def given_to_constructor(flow: Flow, cls: ClassInfo, function: FunctionInfo) -> dict[str, Value]:
    """By name: what parameters without annotation and default are given."""
    found: dict[str, Value] = {}
    for number, parameter in enumerate(function.header.parameters[1:]):
        if parameter.annotation is None and parameter.default is None and parameter.kind == "any":
            name = parameter.name
            value = flow.remembered((_given, cls, name), partial(_given, cls, number, name), UNKNOWN)
            if value is not UNKNOWN:
                found[name] = value
    return found


def _given(cls: ClassInfo, number: int, name: str, flow: Flow) -> Value:
    values: list[Value] = []
    for call, module, scope in islice(_places(flow.index).get(cls, ()), _MOST):
        for where in _sources(flow.index, call, number, name, module, scope, 0):
            value = flow.scopes.at_module(where.module, partial(_evaluated, flow, where.expression))
            if value is not UNKNOWN and not isinstance(value, Constant) and value not in values:
                values.append(value)
    return union(tuple(values)) if values else UNKNOWN


def _argument(call: p.Call, number: int, name: str) -> p.Expression | None:
    if any(isinstance(one, p.Starred) for one in call.arguments):
        return None
    named = next((word.value for word in call.keywords if word.name == name), None)
    return named if named is not None or number >= len(call.arguments) else call.arguments[number]


def _sources(
    index: Index, call: p.Call, number: int, name: str, module: Module, scope: FunctionInfo | None, depth: int
) -> Iterator[Scoped]:
    """What the argument was made of: a variable of the function, or what that was given itself."""
    node = _argument(call, number, name)
    if node is None or scope is None or not isinstance(node, p.Name):
        if node is not None:
            yield Scoped(node, module, scope)
        return
    scope.consult()  # its body says of what
    names = [one.name for one in scope.header.parameters]
    if node.id in names:
        for inner, there, outer in _places(index).get(scope, ())[:_MOST] if depth < _DEEPEST else ():
            yield from _sources(index, inner, names.index(node.id), node.id, there, outer, depth + 1)
        return
    made = [
        one.value
        for one in statements(scope.body)
        if isinstance(one, p.Assign)
        and any(isinstance(target, p.Name) and target.id == node.id for target in one.targets)
    ]
    if len(made) < 2:
        yield Scoped(made[0] if made else node, module, scope)


def _evaluated(flow: Flow, node: p.Expression, state: State, frame: Frame) -> Value:
    return flow.evaluate(state, node)


def _places(index: Index) -> dict[object, list[Place]]:
    return kept(index, "constructions", lambda: _all_places(index))


def _all_places(index: Index) -> dict[object, list[Place]]:
    """They are part of the outlines; whoever asks first rests on no text for that."""
    with index.resting_on_outlines():
        return _found_places(index)


def _found_places(index: Index) -> dict[object, list[Place]]:
    found: dict[object, list[Place]] = {}
    for module in index.modules.values():
        if module.signs is not None and not module.signs.constructs:
            continue
        for one in constructions(module.program):
            scope = None if one.function is None else index.function_numbered(module, one.function)
            made = index.resolve(module, one.call.function, scope)
            if isinstance(made, (ClassInfo, FunctionInfo)):
                found.setdefault(made, []).append((one.call, module, scope))
    return found
