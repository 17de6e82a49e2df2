"""Results and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue
from asyncsqla_lint.flow.containers import DictRecord, ListRecord
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    EachSymbol,
    Iteration,
    Method,
    Reference,
    Symbol,
    Value,
    union,
)
from asyncsqla_lint.knowledge.api import api
from asyncsqla_lint.program import Scalar, Span
from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.semantics import api_use, expiry, joins
from asyncsqla_lint.semantics.attribute_states import Cause
from asyncsqla_lint.semantics.events import ResultFetched, ResultMisused
from asyncsqla_lint.semantics.expressions import AliasValue, AttributeValue
from asyncsqla_lint.semantics.fetched import FetchedRecord
from asyncsqla_lint.semantics.instances import InstanceRecord
from asyncsqla_lint.semantics.materialising import materialise
from asyncsqla_lint.semantics.meeting import executed
from asyncsqla_lint.semantics.plans import plan_for
from asyncsqla_lint.semantics.statements import Statement, entity_class, entity_name

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

LISTS = frozenset({"all", "fetchall"})
OPTIONAL = frozenset({"first", "one_or_none", "scalar_one_or_none", "scalar", "fetchone"})
EXACT = frozenset({"one", "scalar_one"})
SAME = frozenset({"unique", "tuples", "yield_per", "execution_options", "freeze", "merge", "filter"})


_READS = {"__iter__": "iterate", "__aiter__": "iterate"}


class Row(Value, frozen=True):
    """One row: its elements by position and by name."""

    elements: tuple[Value, ...]
    names: tuple[str | None, ...]
    joined: joins.Pairs = ()

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name in self.names:
            return self.elements[self.names.index(name)]
        if name == "_mapping":
            return self
        if name == "t":
            return self
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in ("_tuple", "tuple"):
            return self
        if name == "get" and arguments.positional:
            return self.item(flow, state, arguments.positional[0], at)
        if name in ("_asdict", "items", "values", "keys"):
            entries: dict[Scalar, Value] = {
                name: value
                for name, value in zip(self.names, self.elements, strict=False)
                if name is not None
            }
            made = flow.allocate(state, DictRecord(entries))
            return made if name == "_asdict" else made.call_method(flow, state, name, arguments, at)
        return UNKNOWN

    def iterate(self, flow: Flow, state: State, at: Span, is_async: bool) -> Iteration:
        return Iteration(items=self.elements, may_be_empty=False)

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        if isinstance(key, Constant):
            if isinstance(key.value, str):
                return self.attribute(flow, state, key.value, at) if key.value in self.names else UNKNOWN
            if isinstance(key.value, int) and -len(self.elements) <= key.value < len(self.elements):
                return self.elements[key.value]
        if isinstance(key, (ClassValue, AttributeValue)):
            name = entity_name(key)
            if name in self.names:
                return self.elements[self.names.index(name)]
        return UNKNOWN

    def individual(self, flow: Flow, state: State, turn: int) -> Value:
        elements = tuple(one.individual(flow, state, turn) for one in self.elements)
        joins.together(state, elements, self.joined)
        return Row(elements, self.names, self.joined)

    def set_apart(self, state: State) -> tuple[Value, ...]:
        if len(self.elements) != 1:
            return ()
        return tuple(Row((one,), self.names) for one in self.elements[0].set_apart(state))

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return self.elements


class ResultRecord(Record, frozen=True):
    """What `execute` gave. `shape`: "rows", "scalars", "mappings"."""

    statement: Statement
    session: Reference | None
    site: Site
    shape: str = "rows"
    column: int = 0
    is_async: bool = False
    is_unique: bool = False
    is_consumed: bool = False
    is_closed: bool = False
    is_begun: bool = False  # rows have been fetched: those of a stream come when the first is asked for
    source: Reference | None = None  # the result that this is a view of
    executor: Reference | None = None  # the session or connection
    expired: Cause | None = None  # its instances were there when something expired them

    def joined(self, other: Record) -> Record:
        if not isinstance(other, ResultRecord) or other.shape != self.shape:
            return FORGOTTEN
        if other.statement == self.statement:
            return replace(
                self,
                is_consumed=self.is_consumed and other.is_consumed,
                is_closed=self.is_closed and other.is_closed,
                is_begun=self.is_begun and other.is_begun,
                is_unique=self.is_unique or other.is_unique,
            )
        return FORGOTTEN

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        api_use.read(flow, state, me, name, at)
        return UNKNOWN if name in ("rowcount", "inserted_primary_key", "lastrowid") else Method(me, name)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name == "scalars" and self.shape != "scalars":
            column = arguments.get(0, "index")
            index = column.value if isinstance(column, Constant) and isinstance(column.value, int) else 0
            return flow.allocate(
                state, replace(self, shape="scalars", column=index, source=self.source or me)
            )
        if name == "mappings":
            return flow.allocate(state, replace(self, shape="mappings", source=self.source or me))
        if name == "unique":
            state.put(me, replace(self, is_unique=True))
            return me
        if name in SAME:
            return me
        if name in ("close",):
            state.put(me, replace(self, is_closed=True))
            return NONE
        if self.is_async and name not in ("partitions", "keys"):
            return flow.allocate_watched(state, CoroutineRecord(Method(me, name), arguments, flow.site(at)))
        return self.fetch(flow, state, me, name, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return self.fetch(flow, state, me, name, arguments, at)

    def fetch(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        self.use(flow, state, me, name, at)
        scalar = replace(self, shape="scalars") if name.startswith("scalar") else self
        if name in LISTS or name == "fetchmany":
            element = scalar.element(flow, state, many=True)
            return flow.allocate(state, FetchedRecord(None, element))
        if name in EXACT:
            return scalar.element(flow, state, many=False)
        if name in OPTIONAL:
            element = scalar.element(flow, state, many=False)
            if scalar._always_one():
                return element
            return union((element, NONE))
        if name == "partitions":
            element = scalar.element(flow, state, many=True)
            part = flow.allocate(state, ListRecord(None, element))
            owner = f"{api_use.class_name(state, me)}.partitions()"
            return flow.allocate(
                state, FetchedRecord(None, part, "iterator", owner=owner, is_async=self.is_async)
            )
        return UNKNOWN

    def _always_one(self) -> bool:
        return False

    def use(self, flow: Flow, state: State, me: Reference, method: str, at: Span) -> None:
        read = api(flow.release).read(api_use.class_name(state, me) or "", _READS.get(method, method))
        if read is None:
            return  # `keys()`, which the result knows without a row
        whole = self.source or me
        known = state.record(whole.oid)
        source = known if isinstance(known, ResultRecord) else self
        cause = "closed" if source.is_closed else "consumed" if source.is_consumed else ""
        if not cause and self.is_async and self._outlives(state):
            cause = "session-closed"
        if cause:
            if flow.listens(ResultMisused):
                flow.emit(ResultMisused(flow.site(at), flow.frame, flow.is_certain, self, method, cause))
        elif flow.listens(ResultFetched):
            names = (
                ()
                if self.is_unique and not self.statement.yield_per
                else joined_collections(flow, self.statement)
            )
            flow.emit(ResultFetched(flow.site(at), flow.frame, flow.is_certain, self, method, names))
        if self.is_async and self.session is not None and not source.is_begun:
            executed(flow, state, self.session, self.statement)
            source = replace(source, is_begun=True)
            state.put(whole, source)
        if read.after in ("exhausted", "closed"):
            is_closed = source.is_closed or read.after == "closed"
            state.put(whole, replace(source, is_consumed=True, is_closed=is_closed))

    def _outlives(self, state: State) -> bool:
        """Is this a stream whose session or connection is closed?"""
        record = None if self.executor is None else state.record(self.executor.oid)
        return getattr(record, "is_open", True) is False

    def iterate(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        api_use.iterated(flow, state, me, at, is_async)
        self.use(flow, state, me, "__aiter__" if is_async else "__iter__", at)
        return Iteration(element=self.element(flow, state, many=True))

    def drawn(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Iteration:
        api_use.iterated(flow, state, me, at, is_async)
        self.use(flow, state, me, "fetchone", at)
        return Iteration(element=self.element(flow, state, many=True))

    def element(self, flow: Flow, state: State, many: bool) -> Value:
        entities = self.statement.entities
        if self.shape == "scalars":
            if self.column < len(entities):
                return self.entity(flow, state, entities[self.column], many)
            return UNKNOWN
        values = tuple(self.entity(flow, state, one, many) for one in entities)
        if not values:
            return UNKNOWN
        joined = joins.pairs(flow, self.statement) if self.statement.joins else ()
        joins.together(state, values, joined)
        return Row(values, tuple(entity_name(one) for one in entities), joined)

    def entity(self, flow: Flow, state: State, entity: Value, many: bool) -> Value:
        cls = entity_class(entity)
        model = None if cls is None else flow.index.model(cls)
        if model is not None:
            subclasses = entity.subclasses if isinstance(entity, AliasValue) else ()
            made = materialise(
                flow, state, self.session, model, self.statement, many=many, subclasses=subclasses
            )
            record = state.record(made.oid)
            if self.expired is not None and isinstance(record, InstanceRecord):
                state.put(made, expiry.expired(record, self.expired))
            return made
        if isinstance(entity, AttributeValue):
            kind = EachSymbol if many else Symbol
            return kind.of_row(self.site.span, f"{entity.cls.name}.{entity.name}")
        return UNKNOWN

    def refers_to(self) -> tuple[Value, ...]:
        return () if self.session is None else (self.session,)


def joined_collections(flow: Flow, statement: Statement) -> tuple[str, ...]:
    """The collections that the statement loads by a join, so that rows repeat."""
    found: list[str] = []
    for entity in statement.entities:
        cls = entity_class(entity)
        model = None if cls is None else flow.index.model(cls)
        if model is None:
            continue
        plan = plan_for(model.cls, statement.options)
        _joined_below(model.relationships, plan, f"{model.name}", found, 0)
    return tuple(found)


def _joined_below(
    relationships: dict[str, Relationship], plan: object, prefix: str, found: list[str], depth: int
) -> None:
    from asyncsqla_lint.semantics.plans import Plan

    assert isinstance(plan, Plan)
    for name, relationship in relationships.items():
        strategy = plan.strategy(relationship)
        if strategy not in ("joinedload", "contains_eager"):
            continue
        if relationship.uselist:
            found.append(f"{prefix}.{name}")
        elif relationship.target is not None and depth < 6:
            _joined_below(
                relationship.target.relationships,
                plan.below(relationship),
                f"{prefix}.{name}",
                found,
                depth + 1,
            )
