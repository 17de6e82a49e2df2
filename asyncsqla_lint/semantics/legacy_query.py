"""`session.query(User)…` in what `run_sync` runs: executed where its rows are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Iteration, Method, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import greenlets
from asyncsqla_lint.semantics.statements import Statement, new_statement

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_SAME = {
    "filter": "where",
    "populate_existing": "",
    "yield_per": "",
    "enable_eagerloads": "",
    "autoflush": "",
}
_FETCHES = frozenset({"all", "first", "one", "one_or_none", "scalar", "__iter__"})


def query(flow: Flow, session: Reference, arguments: Arguments, at: Span) -> Value:
    return LegacyQuery(session, new_statement(flow, "select", at, arguments))


class LegacyQuery(Value, frozen=True):
    session: Reference
    statement: Value

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return self._fetched(flow, state, "all", at).iterate(flow, state, at, False)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in _FETCHES:
            return self._fetched(flow, state, "all" if name == "__iter__" else name, at)
        if name == "get" and isinstance(self.statement, Statement) and len(self.statement.entities) == 1:
            from asyncsqla_lint.semantics.sessions import perform

            given = Arguments((self.statement.entities[0], *arguments.positional), arguments.keywords)
            return perform(flow, state, self.session, "get", given, at)
        changed = self.statement
        if _SAME.get(name) != "":
            changed = changed.call_method(flow, state, _SAME.get(name, name), arguments, at)
        return LegacyQuery(self.session, changed) if isinstance(changed, Statement) else UNKNOWN

    def _fetched(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        """Rows of one entity are its instances; joined collections are made unique."""
        from asyncsqla_lint.semantics.sessions import perform

        greenlets.needed(flow, state, f"Query.{name}", "AsyncSession", at)
        single = isinstance(self.statement, Statement) and len(self.statement.entities) == 1
        how = "scalars" if single else "execute"
        result = perform(flow, state, self.session, how, Arguments((self.statement,)), at)
        unique = result.call_method(flow, state, "unique", Arguments(), at)
        return unique.call_method(flow, state, name, Arguments(), at)

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.session,)
