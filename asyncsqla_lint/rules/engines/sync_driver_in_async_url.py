from __future__ import annotations

from asyncsqla_lint.knowledge.dialects import Dialects, dialects
from asyncsqla_lint.rules.repairs.engines import driver_swap
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineCreated
from asyncsqla_lint.semantics.urls import Address, addresses


class SyncDriverInAsyncUrl(Rule):
    """
    ## What it does
    Reports a database URL that reaches `create_async_engine` or `async_engine_from_config` with a driver
    that is not async for the SQLAlchemy release in use, however the URL was put together.

    ## Why is this bad?
    The engine cannot be made:
    `InvalidRequestError: The asyncio extension requires an async driver to be used`. A URL without a driver
    means the dialect's default, which is sync for most (for `postgresql://` up to SQLAlchemy 2.0).

    ## Example
    ```python
    engine = create_async_engine("postgresql://app@localhost/app")
    ```

    ## Use instead
    ```python
    engine = create_async_engine("postgresql+asyncpg://app@localhost/app")
    ```
    """

    code = "ASQ102"
    name = "sync-driver-in-async-url"
    fix = "unsafe"
    outcome = Raises("InvalidRequestError")

    @on(EngineCreated)
    def created(self, event: EngineCreated, report: Reporter) -> None:
        if not event.record.is_async or not event.record.maker:
            return
        known = dialects(event.release)
        urls, is_whole = addresses(event.record.url)
        wrong = [url for url in urls if known.is_async(url.name) is False]
        if not wrong:
            return
        message = f"{self._what(wrong[0], known)}: `{event.record.maker}` raises `InvalidRequestError`"
        meant = known.async_drivers(wrong[0].backend)
        if meant:
            message += f"; write `{wrong[0].backend}+{meant[0]}://`"
        sure = event.certain and is_whole and len(wrong) == len(urls)
        mend = driver_swap(event, wrong[0], meant)
        report(self, event, message, confidence="certain" if sure else "likely", fix=mend)

    def _what(self, url: Address, known: Dialects) -> str:
        if url.driver:
            return f"the driver of `{url.name}://` is not async"
        default = known.default_driver(url.name, under_async=True)
        if default is None:
            return f"the driver of `{url.name}://` is not async"
        return f"`{url.name}://` means the driver {default} on SQLAlchemy {known.release}, which is not async"
