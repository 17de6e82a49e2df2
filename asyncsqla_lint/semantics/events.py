"""What SQLAlchemy would do, as the rules hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.values import Reference, Value
from asyncsqla_lint.project.models import MappedAttribute, Model, Relationship

if TYPE_CHECKING:
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.failures import Failure
    from asyncsqla_lint.semantics.instances import InstanceRecord
    from asyncsqla_lint.semantics.locks import Hold
    from asyncsqla_lint.semantics.results import ResultRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord
    from asyncsqla_lint.semantics.statements import Statement


class AttributeLoad(Event):
    """Plain Python reads or writes an attribute whose value is not there: SQL would have to be emitted.

    `cause` is what made it so: "unloaded", "expired", "raise" (lazy="raise"), "dynamic". `site` is where the
    finding stands, `read_at` where the read itself is (inside the model, a schema, a library).
    """

    instance: InstanceRecord
    model: Model
    attribute: MappedAttribute
    cause: str
    use: str  # "read" | "change" | "serialize"
    is_detached: bool
    read_at: Site
    loaded_at: Site | None  # the query (or the construction) that made the instance
    caused_at: Site | None  # the commit, rollback, close …
    caused_by: str  # "commit", "rollback", "flush", "close", …
    assumption: str
    via: str  # the schema, property or method through which the read came
    path: tuple[Relationship, ...]  # from the instance that the query gave to the attribute, itself included
    above: tuple[Relationship, ...] | None  # the same to the instance; None where it cannot be told
    above_by: tuple[str | None, ...]  # the strategies by which the query loads these
    maker: Site | None  # the factory (or class call) that let a commit expire it
    is_failed: bool = False  # a flush of its session has failed, and nobody has rolled back yet
    is_lent: bool = False  # its session is one that callers may have set; the code copes with none as well

    @property
    def error(self) -> str:
        """What is raised."""
        if self.cause == "raise":
            return "InvalidRequestError"
        if self.is_detached:
            return "DetachedInstanceError"
        return "PendingRollbackError" if self.is_failed else "MissingGreenlet"


class AttributeWritten(Event):
    """A mapped attribute is assigned."""

    instance: Reference
    record: InstanceRecord
    attribute: MappedAttribute


class AttributeAwaited(Event):
    """`instance.awaitable_attrs.name` is read."""

    instance: InstanceRecord
    model: Model
    name: str


class OptionsIgnored(Event):
    """`session.get(…, options=…)` found the identity in the session: the options do nothing."""

    instance: InstanceRecord
    model: Model


class ResultFetched(Event):
    """Rows are fetched from a result by `method`."""

    result: ResultRecord
    method: str
    collections: tuple[str, ...]  # joined eager collections that need `unique()`


class ResultMisused(Event):
    """A result is used after it was consumed, or after its session closed."""

    result: ResultRecord
    method: str
    cause: str  # "consumed", "closed", "session-closed"


class StatementExecuted(Event):
    """A statement goes to the database through a session or connection."""

    executor: Reference
    statement: Statement | None
    argument: Value
    method: str


class SessionCreated(Event):
    """A session comes into being (`how`: "factory", "class", "parameter")."""

    session: Reference
    record: SessionRecord
    how: str


class SessionUsed(Event):
    """A method of a session (or connection) that reaches the database, or changes its state."""

    session: Reference
    record: SessionRecord | ConnectionRecord
    method: str
    locks: frozenset[Hold] = frozenset()  # those that are held meanwhile
    tasks: tuple[int, ...] = ()  # the tasks inside of which it happens, the outermost first


class WriteMade(Event):
    """Something is written through a session or connection: `how` is the method, or "attribute"."""

    how: str
    model: Model | None = None  # of the instance whose attribute it is


class WriteLost(Event):
    """A session or connection is closed by its owner, and no path has committed what was written."""

    opened_at: Site
    closed_at: Site | None  # None: it is never closed either
    writes: tuple[WriteMade, ...]
    raised_at: Site | None = None  # the `raise` behind the write that has its keeper roll back


class FailedSessionUsed(Event):
    """A session is used whose flush has failed, and that nobody has rolled back."""

    session: Reference
    record: SessionRecord | ConnectionRecord
    method: str
    failure: Failure


class TransactionMisused(Event):
    """`cause`: "begun" (a second `begin()`), "ended" (a use in a `begin()` block after its end)."""

    session: Reference
    record: SessionRecord | ConnectionRecord
    method: str
    cause: str


class BindMismatched(Event):
    """`name(…)` makes async sessions (or sync ones) on an engine or connection of the other kind."""

    name: str
    is_async: bool


class ScopeUnfit(Event):
    """A scoped session whose scope is the same for all tasks. `cause`: "none", "thread", "constant"."""

    name: str
    cause: str


class ThreadCrossed(Event):
    """What belongs to the event loop's thread is handed to another: `what` is
    "session", "connection", "instance".
    """

    what: str
    made_at: Site | None


class SessionHeld(Event):
    """A session or connection keeps its transaction open while something slow (`wait`) is awaited."""

    session: Reference
    record: SessionRecord | ConnectionRecord
    wait: str


class SessionLeaked(Event):
    """Nobody closes what was opened at `site`: "never", on the "path" that ends
    here, or when an "exception" passes.
    """

    session: Reference
    record: SessionRecord | ConnectionRecord
    how: str
    closed_at: Site | None


class SessionOutlived(Event):
    """A session or connection is used (`method`), or a task that uses it ("task", "later")
    goes on, after its `with` has ended.
    """

    session: Reference
    record: SessionRecord | ConnectionRecord
    left_at: Site
    method: str


class SessionStored(Event):
    """A session is kept where every task of the process finds it."""

    session: Reference
    record: SessionRecord
    where: str


class SessionShared(Event):
    """Two tasks that may run at once use one session. `site` is what starts the second, or its further use.

    `started` is where the first task starts; None when one place starts many tasks that are alike.
    """

    first: SessionUsed
    second: SessionUsed
    started: Site | None
    is_further_use: bool  # the second use is not a task's: the code that started the task goes on
    may_be_awaited: bool  # the tasks could each be awaited where they start


class SessionLeft(Event):
    """A session is closed: by `close()`, or by leaving its `async with`."""

    session: Reference
    record: SessionRecord


class FactoryCreated(Event):
    """`async_sessionmaker(…)`, `sessionmaker(…)` or a session class is called; what its options are."""

    name: str
    is_async: bool
    expire_on_commit: bool | None
    is_default: bool  # `expire_on_commit` was not given
    bind: Value
    in_request: bool = False  # each request makes it anew
