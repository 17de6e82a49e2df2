"""Advanced Alchemy: repositories and services whose inherited methods query, flush and refresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.values import (
    FALSE,
    NONE,
    TRUE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    TupleValue,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.frameworks.asking import asked, done
from asyncsqla_lint.frameworks.injection import Yielded
from asyncsqla_lint.frameworks.pydantic import name_of, validated, written_type
from asyncsqla_lint.frameworks.validation import PageRecord
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.annotations import Type
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.names import External
from asyncsqla_lint.semantics.assumptions import only_session
from asyncsqla_lint.semantics.expressions import AttributeValue
from asyncsqla_lint.semantics.instances import InstanceRecord
from asyncsqla_lint.semantics.loader_options import LoaderOptions

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

_HOMES = ("advanced_alchemy.", "litestar.contrib.sqlalchemy.", "litestar.plugins.sqlalchemy.")
_PROVIDERS = ("advanced_alchemy.extensions.litestar.providers", "litestar.plugins.sqlalchemy.providers")
_REPOSITORIES = frozenset({"SQLAlchemyAsyncRepository", "SQLAlchemyAsyncSlugRepository"})
_SERVICES = frozenset({"SQLAlchemyAsyncRepositoryService", "SQLAlchemyAsyncRepositoryReadService"})
_ONE = {"get": "scalar_one", "get_one": "scalar_one", "get_one_or_none": "scalar_one_or_none"}
_MANY = frozenset({"list", "list_and_count", "get_many", "get_many_and_count"})
_WRITES = frozenset({"add", "create", "update", "upsert", "delete"})
_OTHERS = frozenset({"add_many", "create_many", "update_many", "delete_many", "upsert_many", "delete_where"})
_METHODS = frozenset(_ONE) | _MANY | _WRITES | _OTHERS
_SETTINGS = ("load", "statement", "auto_commit", "auto_expunge", "auto_refresh")
SESSION = "sqlalchemy.ext.asyncio.AsyncSession"


def register(meanings: Meanings) -> None:
    meanings.when_instantiated.append(_instantiate)
    meanings.when_inherited.append(_inherited)
    meanings.when_class_read.append(_class_read)
    for home in _PROVIDERS:
        meanings.calls[f"{home}.create_service_provider"] = _provider
        meanings.calls[f"{home}.create_service_dependencies"] = _dependencies


def _kind(cls: ClassInfo) -> str:
    for name in cls.external_bases:
        short = name.rpartition(".")[2]
        if name.startswith(_HOMES) and short in _REPOSITORIES | _SERVICES:
            return "repository" if short in _REPOSITORIES else "service"
    return ""


def _instantiate(flow: Flow, state: State, cls: ClassValue, arguments: Arguments, at: Span) -> Value | None:
    if not _kind(cls.info) or cls.info.find("__init__") is not None:
        return None
    return made(flow, state, cls, arguments)


def made(flow: Flow, state: State, cls: ClassValue, arguments: Arguments) -> Reference:
    """A repository or service whose settings are known; one that an annotation promises may have others."""
    left_out = UNKNOWN if arguments.more_keywords is not None else NONE
    settings = dict.fromkeys(_SETTINGS, left_out)
    return flow.allocate(state, ObjectRecord(cls, {**settings, **arguments.keywords}, is_open=True))


def _class_read(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    return Method(Opener(cls), name) if name == "new" and _kind(cls.info) == "service" else None


def _inherited(flow: Flow, state: State, me: Value, cls: ClassValue, name: str, at: Span) -> Value | None:
    kind = _kind(cls.info)
    if not kind or not isinstance(me, Reference):
        return None
    if name in _METHODS:
        return Method(Repository(me), name)
    if name == "to_schema" and kind == "service":
        return Converter(me)
    if name == "repository" and kind == "service":
        repository = _class_named(flow, cls, "repository_type")
        given: dict[str, Value] = {"session": _session(flow, state, me, at)}
        return (
            None
            if repository is None
            else flow.allocate(state, ObjectRecord(repository, given, is_open=True))
        )
    if name == "session":
        return _session(flow, state, me, at)
    return None


def _session(flow: Flow, state: State, me: Reference, at: Span) -> Value:
    record = state.record(me.oid)
    found = record.attributes.get("session") if isinstance(record, ObjectRecord) else None
    if found is None or found is UNKNOWN:
        promise = flow.meanings.instance(SESSION)
        found = only_session(flow, state) or (UNKNOWN if promise is None else promise(flow, state, (), at))
        if isinstance(record, ObjectRecord):
            state.put(me, replace(record, attributes={**record.attributes, "session": found}))
    return found


def _class_named(flow: Flow, cls: ClassValue, name: str) -> ClassValue | None:
    """The class that a class attribute holds."""
    found = cls.info.find(name)
    if found is None or found[1].value is None:
        return None
    owner, member = found
    symbol = flow.index.resolve(owner.module, member.value or p.Opaque(0, ()), owner)
    return ClassValue(symbol) if isinstance(symbol, ClassInfo) else None


def _model(flow: Flow, cls: ClassValue) -> ClassValue | None:
    if _kind(cls.info) == "service":
        repository = _class_named(flow, cls, "repository_type")
        return None if repository is None else _model(flow, repository)
    found = _class_named(flow, cls, "model_type")
    return found if found is not None and flow.index.model(found.info) is not None else None


class Opener(Value, frozen=True):
    """`Service.new(session=…)`, an async context manager."""

    cls: ClassValue

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        session = arguments.get(0, "session")
        given = arguments.keywords if session is None else {**arguments.keywords, "session": session}
        return Opened(made(flow, state, self.cls, Arguments((), given, None, arguments.more_keywords)))


class Opened(Value, frozen=True):
    service: Reference

    def enter(self, flow: Flow, state: State, at: Span, is_async: bool) -> Value:
        return self.service

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.service,)


class ServiceProvider(Value, frozen=True):
    """`create_service_provider(Service, load=…)`: called with a session, it yields the service."""

    cls: ClassValue
    settings: Arguments

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        given = dict(self.settings.keywords)
        if arguments.positional:
            given["session"] = arguments.positional[0]
        return Yielded(made(flow, state, self.cls, Arguments((), given, None, self.settings.more_keywords)))


def _provider(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    cls = arguments.get(0, "service_class")
    if not isinstance(cls, ClassValue) or _kind(cls.info) != "service":
        return UNKNOWN
    return ServiceProvider(cls, arguments)


def _dependencies(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    key = arguments.get(1, "key")
    if not isinstance(key, Constant):
        return UNKNOWN
    provider = _provider(flow, state, arguments, at)
    return flow.allocate(state, DictRecord({key.value: provider}, UNKNOWN))


class Converter(Value, frozen=True):
    """`service.to_schema(rows, total, schema_type=AuthorOut)`; of several rows it makes a page."""

    service: Reference

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        data = arguments.get(0, "data") or UNKNOWN
        results: list[Value] = []
        for one in alternatives(data):
            record = state.record(one.oid) if isinstance(one, Reference) else None
            is_page = isinstance(record, ListRecord) or isinstance(one, TupleValue)
            made = self._converted(flow, state, one, is_page, arguments, at)
            results.append(flow.allocate(state, PageRecord(made)) if is_page else made)
        return union(tuple(results))

    def _converted(
        self, flow: Flow, state: State, value: Value, is_page: bool, arguments: Arguments, at: Span
    ) -> Value:
        if arguments.keywords.get("schema_type", NONE) == NONE:
            return value
        type_ = written_type(flow, arguments, at, len(arguments.positional), "schema_type")
        if type_ is None:
            return UNKNOWN
        wanted = Type(External("builtins.list"), type_.where, (type_,)) if is_page else type_
        return validated(flow, state, value, wanted, at, True, name_of(type_))


class Repository(Value, frozen=True):
    """The inherited part of a repository or service."""

    me: Reference

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return flow.allocate_watched(state, CoroutineRecord(Method(self, name), arguments, flow.site(at)))

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.me,)

    def await_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        record = state.record(self.me.oid)
        model = _model(flow, record.cls) if isinstance(record, ObjectRecord) else None
        session = _session(flow, state, self.me, at)
        if model is None or not isinstance(record, ObjectRecord):
            return UNKNOWN
        if name in _ONE:
            return self._one(flow, state, session, model, record, arguments, _ONE[name], at)
        if name in _MANY:
            rows = self._rows(flow, state, session, model, record, arguments, at)
            found = asked(flow, state, asked(flow, state, rows, "scalars", at), "all", at)
            return TupleValue((found, UNKNOWN)) if name.endswith("_and_count") else found
        if name in _WRITES:
            return self._write(flow, state, session, model, record, name, arguments, at)
        done(flow, state, session, _ending(record, arguments), at)
        return UNKNOWN

    def _one(
        self,
        flow: Flow,
        state: State,
        session: Value,
        model: ClassValue,
        record: ObjectRecord,
        arguments: Arguments,
        fetch: str,
        at: Span,
    ) -> Value:
        rows = self._rows(flow, state, session, model, record, arguments, at)
        found = asked(flow, state, rows, fetch, at)
        if arguments.keywords.get("auto_expunge", record.attributes.get("auto_expunge")) == TRUE:
            asked(flow, state, session, "expunge", at, found)
        return found

    def _rows(
        self,
        flow: Flow,
        state: State,
        session: Value,
        model: ClassValue,
        record: ObjectRecord,
        arguments: Arguments,
        at: Span,
    ) -> Value:
        select = flow.meanings.call("sqlalchemy.select")
        if select is None:
            return UNKNOWN
        statement = select(flow, state, Arguments((model,)), at)
        for given in (record.attributes.get("statement", UNKNOWN), arguments.keywords.get("statement", NONE)):
            if given is UNKNOWN:
                statement = asked(flow, state, statement, "options", at, UNKNOWN)
            elif given != NONE:
                statement = given
        options = self._options(flow, state, record, arguments, at)
        if options:
            statement = asked(flow, state, statement, "options", at, *options)
        # Advanced Alchemy makes rows unique where a joined collection needs it.
        return asked(flow, state, done(flow, state, session, "execute", at, statement), "unique", at)

    def _options(
        self, flow: Flow, state: State, record: ObjectRecord, arguments: Arguments, at: Span
    ) -> list[Value]:
        options: list[Value] = []
        found = [arguments.keywords.get("load"), record.attributes.get("load", UNKNOWN)]
        if record.cls.info.find("loader_options") is not None:
            found.append(flow.class_attribute(state, record.cls, "loader_options", at))
        for given in found:
            if given is not None and given != NONE:
                options += _loads(flow, state, given, at)
        if arguments.more_keywords is not None:
            options.append(UNKNOWN)
        return options

    def _write(
        self,
        flow: Flow,
        state: State,
        session: Value,
        model: ClassValue,
        record: ObjectRecord,
        name: str,
        arguments: Arguments,
        at: Span,
    ) -> Value:
        data = arguments.get(0, "data") or UNKNOWN
        if name == "delete":
            found = self._one(flow, state, session, model, record, arguments, "scalar_one", at)
            done(flow, state, session, "delete", at, found)
        elif name in ("add", "create") or is_mapped(state, data):
            found = (
                data
                if is_mapped(state, data)
                else model.call(flow, state, Arguments(more_keywords=UNKNOWN), at)
            )
            asked(flow, state, session, "add", at, found)
        else:
            found = self._one(flow, state, session, model, record, arguments, "scalar_one", at)
        done(flow, state, session, _ending(record, arguments), at)
        refreshes = arguments.keywords.get("auto_refresh", record.attributes.get("auto_refresh"))
        if name != "delete" and refreshes != FALSE:
            done(flow, state, session, "refresh", at, found)
        return found


def is_mapped(state: State, value: Value) -> bool:
    return any(
        isinstance(one, Reference) and isinstance(state.record(one.oid), InstanceRecord)
        for one in alternatives(value)
    )


def _ending(record: ObjectRecord, arguments: Arguments) -> str:
    commits = arguments.keywords.get("auto_commit", record.attributes.get("auto_commit"))
    return "commit" if commits == TRUE else "flush"


def _loads(flow: Flow, state: State, given: Value, at: Span) -> list[Value]:
    """Loader options as they are; attributes load their relationship, a list in a list is a path of them."""
    if isinstance(given, LoaderOptions):
        return [given]
    if isinstance(given, AttributeValue):
        loader = flow.meanings.call("sqlalchemy.orm.selectinload")
        return [UNKNOWN] if loader is None else [loader(flow, state, Arguments((given,)), at)]
    items = _items(state, given)
    if items is None:
        return [] if given == NONE else [UNKNOWN]
    return [option for item in items for option in _loads_path(flow, state, item, at)]


def _loads_path(flow: Flow, state: State, given: Value, at: Span) -> list[Value]:
    found = _loads(flow, state, given, at)
    if len(found) < 2 or _items(state, given) is None:
        return found
    path = found[-1]
    for outer in reversed(found[:-1]):
        path = asked(flow, state, outer, "options", at, path)
    return [path]


def _items(state: State, given: Value) -> tuple[Value, ...] | None:
    record = state.record(given.oid) if isinstance(given, Reference) else None
    if isinstance(record, ListRecord):
        return record.items
    return given.elements if isinstance(given, TupleValue) else None
