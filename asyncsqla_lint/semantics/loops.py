"""Queries made once for each element of what another query gave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Reference, Symbol, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.instances import InstanceRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class QueryInLoop(Event):
    """The database is asked for something of one element, inside a loop over elements that a query gave."""

    method: str
    model: str
    loaded_at: Site


def asked(flow: Flow, state: State, method: str, about: Iterable[Value], at: Span) -> None:
    """`method` asks the database about these values."""
    if not flow.loops or not flow.listens(QueryInLoop):
        return
    about = tuple(about)
    for frame, elements in reversed(flow.loops):
        for element in elements:
            for reference in _instances(state, element):
                record = state.record(reference.oid)
                if not isinstance(record, InstanceRecord) or record.is_new or record.is_made:
                    continue
                if record.origin and _concerns(reference, about):
                    site, own = _inside(flow, frame, at)
                    flow.emit(
                        QueryInLoop(site, own, flow.is_certain, method, record.model.name, record.origin)
                    )
                    return


def _instances(state: State, value: Value) -> list[Reference]:
    found = (
        [value]
        if isinstance(value, Reference)
        else [one for one in value.refers_to(state) if isinstance(one, Reference)]
    )
    return [one for one in found if isinstance(state.record(one.oid), InstanceRecord)]


def _concerns(reference: Reference, about: tuple[Value, ...]) -> bool:
    prefix = f"{reference.oid}."
    return any(
        value == reference or (isinstance(value, Symbol) and value.name.startswith(prefix)) for value in about
    )


def _inside(flow: Flow, loop: Frame, at: Span) -> tuple[Site, Frame]:
    """The expression of the loop's own body that leads to the query."""
    frame, span = flow.frame, at
    while frame is not loop and frame.caller is not None:
        frame, span = frame.caller, frame.call_span
    return Site(frame.module, span), frame
