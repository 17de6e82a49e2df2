"""`async_scoped_session(factory, scopefunc=asyncio.current_task)`: a session for each task that asks.

What the registry is asked, it asks the session of the task that awaits it; what calling it gives is that
session itself, and stays so wherever it is handed (`ASQ201/bad_session_of_the_registry`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Method, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import api_use, ledger
from asyncsqla_lint.semantics.sessions import COROUTINES, SessionRecord, announced
from asyncsqla_lint.semantics.surroundings import around

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

TASK_SCOPE = ExternalValue("asyncio.current_task")


class RegistryRecord(Record, frozen=True):
    made: SessionRecord  # what each of its sessions is like
    sessions: tuple[tuple[int, Reference], ...] = ()  # by task

    def joined(self, other: Record) -> Record:
        if not isinstance(other, RegistryRecord):
            return FORGOTTEN
        known = dict(self.sessions)
        return replace(
            self, sessions=self.sessions + tuple(one for one in other.sessions if one[0] not in known)
        )

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        return api_use.has(flow, state, me, name)

    def is_external(self, name: str) -> bool | None:
        return api_use.is_instance("async_scoped_session", name)

    def suits(self, is_async: bool) -> bool | None:
        return is_async

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        api_use.read(flow, state, me, name, at)
        if name in ("bind", "sync_session", "no_autoflush"):
            session = session_of_task(flow, state, me, self, at)
            return state.record(session.oid).attribute(flow, state, session, name, at)
        return Method(me, name)

    def call(self, flow: Flow, state: State, me: Reference, arguments: Arguments, at: Span) -> Value:
        return session_of_task(flow, state, me, self, at)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if api_use.has(flow, state, me, name) is False:
            return UNKNOWN
        if name == "remove" or name in COROUTINES:
            if name == "commit":
                ledger.meant(flow, state, session_of_task(flow, state, me, self, at), self.made.site, name)
            return flow.allocate_watched(state, CoroutineRecord(Method(me, name), arguments, flow.site(at)))
        session = session_of_task(flow, state, me, self, at)
        return state.record(session.oid).call_method(flow, state, session, name, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        session = session_of_task(flow, state, me, self, at)
        if name != "remove":
            return state.record(session.oid).await_method(flow, state, session, name, arguments, at)
        state.record(session.oid).await_method(flow, state, session, "close", arguments, at)
        now = state.record(me.oid)
        if isinstance(now, RegistryRecord):
            state.put(me, replace(now, sessions=tuple(one for one in now.sessions if one[1] != session)))
        return NONE

    def refers_to(self) -> tuple[Value, ...]:
        return tuple(session for _, session in self.sessions)


def session_of_task(flow: Flow, state: State, me: Reference, registry: RegistryRecord, at: Span) -> Reference:
    task = around(flow).task
    for key, session in registry.sessions:
        if key == task:
            return session
    session = announced(flow, state, registry.made, "scoped", at)
    state.put(me, replace(registry, sessions=(*registry.sessions, (task, session))))
    return session
