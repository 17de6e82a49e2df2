"""What the program does to engines and connections, as the rules hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.values import Arguments, Reference, Value
from asyncsqla_lint.knowledge.releases import Release

if TYPE_CHECKING:
    from asyncsqla_lint.project.index import Index, Module
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.engines import EngineRecord
    from asyncsqla_lint.workspace.config import Greenless


class EngineCreated(Event):
    """`create_async_engine(…)` or one of its kin is called."""

    engine: Reference
    record: EngineRecord
    release: Release
    connect_args: tuple[tuple[str, str | None], ...]
    wrapped: bool  # handed to `AsyncEngine(…)` at once
    index: Index


class EngineDisposed(Event):
    """`dispose()` has run; `proper` is False for `engine.sync_engine.dispose()` of an async engine."""

    engine: Reference
    record: EngineRecord
    proper: bool


class EngineUsed(Event):
    """A connection is asked for: by `connect()`, `begin()`, or by a session."""

    engine: Reference
    record: EngineRecord
    method: str


class EngineAbandoned(Event):
    """The engine's owner ends, and nobody else has the engine in hand: "never", by "exception", "module".

    "script": a module's engine that `scripts` alone dispose, each in a process of its own.
    """

    record: EngineRecord
    owner: str
    how: str
    index: Index
    scripts: tuple[Module, ...] = ()


class EngineCrossesLoops(Event):
    """A pooled engine is used under a second event loop; `first` is where its first one ran."""

    record: EngineRecord
    first: Site | None


class EngineShortLived(Event):
    """An engine is made and let go within one of many calls. `why`: "loop", "request"."""

    record: EngineRecord
    owner: str
    why: str


class GreenletMissing(Event):
    """The first module that imports the asyncio extension, where the requirement brings no greenlet."""

    lacking: Greenless


class ConnectionOpened(Event):
    connection: Reference
    record: ConnectionRecord


class ConnectionUsed(Event):
    connection: Reference
    record: ConnectionRecord
    method: str
    arguments: Arguments


class ConnectionLeft(Event):
    """A connection is closed: by `close()`, or by leaving its block."""

    connection: Reference
    record: ConnectionRecord


class SyncHalfUsed(Event):
    """The sync half of something async asks the database in a coroutine, with no greenlet around it."""

    what: str  # "Session.execute", "Engine.connect"
    half_of: str  # "AsyncSession"
    coroutine: str  # the coroutine that runs it


class LoopBlocked(Event):
    """A call waits for the database in the thread of the event loop."""

    what: str  # "Session.execute", "psycopg2.connect"
    made_at: Site | None  # where the session, connection or engine comes from
    coroutine: str  # the coroutine that runs it
    value: Value
