"""In whose hands something ends when the function that had it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.flow.values import Reference, Value

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def held_by_others(
    flow: Flow, state: State, frame: Frame, more: tuple[Value, ...] = (), but: Value | None = None
) -> set[int]:
    """What can still be reached once the frame is gone, by way of others than `but`.

    What a generator has yielded is still its own.
    """
    lends = frame.function is not None and frame.function.header.is_generator
    modules = flow.scopes.module_frame_ids()
    roots: list[Value] = [*more, *frame.given]
    if frame.receiver is not None:
        roots.append(frame.receiver)
    roots.extend(Reference(oid) for oid in state.heap if flow.is_shared(oid))  # objects of modules
    for number, variables in state.frames.items():
        if (number < frame.id and not lends) or number in modules:
            roots.extend(variables.values())
    if but is not None:
        roots = [root for root in roots if root != but]
    return state.reachable(roots) | state.outside()
