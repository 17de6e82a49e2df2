from __future__ import annotations

from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.semantics.events import FactoryCreated
from asyncsqla_lint.semantics.ownership import is_cached


class FactoryPerCall(Rule):
    """
    ## What it does
    Reports an `async_sessionmaker` or `sessionmaker` that is built anew for every request, in a route or a
    dependency.

    ## Why is this bad?
    Each factory makes a session class of its own. It is needless work in every request, and its options are
    repeated in every place that does so.

    ## Example
    ```python
    async def get_session():
        factory = async_sessionmaker(engine, expire_on_commit=False)
        async with factory() as session:
            yield session
    ```

    ## Use instead
    ```python
    factory = async_sessionmaker(engine, expire_on_commit=False)

    async def get_session():
        async with factory() as session:
            yield session
    ```
    """

    code = "ASQ212"
    name = "factory-per-call"
    preview = True
    outcome = Silent("only slower, by a class that is made each time")

    @on(FactoryCreated)
    def created(self, event: FactoryCreated, report: Reporter) -> None:
        if not event.in_request or "sessionmaker" not in event.name:
            return
        frame: Frame | None = event.frame
        while frame is not None:
            if frame.function is not None and is_cached(frame.function):
                return
            frame = frame.caller
        report(self, event, f"each request makes this `{event.name}` anew; make it once, beside the engine")
