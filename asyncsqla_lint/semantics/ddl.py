"""`MetaData` and `Table`: what emits DDL through the engine it is given, and a table's own statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Method, Reference, Value, alternatives
from asyncsqla_lint.knowledge.api import api
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics.binds import kind_of
from asyncsqla_lint.semantics.blocking import blocked
from asyncsqla_lint.semantics.connections import ConnectionRecord, SyncConnection
from asyncsqla_lint.semantics.engines import EngineRecord, SyncEngine
from asyncsqla_lint.semantics.greenlets import needed
from asyncsqla_lint.semantics.statements import new_statement

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

# They connect at once, whatever there is to reflect: `ASQ101/bad_reflected_in_a_coroutine`.
_REFLECTED = (
    "sqlalchemy.orm.DeferredReflection",
    "sqlalchemy.ext.declarative.DeferredReflection",
    "sqlalchemy.ext.automap.AutomapBase",
)
_BASES = ("sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta", "sqlmodel.SQLModel")


VERBS = frozenset({"select", "insert", "update", "delete"})


class DdlMisdirected(Event):
    """`metadata.create_all(async_engine)`."""

    owner: str  # "MetaData"; "" for `inspect(async_engine)`
    method: str
    target: str  # "AsyncEngine", "AsyncConnection"


class SchemaItem(Value, frozen=True):
    """A MetaData, a Table, or another thing that `create` and `drop` apply to."""

    is_leaf: ClassVar[bool] = True

    kind: str

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "metadata":
            return METADATA
        if self.kind == "Table" and name in VERBS:
            return Method(self, name)
        return Method(self, name) if name in api(flow.release).ddl.get(self.kind, ()) else UNKNOWN

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in VERBS:  # of a table's rows: instances in sessions are left as they are
            return new_statement(flow, name, at, Arguments((UNKNOWN,)))
        targets = _told(state, arguments.get(0, "bind") or UNKNOWN)
        with flow.hedged(len(targets) > 1):
            for one in targets:
                self.emits(flow, state, name, one, at)
        return NONE

    def emits(self, flow: Flow, state: State, name: str, bind: Value, at: Span) -> None:
        if isinstance(bind, (SyncEngine, SyncConnection)):
            half_of = "AsyncEngine" if isinstance(bind, SyncEngine) else "AsyncConnection"
            needed(flow, state, f"{self.kind}.{name}", half_of, at)
            return
        record = state.record(bind.oid) if isinstance(bind, Reference) else None
        if not isinstance(record, (EngineRecord, ConnectionRecord)) or not isinstance(bind, Reference):
            return
        if not record.is_async:
            blocked(flow, f"{self.kind}.{name}", at, record.site, bind.oid)
        elif flow.listens(DdlMisdirected):
            target = "AsyncEngine" if isinstance(record, EngineRecord) else "AsyncConnection"
            flow.emit(DdlMisdirected(flow.site(at), flow.frame, flow.is_certain, self.kind, name, target))


def _told(state: State, bind: Value) -> tuple[Value, ...]:
    """The engines and connections that it may be; of either kind, unasked, the sync ones."""
    targets = alternatives(bind)
    kinds = {kind_of(state, one) for one in targets}
    return tuple(one for one in targets if not kind_of(state, one)) if kinds >= {True, False} else targets


METADATA, TABLE = SchemaItem("MetaData"), SchemaItem("Table")


class BaseValue(Value, frozen=True):
    """`declarative_base()`, `registry()`."""

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in ("generate_base", "prepare"):
            return Method(self, name)
        return METADATA if name == "metadata" else UNKNOWN

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return REFLECTING.call(flow, state, arguments, at) if name == "prepare" else self


class Reflecting(Value, frozen=True):
    """`Base.prepare(engine)`, `Base.prepare(autoload_with=engine)`."""

    is_leaf: ClassVar[bool] = True

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        bind = arguments.keywords.get("autoload_with") or arguments.get(0, "bind") or UNKNOWN
        targets = _told(state, bind)
        with flow.hedged(len(targets) > 1):
            for one in targets:
                if isinstance(one, (SyncEngine, SyncConnection)):
                    half_of = "AsyncEngine" if isinstance(one, SyncEngine) else "AsyncConnection"
                    needed(flow, state, "prepare", half_of, at)
                else:
                    METADATA.emits(flow, state, "reflect", one, at)
        return NONE


REFLECTING = Reflecting()


def register(meanings: Meanings) -> None:
    for kind in ("MetaData", "Table", "Sequence", "Index"):
        meanings.calls[f"sqlalchemy.{kind}"] = _item(kind)
        meanings.calls[f"sqlalchemy.schema.{kind}"] = _item(kind)
    meanings.instances["sqlalchemy.MetaData"] = lambda *_: METADATA
    for name in ("declarative_base", "registry", "automap_base"):
        for module in ("sqlalchemy.orm", "sqlalchemy.ext.declarative", "sqlalchemy.ext.automap"):
            meanings.calls.setdefault(f"{module}.{name}", lambda *_: BaseValue())
            meanings.values[f"{module}.{name}.metadata"] = METADATA  # `metadata = mapper_registry.metadata`
    for name in _BASES:
        meanings.values[f"{name}.metadata"] = METADATA
    meanings.when_class_read.append(_metadata)
    meanings.when_class_read.append(_prepare)
    inspect = meanings.calls["sqlalchemy.inspect"]

    def inspecting(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        for one in _told(state, arguments.positional[0]) if arguments.positional else ():
            _inspects(flow, state, "", "inspect", one, at)
        return inspect(flow, state, arguments, at)

    meanings.calls["sqlalchemy.inspect"] = meanings.calls["sqlalchemy.inspection.inspect"] = inspecting


def _item(kind: str):  # type: ignore[no-untyped-def]  # the type is CallMeaning
    def meaning(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        for one in _told(state, arguments.keywords.get("autoload_with", UNKNOWN)):
            _inspects(flow, state, kind, "autoload_with", one, at)
        return SchemaItem(kind)

    return meaning


def _inspects(flow: Flow, state: State, owner: str, how: str, bind: Value, at: Span) -> None:
    record = state.record(bind.oid) if isinstance(bind, Reference) else None
    if not isinstance(record, (EngineRecord, ConnectionRecord)) or not isinstance(bind, Reference):
        return
    if record.is_async:
        if flow.listens(DdlMisdirected):
            target = "AsyncEngine" if isinstance(record, EngineRecord) else "AsyncConnection"
            flow.emit(DdlMisdirected(flow.site(at), flow.frame, flow.is_certain, owner, how, target))
    elif isinstance(record, EngineRecord):
        blocked(flow, "inspect(Engine)", at, record.site, bind.oid)


def _metadata(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    """`Base.metadata`, which each of its models has too."""
    if name != "metadata" or cls.info.find("metadata") is not None:
        return None
    if flow.index.model(cls.info) is not None or any(cls.info.is_subclass_of(base) for base in _BASES):
        return METADATA
    return None


def _prepare(flow: Flow, state: State, cls: ClassValue, name: str, at: Span) -> Value | None:
    if name != "prepare" or cls.info.find("prepare") is not None:
        return None
    return REFLECTING if any(cls.info.is_subclass_of(base) for base in _REFLECTED) else None
