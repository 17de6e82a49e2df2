"""What a Result hands out to be looped over: lists, and the partitions of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import ListRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Iteration, Reference
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.api_events import IterationMismatched

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class FetchedRecord(ListRecord, frozen=True):
    """Of one of its kind it is known how it is iterated. `owner`: "list", "AsyncResult.partitions()"."""

    owner: str = "list"
    is_async: bool = False

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        if is_async is not self.is_async and flow.listens(IterationMismatched):
            flow.emit(IterationMismatched(flow.site(at), flow.frame, flow.is_certain, self.owner, is_async))
        return ListRecord.iterate(self, flow, state, me, at, is_async)
