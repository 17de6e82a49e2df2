"""Registers what SQLAlchemy's functions, classes and types mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue, FunctionValue
from asyncsqla_lint.flow.calls import run_function
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Reference, Value
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.models import Hybrid, MappedAttribute
from asyncsqla_lint.semantics import (
    api_use,
    assumptions,
    background,
    binds,
    blocking,
    concurrency,
    connections,
    custody,
    ddl,
    eager_use,
    engines,
    environment,
    event_loops,
    extension,
    failures,
    fields,
    generated,
    guards,
    ledger,
    lifetimes,
    listening,
    locks,
    loop_runs,
    ownership,
    sharing,
    short_lives,
    slow,
    task_groups,
    threads,
    unawaited,
    urls,
)
from asyncsqla_lint.semantics.assumptions import assumed_expire_on_commit, only_session
from asyncsqla_lint.semantics.events import FactoryCreated
from asyncsqla_lint.semantics.expressions import SQL, AliasValue, AttributeValue, Criterion
from asyncsqla_lint.semantics.factories import FactoryValue, flag
from asyncsqla_lint.semantics.instances import InstanceRecord, allocate, forget_defaults
from asyncsqla_lint.semantics.loader_options import (
    COLUMN_STRATEGIES,
    NO_OPTIONS,
    RELATIONSHIP_STRATEGIES,
    Criteria,
    LoaderOptions,
    extended,
    target_class,
    unpacked,
)
from asyncsqla_lint.semantics.mappers import MapperValue
from asyncsqla_lint.semantics.scoped import TASK_SCOPE, RegistryRecord
from asyncsqla_lint.semantics.sessions import (
    ASYNC_SESSION,
    SYNC_SESSION,
    Ancestry,
    SessionRecord,
    announced,
    parameter_session,
)
from asyncsqla_lint.semantics.statements import new_statement
from asyncsqla_lint.semantics.writing import construct

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

ASYNC_SESSIONS = (
    ASYNC_SESSION,
    "sqlmodel.ext.asyncio.session.AsyncSession",
    "sqlalchemy.ext.asyncio.async_scoped_session",
)
SYNC_SESSIONS = (SYNC_SESSION, "sqlmodel.Session", "sqlalchemy.orm.scoped_session")
EXCEPTIONS = {
    "SQLAlchemyError": "Exception",
    "ArgumentError": "SQLAlchemyError",
    "InvalidRequestError": "SQLAlchemyError",
    "IllegalStateChangeError": "InvalidRequestError",
    "PendingRollbackError": "InvalidRequestError",
    "MissingGreenlet": "InvalidRequestError",
    "NoResultFound": "InvalidRequestError",
    "MultipleResultsFound": "InvalidRequestError",
    "DetachedInstanceError": "SQLAlchemyError",
    "StatementError": "SQLAlchemyError",
    "DBAPIError": "StatementError",
    "DatabaseError": "DBAPIError",
    "IntegrityError": "DatabaseError",
    "OperationalError": "DatabaseError",
    "ProgrammingError": "DatabaseError",
    "DataError": "DatabaseError",
    "StaleDataError": "SQLAlchemyError",
    "FlushError": "SQLAlchemyError",
}


MEMBER_DECORATORS = frozenset(
    {
        "sqlalchemy.ext.hybrid.hybrid_property",
        "sqlalchemy.ext.hybrid.hybrid_method",
        "sqlalchemy.orm.declared_attr",
        "sqlalchemy.orm.declared_attr.directive",
        "sqlalchemy.orm.declared_attr.cascading",
        "sqlalchemy.orm.validates",
        "sqlalchemy.orm.reconstructor",
    }
)


def register(meanings: Meanings) -> None:
    meanings.database_errors.add("sqlalchemy")
    meanings.member_decorators |= MEMBER_DECORATORS
    for name, parent in EXCEPTIONS.items():
        line, one = [name], parent
        while one in EXCEPTIONS:
            line.append(one)
            one = EXCEPTIONS[one]
        meanings.exceptions[name] = (*line, one, "BaseException")
    for name in ("select", "insert", "update", "delete", "text"):
        meanings.calls[f"sqlalchemy.{name}"] = _statement(name)
    for dialect in ("postgresql", "sqlite", "mysql"):
        meanings.calls[f"sqlalchemy.dialects.{dialect}.insert"] = _statement("insert")
    meanings.calls["sqlmodel.select"] = _statement("select")
    for strategy in RELATIONSHIP_STRATEGIES | COLUMN_STRATEGIES | {"selectin_polymorphic"}:
        meanings.calls[f"sqlalchemy.orm.{strategy}"] = _loader(strategy)
    meanings.calls["sqlalchemy.orm.with_loader_criteria"] = lambda *_: Criteria()
    meanings.calls["sqlalchemy.orm.Load"] = _load
    meanings.calls["sqlalchemy.orm.aliased"] = _aliased
    meanings.calls["sqlalchemy.orm.with_polymorphic"] = _with_polymorphic
    meanings.calls["sqlalchemy.and_"] = _and
    for name in (
        "or_",
        "not_",
        "func",
        "case",
        "cast",
        "literal",
        "column",
        "exists",
        "between",
        "desc",
        "asc",
    ):
        meanings.calls[f"sqlalchemy.{name}"] = lambda *_: SQL
    meanings.prefixes.append(("sqlalchemy.func.", lambda *_: SQL))
    meanings.calls["sqlalchemy.ext.asyncio.async_sessionmaker"] = _factory(True)
    meanings.calls["sqlalchemy.orm.sessionmaker"] = _factory(False)
    meanings.calls["sqlalchemy.ext.asyncio.async_scoped_session"] = _scoped("async_scoped_session")
    meanings.calls["sqlalchemy.orm.scoped_session"] = _scoped("scoped_session")
    for name in binds.THREAD_SCOPES:
        meanings.calls.setdefault(name, binds.thread_scope(name))
    meanings.harmless.update(name for name in binds.THREAD_SCOPES if not name.startswith("asyncio."))
    meanings.calls["sqlalchemy.ext.asyncio.async_session"] = lambda *_: UNKNOWN
    for name in ASYNC_SESSIONS[:2]:
        meanings.calls[name] = _session_class(True)
    for name in SYNC_SESSIONS[:2]:
        meanings.calls[name] = _session_class(False)
    for name in ASYNC_SESSIONS:
        meanings.instances[name] = lambda flow, state, arguments, at: parameter_session(flow, state, True, at)
    for name in SYNC_SESSIONS:
        meanings.instances[name] = lambda flow, state, arguments, at: parameter_session(
            flow, state, False, at
        )
    meanings.instances["sqlalchemy.ext.asyncio.async_sessionmaker"] = _promised_factory(True)
    meanings.instances["sqlalchemy.orm.sessionmaker"] = _promised_factory(False)
    for name in (*ASYNC_SESSIONS[:2], *SYNC_SESSIONS[:2]):
        meanings.values[f"{name}.__mro__"] = Ancestry(name)
    meanings.when_instantiated.append(_instantiate)
    meanings.when_promised.append(_promise)
    meanings.when_class_read.append(_class_attribute)
    meanings.when_inherited.append(_inherited)
    meanings.when_root_ended.append(forget_defaults)
    guards.register(meanings)
    eager_use.register(meanings)
    assumptions.register(meanings)
    urls.register(meanings)
    fields.register(meanings)
    generated.register(meanings)
    environment.register(meanings)
    extension.register(meanings)
    engines.register(meanings)
    connections.register(meanings)
    api_use.register(meanings)
    custody.register(meanings)
    unawaited.register(meanings)
    blocking.register(meanings)
    ddl.register(meanings)
    ownership.register(meanings)
    short_lives.register(meanings)
    listening.register(meanings)
    threads.register(meanings)
    locks.register(meanings)
    ledger.register(meanings)
    failures.register(meanings)
    lifetimes.register(meanings)
    sharing.register(meanings)
    slow.register(meanings)
    concurrency.register(meanings)
    task_groups.register(meanings)
    background.register(meanings)
    event_loops.register(meanings)  # wraps `asyncio.run`
    loop_runs.register(meanings)


# --- statements and options ----------------------------------------------------------------------


def _statement(kind: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return new_statement(flow, kind, at, arguments)

    return meaning


def _loader(strategy: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return eager_use.written(flow, extended(NO_OPTIONS, strategy, unpacked(flow, state, arguments, at)))

    return meaning


def _load(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    root = target_class(arguments.positional[0]) if arguments.positional else None
    return LoaderOptions(root=root, is_open=root is None)


def _aliased(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = target_class(arguments.positional[0]) if arguments.positional else None
    name = arguments.keywords.get("name")
    label = name.value if isinstance(name, Constant) and isinstance(name.value, str) else None
    return UNKNOWN if cls is None else AliasValue(cls, flow.new_id(), label=label)


def _with_polymorphic(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = target_class(arguments.positional[0]) if arguments.positional else None
    if cls is None:
        return UNKNOWN
    given = arguments.get(1, "classes") or UNKNOWN
    if given == Constant("*"):
        return AliasValue(cls, flow.new_id(), tuple(cls.subclasses))
    iteration = given.iterate(flow, state, at, False)
    classes = tuple(one.info for one in iteration.items or () if isinstance(one, ClassValue))
    return AliasValue(cls, flow.new_id(), classes)


def _and(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return Criterion(
        tuple(pair for one in arguments.positional if isinstance(one, Criterion) for pair in one.equalities)
    )


# --- sessions ------------------------------------------------------------------------------------


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
        )

    return meaning


def _is_default(flow: Flow, arguments: Arguments) -> bool:
    """Is `expire_on_commit` left open, where others may commit, and read what has expired then?

    Of the sessions of a script every read is seen: what is expired is said there.
    """
    if "expire_on_commit" in arguments.keywords or arguments.more_keywords is not None:
        return False
    return not ownership.is_run_at_once(flow, flow.frame)


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
    if flow.listens(FactoryCreated):
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
    return FactoryValue(is_async, flow.site(at), expire)


# --- classes of the project ----------------------------------------------------------------------


def _session_kind(cls: ClassInfo) -> bool | None:
    """Is the class an async session (True), a sync one (False), or none?"""
    if any(cls.is_subclass_of(name) for name in ASYNC_SESSIONS):
        return True
    return False if any(cls.is_subclass_of(name) for name in SYNC_SESSIONS) else None


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    kind = _session_kind(cls.info)
    if kind is not None:
        return _made_of_class(flow, state, kind, cls, arguments, at)
    model = flow.index.model(cls.info)
    if model is not None:
        return construct(flow, state, cls, model, arguments, at)
    return None


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
    if kind is not None:
        return parameter_session(flow, state, kind, at, cls.info)
    model = flow.index.model(cls.info)
    if model is not None:
        return allocate(flow, state, InstanceRecord(model, plan=None, session=only_session(flow, state)))
    return None


def _class_attribute(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    model = flow.index.model(cls.info)
    if model is None:
        return None
    if name in ("__mapper__", "__table__"):
        return MapperValue(model)
    attribute = model.attributes.get(name)
    if isinstance(attribute, MappedAttribute) and not isinstance(attribute, Hybrid):
        return AttributeValue(cls.info, name)
    return SQL if isinstance(attribute, Hybrid) else None


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    """`super().execute(…)` in a subclass of AsyncSession."""
    from asyncsqla_lint.flow.values import Method

    record = state.record(me.oid) if isinstance(me, Reference) else None
    if isinstance(record, SessionRecord) and isinstance(me, Reference):
        return SessionInit(me) if name == "__init__" else Method(me, name)
    return None
