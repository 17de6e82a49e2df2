"""FastAPI Users: `Depends(users.current_user())` gives the row that the project's own user database finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
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
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.semantics.assumptions import only_session

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_USERS = ("fastapi_users.FastAPIUsers", "fastapi_users.fastapi_users.FastAPIUsers")
_DATABASES = (
    "fastapi_users.db.SQLAlchemyUserDatabase",
    "fastapi_users_db_sqlalchemy.SQLAlchemyUserDatabase",
)

_SESSION = "sqlalchemy.ext.asyncio.AsyncSession"


def register(meanings: Meanings) -> None:
    for name in _USERS:
        meanings.calls[name] = lambda flow, state, arguments, at: Users(
            arguments.get(0, "get_user_manager") or UNKNOWN
        )
    for name in _DATABASES:
        meanings.calls[name] = _database
    meanings.when_instantiated.append(_instantiate)
    meanings.when_inherited.append(_inherited)


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
        row = _found(flow, state, at)
        found = tuple(one for one in alternatives(row) if one != NONE)
        return union((*found, NONE) if self.is_optional else found) if found else UNKNOWN


def _found(flow: Flow, state: State, at: Span) -> Value:
    """The row of the user, as the database finds it that was made last."""
    made: Record | None = None
    own: Value = UNKNOWN
    for oid, one in state.heap.items():
        if isinstance(one, DatabaseRecord) or (isinstance(one, ObjectRecord) and _is_database(one.cls.info)):
            made, own = one, Reference(oid)
    if isinstance(made, ObjectRecord) and made.cls.info.find("get") is None:
        made = DatabaseRecord(
            made.attributes.get("session", UNKNOWN), made.attributes.get("user_table", UNKNOWN)
        )
    if isinstance(made, DatabaseRecord):
        find, given = made.session.attribute(flow, state, "get", at), Arguments((made.model, UNKNOWN))
    else:
        find, given = own.attribute(flow, state, "get", at), Arguments((UNKNOWN,))
    return find.call(flow, state, given, at).awaited(flow, state, at)


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


def _is_database(cls: ClassInfo) -> bool:
    return any(name in _DATABASES for name in cls.external_bases)


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    """A database of the project's own, which adds to what the library's can do."""
    if not _is_database(cls.info) or cls.info.find("__init__") is not None:
        return None
    given = {"session": arguments.get(0, "session"), "user_table": arguments.get(1, "user_table")}
    known = {name: value for name, value in given.items() if value is not None}
    return flow.allocate(state, ObjectRecord(cls, known, is_open=True))


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    if name != "session" or not isinstance(me, Reference) or not _is_database(cls.info):
        return None
    promise = flow.meanings.instance(_SESSION)
    session = only_session(flow, state) or (UNKNOWN if promise is None else promise(flow, state, (), at))
    record = state.record(me.oid)
    if isinstance(record, ObjectRecord):
        state.put(me, replace(record, attributes={**record.attributes, "session": session}))
    return session
