"""Sessions as they come about: of a factory, a class, a registry, or promised by an annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.semantics import (
    binds,
    ledger,
    scripts,
)
from asyncsqla_lint.semantics.assumptions import assumed_autoflush, assumed_expire_on_commit
from asyncsqla_lint.semantics.events import FactoryCreated
from asyncsqla_lint.semantics.factories import FactoryValue, flag
from asyncsqla_lint.semantics.scoped import TASK_SCOPE, RegistryRecord
from asyncsqla_lint.semantics.sessions import (
    ASYNC_SESSION,
    SYNC_SESSION,
    Ancestry,
    SessionRecord,
    announced,
    parameter_session,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


ASYNC_SESSIONS = (
    ASYNC_SESSION,
    "sqlmodel.ext.asyncio.session.AsyncSession",
    "sqlalchemy.ext.asyncio.async_scoped_session",
)
SYNC_SESSIONS = (SYNC_SESSION, "sqlmodel.Session", "sqlalchemy.orm.scoped_session")


def register(meanings: Meanings) -> None:
    meanings.calls["sqlalchemy.ext.asyncio.async_sessionmaker"] = _factory(True)
    meanings.calls["sqlalchemy.orm.sessionmaker"] = _factory(False)
    meanings.calls["sqlalchemy.ext.asyncio.async_scoped_session"] = _scoped("async_scoped_session")
    meanings.calls["sqlalchemy.orm.scoped_session"] = _scoped("scoped_session")
    for name in binds.THREAD_SCOPES:
        meanings.calls.setdefault(name, binds.thread_scope(name))
    meanings.harmless.update(name for name in binds.THREAD_SCOPES if not name.startswith("asyncio."))
    meanings.calls["sqlalchemy.ext.asyncio.async_session"] = lambda *_: UNKNOWN
    for is_async, names in ((True, ASYNC_SESSIONS), (False, SYNC_SESSIONS)):
        for name in names:
            meanings.instances[name] = _promised_session(is_async, name.endswith("scoped_session"))
            if is_async:
                meanings.one_for_all.add(name)
        for name in names[:2]:
            meanings.calls[name] = _session_class(is_async)
            meanings.values[f"{name}.__mro__"] = Ancestry(name)
    meanings.instances["sqlalchemy.ext.asyncio.async_sessionmaker"] = _promised_factory(True)
    meanings.instances["sqlalchemy.orm.sessionmaker"] = _promised_factory(False)
    meanings.when_instantiated.append(_instantiate)
    meanings.when_promised.append(_promise)
    meanings.when_inherited.append(_inherited)


def _factory(is_async: bool):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        cls = arguments.keywords.get("class_")
        asynchronous = is_async or _is_async_class(cls)
        expire = flag(arguments, "expire_on_commit", True)
        unbound = UNKNOWN if arguments.more_keywords is not None else NONE
        bind = arguments.get(0, "bind") or unbound
        name = "async_sessionmaker" if is_async else "sessionmaker"
        binds.bound(flow, state, name, asynchronous, bind, at)
        if flow.listens(FactoryCreated):
            default = _is_default(flow, arguments)
            flow.emit(
                FactoryCreated(
                    flow.site(at),
                    flow.frame,
                    flow.is_certain,
                    name,
                    asynchronous,
                    expire,
                    default,
                    bind,
                    "request" in flow.notes,
                )
            )
        return FactoryValue(
            asynchronous,
            flow.site(at),
            expire,
            bind,
            flag(arguments, "autoflush", True) is not False,
            cls if isinstance(cls, ClassValue) else None,
            may_lodge=bind is UNKNOWN and _may_be_connected(flow),
        )

    return meaning


def _may_be_connected(flow: Flow) -> bool:
    """An `AsyncConnection` is at hand in coroutines only: there it may be what is unknown."""
    function = flow.frame.function
    return function is not None and function.header.is_async


def _is_default(flow: Flow, arguments: Arguments) -> bool:
    """Is `expire_on_commit` left open, where others may commit, and read what has expired then?

    Of the sessions of a script every read is seen: what is expired is said there.
    """
    if "expire_on_commit" in arguments.keywords or arguments.more_keywords is not None:
        return False
    return not scripts.is_run_at_once(flow, flow.frame)


def _is_async_class(value: Value | None) -> bool:
    if isinstance(value, ClassValue):
        return any(value.info.is_subclass_of(name) for name in ASYNC_SESSIONS)
    return isinstance(value, ExternalValue) and value.name in ASYNC_SESSIONS


def _session_class(is_async: bool):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return _made(flow, state, is_async, arguments, at, None)

    return meaning


def _made(
    flow: Flow, state: State, is_async: bool, arguments: Arguments, at: Span, cls: ClassInfo | None
) -> Reference:
    expire = flag(arguments, "expire_on_commit", True)
    bind = arguments.get(0, "bind") or UNKNOWN
    binds.bound(flow, state, "AsyncSession" if is_async else "Session", is_async, bind, at)
    # `AsyncSession()` has no engine to ask: a stand-in, which a test hands to what only keeps it.
    if flow.listens(FactoryCreated) and (cls is not None or arguments != Arguments()):
        default = _is_default(flow, arguments)
        name = "AsyncSession" if is_async else "Session"
        where = flow.bound_at if isinstance(flow.bound_at, Site) else flow.site(at)
        flow.emit(FactoryCreated(where, flow.frame, flow.is_certain, name, is_async, expire, default, bind))
    may_lodge = (
        cls is None and bind is UNKNOWN and (bool(arguments.positional) or "bind" in arguments.keywords)
    )
    record = SessionRecord(is_async, flow.site(at), expire, bind=bind, cls=cls, may_lodge=may_lodge)
    session = announced(flow, state, record, "class", at)
    if may_lodge:
        ledger.autocommits(state, session)  # whoever owns the connection commits or not
    return session


def _scoped(name: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return _scoped_session(flow, state, name, arguments, at)

    return meaning


def _scoped_session(flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
    factory = arguments.get(0, "session_factory")
    if name == "async_scoped_session" or (isinstance(factory, FactoryValue) and factory.is_async):
        binds.scoped(flow, state, name, arguments, at)
    if not isinstance(factory, FactoryValue):
        if name == "async_scoped_session":
            return parameter_session(flow, state, True, at, is_scoped=True)
        return UNKNOWN
    record = SessionRecord(
        factory.is_async,
        flow.site(at),
        factory.expire_on_commit,
        bind=factory.bind,
        factory=factory.site,
        is_scoped=True,
        cls=None if factory.cls is None else factory.cls.info,
    )
    if record.is_async and arguments.get(1, "scopefunc") == TASK_SCOPE:
        return flow.allocate(state, RegistryRecord(replace(record, is_scoped=False)))
    return announced(flow, state, record, "scoped", at)


def _promised_factory(is_async: bool):  # type: ignore[no-untyped-def]  # the type is InstanceMeaning
    def meaning(flow: Flow, state: State, arguments: tuple[Value, ...], at: Span) -> Value:
        if arguments and _is_async_class(arguments[0]):
            return _assumed_factory(flow, True, at)
        promised = _assumed_factory(flow, is_async, at)
        return promised if is_async or arguments else replace(promised, is_promised=True)

    return meaning


def _assumed_factory(flow: Flow, is_async: bool, at: Span) -> FactoryValue:
    expire, _ = assumed_expire_on_commit(flow) if is_async else (None, "")
    return FactoryValue(is_async, flow.site(at), expire, autoflush=not is_async or assumed_autoflush(flow))


def _promised_session(is_async: bool, is_scoped: bool):  # type: ignore[no-untyped-def]  # the type is InstanceMeaning
    def meaning(flow: Flow, state: State, arguments: tuple[Value, ...], at: Span) -> Value:
        return parameter_session(flow, state, is_async, at, is_scoped=is_scoped)

    return meaning


# --- classes of the project ----------------------------------------------------------------------


def _session_kind(cls: ClassInfo) -> bool | None:
    """Is the class an async session (True), a sync one (False), or none?"""
    if any(cls.is_subclass_of(name) for name in ASYNC_SESSIONS):
        return True
    return False if any(cls.is_subclass_of(name) for name in SYNC_SESSIONS) else None


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    kind = _session_kind(cls.info)
    return None if kind is None else _made_of_class(flow, state, kind, cls, arguments, at)


def _made_of_class(
    flow: Flow, state: State, kind: bool, cls: ClassValue, arguments: Arguments, at: Span
) -> Value:
    """An instance of the project's own session class, whose `__init__` may decide the options."""
    found = cls.info.find("__init__")
    if found is None or found[1].function is None:
        return _made(flow, state, kind, arguments, at, cls.info)
    me = announced(flow, state, SessionRecord(kind, flow.site(at), cls=cls.info), "class", at)
    run_function(flow, state, FunctionValue(found[1].function, (), me), arguments, at)
    return me


class SessionInit(Value, frozen=True):
    """`super().__init__(…)` of a session class: the options that count."""

    session: Reference

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        record = state.record(self.session.oid)
        if isinstance(record, SessionRecord):
            expire = flag(arguments, "expire_on_commit", True)
            bind = arguments.get(0, "bind") or record.bind
            state.put(self.session, replace(record, expire_on_commit=expire, bind=bind))
        return NONE


def _promise(flow: Flow, state: State, cls: ClassValue, at: Span) -> Value | None:
    kind = _session_kind(cls.info)
    return None if kind is None else parameter_session(flow, state, kind, at, cls.info)


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    """`super().execute(…)` in a subclass of AsyncSession."""
    from asyncsqla_lint.flow.values import Method

    record = state.record(me.oid) if isinstance(me, Reference) else None
    if isinstance(record, SessionRecord) and isinstance(me, Reference):
        return SessionInit(me) if name == "__init__" else Method(me, name)
    return None
