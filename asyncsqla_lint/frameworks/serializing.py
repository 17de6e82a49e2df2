"""Serialisation: a library reads attributes of instances where the project's code only hands them over.

All that one such expression reads and that is not there becomes one event, with what would load it all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import PathEnds
from asyncsqla_lint.flow.values import Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.semantics.events import AttributeLoad
from asyncsqla_lint.semantics.missing import standing
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

DEEPEST_TREE = 5


class Step(Struct):
    """A relationship that has to be loaded, and what has to be loaded below it."""

    relationship: Relationship
    below: list[Step] = []


class Load(Struct):
    """One attribute that was not there: where it hangs, and what is read below it."""

    event: AttributeLoad
    path: tuple[Relationship, ...]  # from the instance that the query gave, the attribute itself included
    below: list[Step] = []
    where: str = ""  # in a file that is no module: `pages/list.html:12`


class Serialized(Event):
    """An expression hands instances to `reader`, which reads attributes that are not there."""

    reader: str
    loads: tuple[Load, ...]


class Reading:
    """One serialisation under way: collects what is missing."""

    def __init__(self, flow: Flow, reader: str) -> None:
        self.flow = flow
        self.reader = reader
        self.where = ""
        self.loads: list[Load] = []

    def heard(self, event: Event) -> None:
        if isinstance(event, AttributeLoad):
            self.loads.append(Load(event, event.path, where=self.where))


def serialize(flow: Flow, state: State, at: Span, reader: str, act: Callable[[Reading], Value]) -> Value:
    """Run `act`, which reads on behalf of a library. The outermost of nested ones says what was missing."""
    reading = Reading(flow, reader)
    if around(flow).serializing:
        return act(reading)
    listeners = flow.listeners
    flow.listeners = {**listeners, AttributeLoad: [reading.heard]}
    around(flow).serializing += 1
    around(flow).serialized_at = (flow.frame, at)
    try:
        return act(reading)
    finally:
        site, frame, _ = standing(flow, at)
        flow.listeners = listeners
        around(flow).serializing -= 1
        around(flow).serialized_at = None
        if reading.loads and flow.listens(Serialized):
            certain = any(load.event.certain for load in reading.loads)
            flow.emit(Serialized(site, frame, certain, reader, tuple(reading.loads)))


def attempt(flow: Flow, state: State, act: Callable[[State], Value]) -> list[Load] | None:
    """What would be missing if `act` ran; None when it would not come to its end for another reason."""
    trial = Reading(flow, "")
    own = state.copy()
    listeners, recorders, muted = flow.listeners, flow.recorders, flow.muted
    flow.listeners, flow.recorders, flow.muted = {AttributeLoad: [trial.heard]}, [], 0
    flow.joining += 1
    try:
        act(own)
    except PathEnds:
        return None
    finally:
        flow.joining -= 1
        flow.listeners, flow.recorders, flow.muted = listeners, recorders, muted
    return trial.loads
