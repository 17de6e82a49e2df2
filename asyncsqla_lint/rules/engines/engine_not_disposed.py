from __future__ import annotations

from asyncsqla_lint.findings import Confidence
from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.repairs.applications import has_other_process
from asyncsqla_lint.rules.repairs.disposing import dispose, sync_dispose
from asyncsqla_lint.rules.rule import Leaks, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineAbandoned, EngineDisposed


class EngineNotDisposed(Rule):
    """
    ## What it does
    Reports an async engine whose owner ends without `await engine.dispose()`: a function that makes one and
    lets it go, on one of its ways out or when an exception skips the dispose; an engine of a module that
    nothing in the project ever disposes; and `engine.sync_engine.dispose()`, which cannot close async
    connections.

    ## Why is this bad?
    The pool's connections stay open until the garbage collector finds them, when their event loop is gone:
    `ResourceWarning`, sockets that the server still counts, `RuntimeError: Event loop is closed` at exit.

    A script whose last line is `asyncio.run(main())` is left alone: it can be nothing but a process that ends
    there. Under `if __name__ == "__main__":` its `main` may be awaited by others.

    ## Example
    ```python
    async def main() -> None:
        engine = create_async_engine(URL)
        await serve(engine)
    ```

    ## Use instead
    ```python
    async def main() -> None:
        engine = create_async_engine(URL)
        try:
            await serve(engine)
        finally:
            await engine.dispose()
    ```

    ## What the fix does
    It puts the dispose into a `finally` of the function that makes the engine, at the end of the object's own
    `close()`, or, for a module's engine, after the `yield` of the application's one lifespan or around the
    coroutine that the module hands to `asyncio.run`. An engine that is handed on, or that an object without a
    way to be closed holds, has no fix: who ends it is for its users to say.
    """

    code = "ASQ105"
    name = "engine-not-disposed"
    fix = "unsafe"
    outcome = Leaks()

    @on(EngineAbandoned)
    def abandoned(self, event: EngineAbandoned, report: Reporter) -> None:
        if event.how == "script":
            if not has_other_process(event.index, event.record.site.module, event.scripts):
                return
            what = f"only `{event.scripts[0].name}` disposes this engine, in a process of its own"
        elif event.how == "exception":
            what = f"an exception in `{event.owner}` skips the dispose of this engine"
        elif event.how == "module":
            what = "nothing in the project disposes this engine"
        else:
            what = f"`{event.owner}` ends without disposing this engine"
        mend = "put `await engine.dispose()` in a `finally`"
        if event.how in ("module", "script"):
            mend = "`await engine.dispose()` where the application shuts down"
        report(
            self,
            event,
            f"{what}: its connections stay open; {mend}",
            confidence=_sure(event.how),
            fix=dispose(event),
            subject="engine",
            cause=event.site if event.how in ("module", "script") else event.record.site,
        )

    @on(EngineDisposed)
    def disposed(self, event: EngineDisposed, report: Reporter) -> None:
        if event.proper or not event.record.is_async:
            return
        message = (
            "`sync_engine.dispose()` cannot close async connections (`MissingGreenlet`, which the pool "
            "logs): "
            "they stay open; use `await engine.dispose()`"
        )
        made = place(event.record.site, "the engine is made here")
        report(self, event, message, related=[made], fix=sync_dispose(event.site))


def _sure(how: str) -> Confidence:
    return "certain" if how == "never" else "likely"
