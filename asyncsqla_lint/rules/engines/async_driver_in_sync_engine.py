from __future__ import annotations

from asyncsqla_lint.knowledge.dialects import dialects
from asyncsqla_lint.rules.repairs.engines import one_of_both
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineCreated
from asyncsqla_lint.semantics.urls import addresses


class AsyncDriverInSyncEngine(Rule):
    """
    ## What it does
    Reports `create_engine` or `engine_from_config` with a URL whose driver is async.

    ## Why is this bad?
    The engine is made without complaint, and its first connect raises `MissingGreenlet`. Migration
    environments that reuse the application's URL are the usual place.

    ## Example
    ```python
    engine = create_engine("postgresql+asyncpg://app@localhost/app")
    ```

    ## Use instead
    ```python
    engine = create_async_engine("postgresql+asyncpg://app@localhost/app")
    ```
    """

    code = "ASQ103"
    name = "async-driver-in-sync-engine"
    fix = "unsafe"
    outcome = Raises("MissingGreenlet")

    @on(EngineCreated)
    def created(self, event: EngineCreated, report: Reporter) -> None:
        if event.record.is_async or event.wrapped:
            return
        known = dialects(event.release)
        urls, is_whole = addresses(event.record.url)
        wrong = [url for url in urls if known.is_async_under_sync(url.name)]
        if not wrong or any(key == "async_fallback" for url in wrong for key, _ in url.query):
            return
        sure = event.certain and is_whole and len(wrong) == len(urls)
        report(
            self,
            event,
            f"`{wrong[0].name}://` names an async driver: the first connect of this sync engine raises "
            "`MissingGreenlet`; use `create_async_engine`, or a sync driver",
            confidence="certain" if sure else "likely",
            fix=one_of_both(event, wrong[0], known),
        )
