"""Sessions: what their methods do to the instances that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.records import FORGOTTEN, Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.semantics import (
    api_use,
    blocking,
    event_loops,
    executing,
    expiry,
    failures,
    ledger,
    tasks,
    transactions,
    unit_of_work,
)
from asyncsqla_lint.semantics.assumptions import assumed_autoflush, assumed_expire_on_commit
from asyncsqla_lint.semantics.attribute_states import Cause, Key
from asyncsqla_lint.semantics.events import SessionCreated, SessionLeft
from asyncsqla_lint.semantics.greenlets import run_sync
from asyncsqla_lint.semantics.instances import DETACHED, PERSISTENT, InstanceRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

# The coroutines of AsyncSession; on a Session the same names are plain methods.
COROUTINES = frozenset(
    "execute scalar scalars get get_one refresh merge merge_all delete delete_all flush commit rollback "
    "close aclose "
    "reset invalidate stream stream_scalars connection run_sync exec".split()
)

ASYNC_SESSION = "sqlalchemy.ext.asyncio.AsyncSession"
SYNC_SESSION = "sqlalchemy.orm.Session"


class SessionRecord(Record, frozen=True):
    """A session of either kind. `expire_on_commit` None: nobody knows."""

    is_async: bool
    site: Site
    expire_on_commit: bool | None = True
    assumption: str = ""
    autoflush: bool = True
    bind: Value = UNKNOWN
    factory: Site | None = None
    how: str = "factory"  # "factory", "class", "parameter"; "promised" by an annotated factory
    is_open: bool = True
    failure: failures.Failure | None = None
    begun: str = ""  # BLOCK inside `async with session.begin()`, ENDED when its transaction is over already
    is_scoped: bool = False
    cls: ClassInfo | None = None
    in_nested: int = 0  # open savepoints
    in_transaction: bool | None = False
    is_each: bool = False  # it stands for one of many sessions, made alike
    may_lodge: bool = (
        False  # made on something unknown: on a connection perhaps, which somebody else has opened
    )
    whole: tuple[
        Reference, ...
    ] = ()  # what stands for all the rows of a class, where a query has given these
    let_go: tuple[tuple[ClassInfo, Key], ...] = ()  # rows that it has expunged, with no query since

    @property
    def is_one_for_all(self) -> bool:
        """Tasks that use it use the same session, and may meet in the middle of an await."""
        return self.is_async and not self.is_scoped

    def class_info(self) -> ClassInfo | None:
        return self.cls

    def is_external(self, name: str) -> bool | None:
        return api_use.is_instance("AsyncSession" if self.is_async else "Session", name)

    def is_callable(self) -> bool | None:
        return False

    def joined(self, other: Record) -> Record:
        if not isinstance(other, SessionRecord) or other.is_async != self.is_async:
            return FORGOTTEN
        return replace(
            self,
            expire_on_commit=self.expire_on_commit
            if self.expire_on_commit == other.expire_on_commit
            else None,
            is_open=self.is_open or other.is_open,
            failure=failures.either(self.failure, other.failure),
            begun=transactions.begun(self.begun, other.begun),
            in_transaction=self.in_transaction if self.in_transaction == other.in_transaction else None,
            whole=self.whole + tuple(one for one in other.whole if one not in self.whole),
            let_go=tuple(one for one in self.let_go if one in other.let_go),
        )

    def is_like(self, other: Record) -> bool:
        if not isinstance(other, SessionRecord) or not self._is_fresh or not other._is_fresh:
            return False
        return self == replace(other, site=self.site, factory=self.factory, bind=self.bind, how=self.how)

    def is_told_apart(self, other: Record) -> bool:
        """What is given, and what is made where nothing was: not those of two rounds of a loop."""
        if not isinstance(other, SessionRecord) or other.is_async != self.is_async:
            return False
        return self.is_open and other.is_open and (self.site, self.factory) != (other.site, other.factory)

    @property
    def _is_fresh(self) -> bool:
        return self.is_open and self.in_transaction is False and not self.whole

    def has_attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> bool | None:
        return api_use.has(flow, state, me, name)

    def forget(self, flow: Flow, state: State, me: Reference) -> None:
        """Whoever had it may have rolled back, or begun; after a failed flush it could do nothing else."""
        state.put(me, replace(self, failure=None, in_transaction=None))

    def left_out(self, flow: Flow, state: State, me: Reference) -> None:
        ledger.left_out(flow, state, me, self.site)
        self.forget(flow, state, me)

    def handed_out(self, flow: Flow, state: State, me: Reference) -> None:
        ledger.may_commit(flow, state, me, self.site)

    def attribute(self, flow: Flow, state: State, me: Reference, name: str, at: Span) -> Value:
        if self.cls is not None:
            found = self.cls.find(name)
            if found is not None:
                from asyncsqla_lint.flow.classes import member_value

                return member_value(flow, state, me, ClassValue(self.cls), found[0], found[1], at)
        api_use.read(flow, state, me, name, at)
        if name in ("sync_session", "no_autoflush"):
            from asyncsqla_lint.semantics.sync_sessions import Quiet, SyncSession

            return Quiet(me) if name == "no_autoflush" else SyncSession(me)
        if name == "bind":
            return self.bind
        if name == "is_active":
            failures.asked(state, me, self)
            return UNKNOWN
        return Method(me, name)

    def call(self, flow: Flow, state: State, me: Reference, arguments: Arguments, at: Span) -> Value:
        return me if self.is_scoped else flow.call_unknown(state, me, arguments, at)

    def call_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        if name in ("begin", "begin_nested"):
            from asyncsqla_lint.semantics.transaction_blocks import TransactionRecord

            is_nested = name == "begin_nested" or arguments.get(0, "nested") == Constant(True)
            return flow.allocate(state, TransactionRecord(me, flow.site(at), is_nested=is_nested))
        if name in ledger.ENTERING and self.is_async is name.startswith("__a"):
            if self.is_async:
                return flow.allocate_watched(
                    state, CoroutineRecord(Method(me, name), arguments, flow.site(at))
                )
            return perform(flow, state, me, name, arguments, at)
        if self.is_async and api_use.has(flow, state, me, name) is False:
            return UNKNOWN  # the attribute is not there: nothing is done
        if self.is_async and (name in COROUTINES or self.removes(name)):
            ledger.meant(flow, state, me, self.site, name)
            if name == "rollback":
                failures.asked(state, me, self)
            return flow.allocate_watched(state, CoroutineRecord(Method(me, name), arguments, flow.site(at)))
        return perform(flow, state, me, name, arguments, at)

    def await_method(
        self, flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span
    ) -> Value:
        return perform(flow, state, me, name, arguments, at)

    def removes(self, name: str) -> bool:
        """The registry closes what it holds for this scope; who asks it again gets another session."""
        return self.is_scoped and name == "remove"

    def is_promised(self) -> bool:
        return self.how == "parameter"

    def suits(self, is_async: bool) -> bool | None:
        return self.how == "promised" or self.is_async == is_async

    def enter(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool) -> Value:
        if is_async and self.how == "promised" and not self.is_async:
            expire, assumption = assumed_expire_on_commit(flow)
            known = replace(self, is_async=True, expire_on_commit=expire, assumption=assumption)
            state.put(me, known)
            ledger.opened(flow, state, me, known.bind)
        ledger.entered(state, me)
        return me

    def leave(self, flow: Flow, state: State, me: Reference, at: Span, is_async: bool, raised: bool) -> bool:
        leave_block(flow, state, me, at, raised)
        perform(flow, state, me, "close", Arguments(), at)
        return False

    def individual(self, flow: Flow, state: State, me: Reference) -> Value:
        return flow.allocate(state, self) if self.is_each else me

    def absorb(self, flow: Flow, state: State, me: Reference, processed: tuple[Value, ...]) -> None:
        records = [state.record(one.oid) for one in processed if isinstance(one, Reference)]
        if (
            self.is_each
            and records
            and all(isinstance(one, SessionRecord) and not one.is_open for one in records)
        ):
            state.put(me, replace(self, is_open=False, begun=""))

    def repeated(self, flow: Flow, state: State, me: Reference, since: int) -> None:
        state.put(me, replace(self, is_each=True))

    def refers_to(self) -> tuple[Value, ...]:
        return () if self.bind is UNKNOWN else (self.bind,)


class Ancestry(Value, frozen=True):
    """`AsyncSession.__mro__`: no session class of one kind is among the ancestors of the other."""

    cls: str

    def contains(self, flow: Flow, state: State, item: Value, at: Span) -> bool | None:
        if not isinstance(item, ExternalValue) or not item.name.startswith("sqlalchemy."):
            return None
        return item.name.rpartition(".")[2] == self.cls.rpartition(".")[2]


def announced(flow: Flow, state: State, record: SessionRecord, how: str, at: Span) -> Reference:
    session = flow.allocate(state, replace(record, how=how))
    if how != "parameter" and record.is_async:
        ledger.opened(flow, state, session, record.bind)
    if flow.listens(SessionCreated):
        flow.emit(SessionCreated(flow.site(at), flow.frame, flow.is_certain, session, record, how))
    return session


def leave_block(flow: Flow, state: State, me: Reference, at: Span, raised: bool) -> None:
    """The `with` that holds the session ends."""
    record = state.record(me.oid)
    if isinstance(record, SessionRecord):
        ledger.closed(flow, state, me, record.site, record.how == "parameter", at, block=True, raised=raised)


def parameter_session(
    flow: Flow,
    state: State,
    is_async: bool,
    at: Span,
    cls: ClassInfo | None = None,
    assumed: tuple[bool | None, str] | None = None,
    is_scoped: bool = False,
) -> Reference:
    """A session that the code is given; how it was made is not seen here, unless somebody knows better."""
    if assumed is None:
        assumed = assumed_expire_on_commit(flow) if is_async else (None, "")
    expire, assumption = assumed
    record = SessionRecord(
        is_async,
        flow.site(at),
        expire_on_commit=expire,
        assumption=assumption,
        how="parameter",
        autoflush=not is_async or assumed_autoflush(flow),
        cls=cls,
        in_transaction=None,
        is_scoped=is_scoped,
    )
    return announced(flow, state, record, "parameter", at)


def perform(flow: Flow, state: State, me: Reference, name: str, arguments: Arguments, at: Span) -> Value:
    """Do what the (awaited, or plain) method does."""
    record = state.record(me.oid)
    if not isinstance(record, SessionRecord):
        return UNKNOWN
    if name not in ("in_transaction", "is_modified", "get_bind", "object_session"):
        does = "close" if record.removes(name) else name
        tasks.used(flow, state, me, record, does, at)
        record = transactions.used(flow, state, me, record, does, at)
    if name == "in_transaction":
        return UNKNOWN if record.in_transaction is None else Constant(record.in_transaction)
    if name in COROUTINES and isinstance(record.bind, Reference):
        event_loops.engine_used(flow, state, record.bind)
    if not record.is_async:
        blocking.session_used(flow, state, me, record, name, at)
    if name in ledger.WRITES and _writes(flow, state, name, arguments, at):
        ledger.written(flow, state, me, name, at)
    if name in ("__aenter__", "__enter__"):
        return me
    if record.removes(name) and record.is_async:
        expiry.detach_all(flow, state, me, Cause("close", flow.site(at)))
        state.put(me, replace(record, begun="", in_transaction=False, failure=None))
        return NONE
    if name in ("close", "aclose", "__aexit__", "__exit__"):
        ledger.closed(flow, state, me, record.site, record.how == "parameter", at)
        if flow.listens(SessionLeft):
            flow.emit(SessionLeft(flow.site(at), flow.frame, flow.is_certain, me, record))
        expiry.detach_all(flow, state, me, Cause("close", flow.site(at)))
        state.put(me, replace(record, is_open=False, begun="", in_transaction=False, failure=None))
        return NONE
    if name in unit_of_work.METHODS:
        from asyncsqla_lint.semantics import unawaited

        unawaited.taken(flow, state, arguments.get(0, "instance") or NONE, by_session=True)
        return unit_of_work.METHODS[name](flow, state, me, record, arguments, at)
    if name in executing.METHODS:
        return executing.METHODS[name](flow, state, me, record, arguments, at, name)
    if name == "run_sync":
        from asyncsqla_lint.semantics.sync_sessions import SyncSession

        return run_sync(flow, state, SyncSession(me), arguments, at)
    return UNKNOWN


def _writes(flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> bool:
    """`add` and `merge` of what is stored already only attach it."""
    if name.startswith("delete") or not arguments.positional:
        return True
    given = arguments.positional[0]
    if name.startswith("merge") and arguments.keywords.get("load") == Constant(False):
        return False
    if name in ("add", "merge"):
        return _is_new(state, given)
    iteration = given.iterate(flow, state, at, False)
    if iteration.items is None:
        return iteration.element is not None
    return any(_is_new(state, item) for item in iteration.items)


def _is_new(state: State, value: Value) -> bool:
    """Where one of several is known, it tells of the others too."""
    several = alternatives(value)
    records = [state.record(one.oid) for one in several if isinstance(one, Reference)]
    instances = [one for one in records if isinstance(one, InstanceRecord)]
    if not instances:
        return any(one != NONE for one in several)  # of what `get` has not found, nothing is written
    return any(map(_has_changes, instances))


def _has_changes(record: InstanceRecord) -> bool:
    return record.lifecycle not in (DETACHED, PERSISTENT) or record.is_modified is not False
