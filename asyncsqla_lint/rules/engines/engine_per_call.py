from __future__ import annotations

from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.semantics.engine_events import EngineShortLived


class EnginePerCall(Rule):
    """
    ## What it does
    Reports an engine that is made and let go within a request handler, a dependency, a task or one round of
    a loop.

    ## Why is this bad?
    Each engine has a pool of its own: every call opens new connections, and none is ever used again. Under
    load the server runs out of them.

    ## Example
    ```python
    async def get_session() -> AsyncIterator[AsyncSession]:
        engine = create_async_engine(URL)
        async with AsyncSession(engine) as session:
            yield session
    ```

    ## Use instead
    ```python
    engine = create_async_engine(URL)

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session
    ```
    """

    code = "ASQ106"
    name = "engine-per-call"
    outcome = Silent("each engine works; what is wasted shows under load only")

    @on(EngineShortLived)
    def short_lived(self, event: EngineShortLived, report: Reporter) -> None:
        each = "for each request" if event.why == "request" else "for each round of a loop"
        report(
            self,
            event,
            f"this engine, with its pool, is made anew {each}: no connection is ever used again; "
            "make it once, at start-up",
            confidence="likely",
            subject="engine",
        )
