"""Loops that sleep and look again until something is so: `while not job.is_done: await asyncio.sleep(1)`.

Whoever leaves such a loop for that has waited, for a task most likely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.frames import Outcome
from asyncsqla_lint.program import Await, Break, Call, For, If, Match, Raise, Return, Span, Statements, While
from asyncsqla_lint.project.walking import blocks, walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def polls(flow: Flow, node: While | For) -> bool:
    """Does its body sleep?"""
    function = flow.frame.function
    known: dict[Span, bool] = {} if function is None else function.__dict__.setdefault("polls", {})
    if node.span not in known:
        known[node.span] = any(isinstance(one, Await) and _sleeps(flow, one) for one in walk(node.body))
    return known[node.span]


def _sleeps(flow: Flow, node: Await) -> bool:
    call = node.value
    return (
        isinstance(call, Call) and flow.scopes.callee_name(flow.frame, call.function) in flow.meanings.sleeps
    )


def left(flow: Flow, node: While | For, done: list[State], broken: list[State], exits: list[Outcome]) -> None:
    """The loop is left in these ways."""
    waited = list(done) if isinstance(node, While) else []
    if _is_left_on_condition(node.body):
        waited += [*broken, *(one.state for one in exits)]
    for state in waited:
        flow.meanings.waited(flow, state, None)


def _is_left_on_condition(body: Statements, is_asked: bool = False, is_within: bool = False) -> bool:
    for statement in body:
        if isinstance(statement, (Raise, Return)) or (isinstance(statement, Break) and not is_within):
            if is_asked:
                return True
            continue
        asked = is_asked or isinstance(statement, (If, Match))
        within = is_within or isinstance(statement, (For, While))  # whose `break` leaves no more than that
        if any(_is_left_on_condition(block, asked, within) for block in blocks(statement)):
            return True
    return False
