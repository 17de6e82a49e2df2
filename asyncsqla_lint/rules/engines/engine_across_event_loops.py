from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineCrossesLoops


class EngineAcrossEventLoops(Rule):
    """
    ## What it does
    Reports a pooled async engine that is used under a second `asyncio.run` without having been disposed in
    between.

    ## Why is this bad?
    The pool's connections and its queue belong to the event loop in which they were made, and that loop is
    closed: `RuntimeError: … is bound to a different event loop`, `RuntimeError: Event loop is closed`.
    Workers that call `asyncio.run` once a job meet it at the second job.

    ## Example
    ```python
    def job() -> None:
        asyncio.run(work())  # uses the module's engine
    ```

    ## Use instead
    ```python
    engine = create_async_engine(URL, poolclass=NullPool)
    ```
    """

    code = "ASQ110"
    name = "engine-across-event-loops"
    outcome = Raises("RuntimeError")

    @on(EngineCrossesLoops)
    def crosses(self, event: EngineCrossesLoops, report: Reporter) -> None:
        related = [place(event.record.site, "the engine is made here")]
        if event.first is not None and event.first != event.site:
            related.insert(0, place(event.first, "it was first used under this event loop"))
        report(
            self,
            event,
            "this event loop uses an engine whose pool was filled under another: "
            "`RuntimeError: … different event loop`; dispose it before each loop ends, or use "
            "`poolclass=NullPool`",
            confidence="likely",
            related=related,
            subject="engine",
        )
