"""FastAPI Users: `Depends(users.current_user())` gives the row that the project's own user database finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.values import (
    FALSE,
    NONE,
    UNKNOWN,
    Arguments,
    Method,
    Reference,
    Symbol,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.frameworks.injection import Need
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_USERS = ("fastapi_users.FastAPIUsers", "fastapi_users.fastapi_users.FastAPIUsers")
_DATABASES = (
    "fastapi_users.db.SQLAlchemyUserDatabase",
    "fastapi_users_db_sqlalchemy.SQLAlchemyUserDatabase",
)


def register(meanings: Meanings) -> None:
    for name in _USERS:
        meanings.calls[name] = lambda flow, state, arguments, at: Users(
            arguments.get(0, "get_user_manager") or UNKNOWN
        )
    for name in _DATABASES:
        meanings.calls[name] = _database


class Users(Value, frozen=True):
    manager: Value

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "current_user":
            return Method(self, name)
        return Symbol("authenticator") if name == "authenticator" else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return CurrentUser(self.manager, arguments.keywords.get("optional", FALSE) != FALSE)


class CurrentUser(Value, frozen=True):
    """A dependency: it is given the user manager, whose database has been made for the request by then."""

    manager: Value
    is_optional: bool

    def needs(self) -> list[Need]:
        return [Need("user_manager", self.manager)]

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        made = [one for _, one in state.heap.items() if isinstance(one, DatabaseRecord)]
        if not made:
            return UNKNOWN
        find = made[-1].session.attribute(flow, state, "get", at)
        row = find.call(flow, state, Arguments((made[-1].model, UNKNOWN)), at).awaited(flow, state, at)
        found = tuple(one for one in alternatives(row) if one != NONE)
        return union((*found, NONE) if self.is_optional else found) if found else UNKNOWN


class DatabaseRecord(Record, frozen=True):
    session: Value
    model: Value

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        return {"session": self.session, "user_table": self.model}.get(name, UNKNOWN)

    def refers_to(self) -> tuple[Value, ...]:
        return (self.session, self.model)


def _database(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    session, model = arguments.get(0, "session"), arguments.get(1, "user_table")
    if session is None or model is None:
        return UNKNOWN
    return flow.allocate(state, DatabaseRecord(session, model))
