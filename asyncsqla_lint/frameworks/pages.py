"""fastapi-pagination: `apaginate(session, query)` runs the query; what transforms the rows sees them.

The page itself is made, and its schemas read the rows, in a greenlet of SQLAlchemy's, where they may load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import FALSE, NONE, UNKNOWN, Arguments, Reference, Value
from asyncsqla_lint.frameworks.asking import asked, done
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.statements import Statement

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

_HOMES = ("sqlalchemy", "sqlmodel", "async_sqlalchemy", "async_sqlmodel", "sqlalchemy_future")


def register(meanings: Meanings) -> None:
    for home in _HOMES:
        for name in ("paginate", "apaginate"):
            meanings.calls[f"fastapi_pagination.ext.{home}.{name}"] = _paginate


class Paginating(Value, frozen=True):
    """What is awaited: the query runs then."""

    arguments: Arguments

    def truth(self, state: State) -> bool | None:
        return True

    def awaited(self, flow: Flow, state: State, at: Span) -> Value:
        arguments = self.arguments
        session, query = arguments.get(0, "conn"), arguments.get(1, "query")
        if session is None or query is None:
            return UNKNOWN
        rows = done(flow, state, session, "execute", at, query)
        if isinstance(query, Statement) and len(query.entities) == 1:
            rows = asked(flow, state, rows, "scalars", at)
        if arguments.keywords.get("unique") != FALSE:
            rows = asked(flow, state, rows, "unique", at)
        items = asked(flow, state, rows, "all", at)
        transformer = arguments.keywords.get("transformer")
        if transformer is not None and transformer != NONE:
            items = transformer.call(flow, state, Arguments((items,)), at)
            record = state.record(items.oid) if isinstance(items, Reference) else None
            if isinstance(record, CoroutineRecord):
                items.awaited(flow, state, at)
        return UNKNOWN

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return tuple(self.arguments.all())


def _paginate(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Paginating(arguments)
