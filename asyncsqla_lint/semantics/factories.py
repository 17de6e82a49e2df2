"""Session factories: `async_sessionmaker(…)`, `sessionmaker(…)`, and the sessions that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import (
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    Reference,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span
from asyncsqla_lint.semantics import api_use, binds, ledger
from asyncsqla_lint.semantics.sessions import ASYNC_SESSION, SYNC_SESSION, SessionRecord, announced
from asyncsqla_lint.semantics.transaction_blocks import TransactionRecord

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


class FactoryOptions(Value, frozen=True):
    """`factory.kw`: by it some find the engine again."""

    factory: FactoryValue

    def item(self, flow: Flow, state: State, key: Value, at: Span) -> Value:
        return self.factory.bind if key == Constant("bind") else UNKNOWN

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        return self.item(flow, state, arguments.get(0, "key") or UNKNOWN, at) if name == "get" else UNKNOWN


class FactoryValue(Value, frozen=True):
    """`async_sessionmaker(…)`, `sessionmaker(…)`."""

    is_async: bool
    site: Site
    expire_on_commit: bool | None
    bind: Value = UNKNOWN
    autoflush: bool = True
    cls: ClassValue | None = None
    is_scoped: bool = False
    is_promised: bool = False  # an annotation says `sessionmaker`, as it did for either kind before 2.0
    may_lodge: bool = False  # bound to something unknown since: a connection perhaps, see `SessionRecord`

    def truth(self, state: State) -> bool | None:
        return True

    def is_external(self, name: str) -> bool | None:
        if self.is_promised and name.rpartition(".")[2] in ("sessionmaker", "async_sessionmaker"):
            return None
        return api_use.is_instance("async_sessionmaker" if self.is_async else "sessionmaker", name)

    def is_callable(self) -> bool | None:
        return True

    def likeness(self) -> object | None:
        """A start-up hook and a worker's make the same factory."""
        return (
            FactoryValue,
            self.is_async,
            self.expire_on_commit,
            self.bind,
            self.autoflush,
            self.cls,
            self.is_scoped,
            self.is_promised,
            self.may_lodge,
        )

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "class_" and not self.is_promised:
            return self.cls or ExternalValue(ASYNC_SESSION if self.is_async else SYNC_SESSION)
        if name == "kw":
            return FactoryOptions(self)
        return Method(self, name)

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        return new_session(flow, state, self, arguments, at)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name == "begin":
            session = new_session(flow, state, self, Arguments(), at)
            return flow.allocate(state, TransactionRecord(session, flow.site(at), owns_session=True))
        if name == "configure":
            bind = arguments.keywords.get("bind", self.bind)
            binds.bound(flow, state, "sessionmaker.configure", self.is_async, bind, at)
            self._configured(flow, state, arguments, bind)
        return UNKNOWN

    def _configured(self, flow: Flow, state: State, arguments: Arguments, bind: Value) -> None:
        """`configure()` changes the factory that the function's own variables hold, or some object does.

        Where paths have met that left it configured in several ways, this is the one that it is. The object
        may be a module's, which the path has not touched so far.
        """
        expire = flag(arguments, "expire_on_commit", True)
        changed = replace(
            self,
            expire_on_commit=expire if "expire_on_commit" in arguments.keywords else self.expire_on_commit,
            bind=bind,
            may_lodge=bind is UNKNOWN if "bind" in arguments.keywords else self.may_lodge,
        )
        for name, value in list((state.variables(flow.frame.id) or {}).items()):
            if self in alternatives(value):
                state.assign(flow.frame.id, name, changed)
        seen = [state.variables(one) or {} for one in (flow.frame.id, *flow.frame.closure)]
        shared = state.reachable(value for variables in seen for value in variables.values())
        holders = [(Reference(oid), state.record(oid)) for oid in shared if oid not in state.heap]
        for owner, record in (*state.records(ObjectRecord), *holders):
            if not isinstance(record, ObjectRecord):
                continue
            held = {name: changed for name, value in record.attributes.items() if self in alternatives(value)}
            if held:
                state.put(owner, replace(record, attributes={**record.attributes, **held}))

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return () if self.bind is UNKNOWN else (self.bind,)


def flag(arguments: Arguments, name: str, default: bool) -> bool | None:
    """A boolean keyword argument; None when its value is not known."""
    value = arguments.keywords.get(name)
    if value is None:
        return None if arguments.more_keywords is not None else default
    if isinstance(value, Constant) and isinstance(value.value, bool):
        return value.value
    return None


def new_session(flow: Flow, state: State, factory: FactoryValue, arguments: Arguments, at: Span) -> Reference:
    from asyncsqla_lint.semantics import engines

    given = arguments.keywords
    expire = (
        flag(arguments, "expire_on_commit", True) if "expire_on_commit" in given else factory.expire_on_commit
    )
    may_lodge = factory.may_lodge and "bind" not in given and not arguments.positional
    record = SessionRecord(
        factory.is_async,
        flow.site(at),
        expire_on_commit=expire,
        autoflush=factory.autoflush,
        bind=given.get("bind") or (arguments.positional[0] if arguments.positional else factory.bind),
        factory=factory.site,
        cls=None if factory.cls is None else factory.cls.info,
        may_lodge=may_lodge,
    )
    engines.busy(state, record.bind)
    session = announced(flow, state, record, "promised" if factory.is_promised else "factory", at)
    if may_lodge:
        ledger.autocommits(state, session)  # whoever owns the connection commits or not
    return session
