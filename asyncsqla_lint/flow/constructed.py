"""What the project gives the constructor of a class for a parameter of which the header says nothing.

`ShopBot(token, async_sessionmaker(engine))` tells `sessions` of `def __init__(self, token, sessions)`.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.values import UNKNOWN, Constant, Value, union
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.keeping import kept
from asyncsqla_lint.project.names import Module
from asyncsqla_lint.project.outline import constructions
from asyncsqla_lint.project.walking import statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.index import Index

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
    for call, module, scope in islice(_constructions(flow.index).get(cls, ()), _MOST):
        node = _argument(call, number, name)
        if node is not None:
            value = flow.scopes.at_module(module, partial(_evaluated, flow, _source(node, scope)))
            if value is not UNKNOWN and not isinstance(value, Constant) and value not in values:
                values.append(value)
    return union(tuple(values)) if values else UNKNOWN


def _argument(call: p.Call, number: int, name: str) -> p.Expression | None:
    if any(isinstance(one, p.Starred) for one in call.arguments):
        return None
    named = next((word.value for word in call.keywords if word.name == name), None)
    return named if named is not None or number >= len(call.arguments) else call.arguments[number]


def _source(node: p.Expression, scope: FunctionInfo | None) -> p.Expression | None:
    """What a variable of the function was made of."""
    if scope is None or not isinstance(node, p.Name):
        return node
    if any(one.name == node.id for one in scope.header.parameters):
        return None
    made = [
        one.value
        for one in statements(scope.body)
        if isinstance(one, p.Assign)
        and any(isinstance(target, p.Name) and target.id == node.id for target in one.targets)
    ]
    return node if not made else made[0] if len(made) == 1 else None


def _evaluated(flow: Flow, node: p.Expression | None, state: State, frame: Frame) -> Value:
    return UNKNOWN if node is None else flow.evaluate(state, node)


def _constructions(index: Index) -> dict[ClassInfo, list[Place]]:
    return kept(index, "constructions", lambda: _all_constructions(index))


def _all_constructions(index: Index) -> dict[ClassInfo, list[Place]]:
    found: dict[ClassInfo, list[Place]] = {}
    for module in index.modules.values():
        if module.signs is not None and not module.signs.constructs:
            continue
        for number, call in constructions(module.program):
            scope = None if number is None else index.function_numbered(module, number)
            made = index.resolve(module, call.function, scope)
            if isinstance(made, ClassInfo):
                found.setdefault(made, []).append((call, module, scope))
    return found
