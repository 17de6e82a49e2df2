from __future__ import annotations

from asyncsqla_lint.knowledge.drivers import Where, replacement, takers, takes
from asyncsqla_lint.rules.repairs.engines import rename_argument
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineCreated
from asyncsqla_lint.semantics.urls import addresses


class DriverArgumentMismatch(Rule):
    """
    ## What it does
    Reports a parameter in the URL's query, or a key of `connect_args`, that the driver does not take:
    `sslmode` or `channel_binding` for asyncpg, `ssl` for psycopg, `check_same_thread` for anything but
    SQLite.

    ## Why is this bad?
    SQLAlchemy hands them to the driver, whose connect fails:
    `TypeError: connect() got an unexpected keyword argument 'sslmode'`, or
    `ProgrammingError: invalid connection option`. The engine itself is made without complaint.

    ## Example
    ```python
    engine = create_async_engine("postgresql+asyncpg://app@localhost/app?sslmode=require")
    ```

    ## Use instead
    ```python
    engine = create_async_engine("postgresql+asyncpg://app@localhost/app?ssl=require")
    ```
    """

    code = "ASQ107"
    name = "driver-argument-mismatch"
    fix = "safe"
    outcome = Raises("TypeError", "ProgrammingError")

    @on(EngineCreated)
    def created(self, event: EngineCreated, report: Reporter) -> None:
        if not event.record.is_async:
            return
        urls, is_whole = addresses(event.record.url)
        for url in urls:
            given: list[tuple[str, str | None, Where]] = [(key, value, "query") for key, value in url.query]
            given += [(key, value, "connect_args") for key, value in event.connect_args]
            for key, value, where in given:
                if takes(url.name, key, where, event.release) is False:
                    sure = event.certain and is_whole and len(urls) == 1
                    message = self._message(url.driver or url.name, key, value, where)
                    mend = rename_argument(event, url.driver or url.name, key, value, where)
                    report(self, event, message, confidence="certain" if sure else "likely", fix=mend)
                    return

    def _message(self, driver: str, key: str, value: str | None, where: Where) -> str:
        place = "the URL's query" if where == "query" else "`connect_args`"
        message = f"{driver} does not take `{key}` ({place}): connecting raises an error"
        meant = replacement(driver, key, where, value)
        if meant is not None:
            return f"{message}; {driver} calls it `{meant}`"
        others = takers(key)
        return (
            f"{message}; it is an argument of {' and '.join(others[:2])}"
            if others
            else f"{message}; remove it"
        )
