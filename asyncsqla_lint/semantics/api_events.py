"""How the program uses SQLAlchemy's async API, as the rules hear of it."""

from __future__ import annotations

from asyncsqla_lint.flow.coroutines import CoroutineRecord
from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Site


class CoroutineLost(Event):
    """A coroutine of SQLAlchemy, or of the project and with a session, is never awaited by who had it."""

    owner: str  # the class of which it is a method: "AsyncSession", or "awaitable_attrs"; "" for a function
    method: str
    made_at: Site  # where SQLAlchemy's method is called; `site` is where a helper that does so is called
    is_own: bool = False  # a function of the project, which works with a session


class AwaitBoundLate(Event):
    """`await session.execute(q).scalars()`: the attribute is looked up on the coroutine."""

    coroutine: CoroutineRecord
    owner: str
    attribute: str  # "" for a subscript


class PlainAwaited(Event):
    """`await session.add(…)`: the method is no coroutine."""

    owner: str
    method: str
    kind: str
    by: str = ""  # what awaits it in place of `await`: `gather`


class WithMismatched(Event):
    """`with` on what only `async with` enters (`is_async` False), or the other way round, or `neither`."""

    owner: str
    is_async: bool
    neither: bool = False


class IterationMismatched(Event):
    """`for` over an AsyncResult (`is_async` False), or `async for` over a Result."""

    owner: str
    is_async: bool


class AttributeMissing(Event):
    """The sync class has this attribute, the async class has not."""

    owner: str
    sync: str
    name: str


class RunSyncMisused(Event):
    """`run_sync` is given what it cannot run: "called" (a result), "coroutine", "async"."""

    what: str
    function: str
    is_written_for_it: bool = False  # what is "async" asks for the sync session: to await it would not do
