"""Functions inside of others that are not called there: whoever is handed them calls them afterwards.

The routes that an application factory declares, a handler that a function makes and returns, the methods of
a class of whose instances it makes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.joining import join_states
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, Module
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_INSIDE = ".<locals>."
_WRAPS = ("functools.wraps", "functools.update_wrapper")


class Left:
    """Where a root has come to: what its inner functions close over."""

    def __init__(self, frame: Frame, state: State) -> None:
        self.frame = frame
        self.state = state


def leave_behind(flow: Flow, frame: Frame, states: list[State]) -> None:
    """A root has ended in these states. (One that waits has put away what its inner functions used.)"""
    info = frame.function
    if info is not None and info is flow.notes.get("root") and states:
        if not (info.is_async or info.header.is_generator) and info.qualname in _outer(flow, info.module):
            flow.notes["left"] = Left(frame, join_states(states))


def outliving(flow: Flow, left: Left) -> list[FunctionInfo]:
    """The inner functions that somebody was handed, and methods of inner classes, that nobody has called."""
    outer = left.frame.function
    assert outer is not None
    handed = _handed(outer)
    found: list[FunctionInfo] = []
    for node in walk(outer.body):
        if isinstance(node, p.ClassDefinition):
            inner = flow.index.class_at(outer.module, node, None, outer)
            found += (one for one in inner.own_functions() if one not in flow.called)
        elif isinstance(node, p.FunctionDefinition):
            info = flow.index.function_at(outer.module, node.function, None, outer)
            if (
                info.owner is None
                and info not in flow.called
                and (info.name in handed or _is_registered(info))
            ):
                found.append(info)
    return found


def _outer(flow: Flow, module: Module) -> frozenset[str]:
    """The functions of a module that have others inside."""
    known = flow.memory.setdefault(Left, {})
    assert isinstance(known, dict)
    found: frozenset[str] | None = known.get(module)
    if found is None:
        names = (header.qualname for header in module.program.functions)
        found = known[module] = frozenset(name.rpartition(_INSIDE)[0] for name in names if _INSIDE in name)
    return found


def _handed(outer: FunctionInfo) -> set[str]:
    """The names that the body uses for more than a call."""
    nodes = list(walk(outer.body))
    called = {id(node.function) for node in nodes if isinstance(node, p.Call)}
    return {node.id for node in nodes if isinstance(node, p.Name) and id(node) not in called}


def _is_registered(info: FunctionInfo) -> bool:
    """A decorator from outside keeps it. (What one of the project makes of it is seen where that is used.)"""
    return any(
        symbol is None or (isinstance(symbol, External) and symbol.name not in _WRAPS)
        for symbol in info.decorators
    )
