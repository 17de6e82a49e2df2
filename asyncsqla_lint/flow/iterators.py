"""Iterators: as long as a loop runs, Python holds what it goes over, under no name that the program knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.values import UNKNOWN, Iteration, Reference, TupleValue
from asyncsqla_lint.program import Clause, For

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def hold(flow: Flow, state: State, loop: For | Clause, iteration: Iteration) -> str:
    """The variable that holds it; whoever ends the loop takes that away."""
    name = f"for {loop.iterable.span}"
    elements = iteration.items or (iteration.element or UNKNOWN,)
    if any(isinstance(one, Reference) or one.refers_to(state) for one in elements):
        state.assign(flow.frame.id, name, TupleValue(elements))
    return name
