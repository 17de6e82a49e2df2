from __future__ import annotations

from asyncsqla_lint.rules.repairs.engines import async_factory
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import BindMismatched


class SessionFactoryMismatch(Rule):
    """
    ## What it does
    Reports a session or session factory of one kind on an engine of the other: `sessionmaker(async_engine)`
    without `class_=AsyncSession`, `Session(async_engine)`, `async_sessionmaker(sync_engine)`,
    `AsyncSession(sync_engine)`.

    ## Why is this bad?
    A sync session on an async engine raises `AsyncContextNotStarted` at its first statement; an
    `AsyncSession` on a sync engine raises `ArgumentError: AsyncEngine expected`.

    ## Example
    ```python
    engine = create_async_engine(url)
    SessionLocal = sessionmaker(bind=engine)
    ```

    ## Use instead
    ```python
    engine = create_async_engine(url)
    SessionLocal = async_sessionmaker(engine, expire_on_commit=False)
    ```
    """

    code = "ASQ211"
    name = "session-factory-mismatch"
    fix = "safe"
    outcome = Raises("AsyncContextNotStarted", "ArgumentError")

    @on(BindMismatched)
    def mismatched(self, event: BindMismatched, report: Reporter) -> None:
        if event.is_async:
            message = (
                f"`{event.name}` is given a sync engine: `ArgumentError: AsyncEngine expected`; "
                "make the engine with `create_async_engine()`"
            )
        else:
            message = (
                f"`{event.name}` makes sync sessions on an async engine: their first statement raises "
                "`AsyncContextNotStarted`; use `async_sessionmaker` or `AsyncSession`"
            )
        report(self, event, message, fix=async_factory(event))
