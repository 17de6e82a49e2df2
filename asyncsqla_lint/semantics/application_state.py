"""`app.state`: what a lifespan or a factory of the application keeps there, all requests find."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.roots import run_given
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Value, union
from asyncsqla_lint.project.outline import STATE
from asyncsqla_lint.project.walking import statements

if TYPE_CHECKING:
    from asyncsqla_lint.flow.frames import Frame
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.project.functions import FunctionInfo

MOST = 4  # so many places that keep something under one name are looked at


class Kept:
    """What is put on the state while somebody asks for one name of it, and how the path was then."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[Value] = []
        self.state: State | None = None

    def put(self, state: State, name: str, value: Value) -> None:
        if name == self.name and value not in (UNKNOWN, NONE) and value not in self.values:
            self.values.append(value)
            self.state = state.copy()


def kept(flow: Flow, name: str) -> Value:
    """What the project keeps under the name: one value for all, as a global is."""
    return flow.remembered(("application state", name), partial(_all_given, name), UNKNOWN)


def _all_given(name: str, flow: Flow) -> Value:
    values = [value for value in islice(_given(flow, name), MOST) if value not in (UNKNOWN, NONE)]
    return union(tuple(values[:MOST])) if values else UNKNOWN


def noticed(flow: Flow, state: State, name: str, value: Value) -> None:
    watching = flow.notes.get(_WATCHING)
    if isinstance(watching, Kept):
        watching.put(state, name, value)


_WATCHING = "application state watched"


def _given(flow: Flow, name: str) -> Iterator[Value]:
    for module in flow.index.modules.values():
        if module.signs is not None and name not in module.signs.kept:
            continue
        for one in module.names.attribute_assignments:
            if _keeps(one.target, one.name, name):
                yield flow.scopes.at_module(module, partial(_evaluated, flow, one.value))
        if any(STATE in header.mentions for header in module.program.functions):
            for info in flow.index.functions_of(module):
                if STATE in info.header.mentions and name in info.header.mentions:
                    if any(map(partial(_assigns, name), statements(info.body))):
                        yield from _kept_by(flow, info, name)


def _evaluated(flow: Flow, node: p.Expression, state: State, frame: Frame) -> Value:
    return flow.evaluate(state, node)


def _kept_by(flow: Flow, info: FunctionInfo, name: str) -> list[Value]:
    watching = Kept(name)
    outer, flow.notes[_WATCHING] = flow.notes.get(_WATCHING), watching
    try:
        flow.scopes.at_module(info.module, partial(_run, flow, info, watching))
    finally:
        flow.notes[_WATCHING] = outer
    return watching.values


def _run(flow: Flow, info: FunctionInfo, watching: Kept, state: State, frame: Frame) -> Value:
    run_given(flow, state, info, {})
    if watching.state is not None:
        state.become(watching.state)  # not as it is at the end, where a lifespan has disposed what it made
    return NONE


def _assigns(name: str, statement: p.Statement) -> bool:
    """`….state.name = …`"""
    targets = statement.targets if isinstance(statement, p.Assign) else ()
    return any(isinstance(one, p.Attribute) and _keeps(one.value, one.name, name) for one in targets)


def _keeps(target: p.Expression, attribute: str, name: str) -> bool:
    return attribute == name and isinstance(target, p.Attribute) and target.name == STATE
