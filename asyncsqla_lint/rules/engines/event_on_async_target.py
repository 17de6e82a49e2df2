from __future__ import annotations

from asyncsqla_lint.rules.repairs.engines import sync_target
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.listening import ListenerMisplaced


class EventOnAsyncTarget(Rule):
    """
    ## What it does
    Reports `event.listen` and `event.listens_for` on the classes and objects of the async API, and a
    listener that is a coroutine function.

    ## Why is this bad?
    Events belong to the sync objects below: an async target raises `NotImplementedError` or
    `InvalidRequestError`. A coroutine listener is called, and its coroutine is dropped: it never runs.

    ## Example
    ```python
    @event.listens_for(engine, "connect")
    def connected(connection, record): ...
    ```

    ## Use instead
    ```python
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection, record): ...
    ```
    """

    code = "ASQ109"
    name = "event-on-async-target"
    fix = "safe"
    outcome = Raises("NotImplementedError", "InvalidRequestError")

    @on(ListenerMisplaced)
    def misplaced(self, event: ListenerMisplaced, report: Reporter) -> None:
        if event.listener:
            message = (
                f"the listener `{event.listener}` is a coroutine function: SQLAlchemy drops its coroutine, "
                "which never runs; make it a plain `def`"
            )
        else:
            what = f"the class `{event.target}`" if event.is_class else f"`{event.target}` objects"
            mend = _MENDS.get(event.target, "listen on the sync object below")
            if event.is_class and event.target == "AsyncSession":
                mend = "listen on `Session`, or on the class given as `sync_session_class`"
            message = f"{what} have no events: `{event.raises}`; {mend}"
            message = message.replace(" have no", " has no") if event.is_class else message
        report(self, event, message, fix=sync_target(event))


_MENDS = {
    "AsyncEngine": "listen on its `.sync_engine`",
    "AsyncConnection": "listen on its `.sync_connection`",
    "AsyncSession": "listen on its `.sync_session`",
    "async_sessionmaker": "listen on the class given as `sync_session_class`, or on `Session`",
    "async_scoped_session": "listen on the class given as `sync_session_class`, or on `Session`",
}
