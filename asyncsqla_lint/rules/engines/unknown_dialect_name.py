from __future__ import annotations

from asyncsqla_lint.knowledge.dialects import dialects
from asyncsqla_lint.rules.repairs.engines import rename_dialect
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.engine_events import EngineCreated
from asyncsqla_lint.semantics.making import meant
from asyncsqla_lint.semantics.urls import addresses


class UnknownDialectName(Rule):
    """
    ## What it does
    Reports a URL whose dialect or driver does not exist, and whose name is close to one that does:
    `postgres://`, `mysql+mysqlclient://`, a slip of the pen.

    ## Why is this bad?
    `NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres`. Platforms hand out `postgres://`
    URLs, which SQLAlchemy stopped taking in 1.4.

    ## Example
    ```python
    engine = create_async_engine("postgres+asyncpg://app@localhost/app")
    ```

    ## Use instead
    ```python
    engine = create_async_engine("postgresql+asyncpg://app@localhost/app")
    ```
    """

    code = "ASQ108"
    name = "unknown-dialect-name"
    fix = "safe"
    outcome = Raises("NoSuchModuleError", "ValueError")

    @on(EngineCreated)
    def created(self, event: EngineCreated, report: Reporter) -> None:
        known = dialects(event.release)
        urls, is_whole = addresses(event.record.url)
        for url in urls:
            name = meant(url, known)
            if name is not None:
                raised = "ValueError" if url.name.count("+") > 1 else "NoSuchModuleError"
                sure = event.certain and is_whole and len(urls) == 1
                report(
                    self,
                    event,
                    f"SQLAlchemy has no dialect `{url.name}`: `{raised}`; write `{name}://`",
                    confidence="certain" if sure else "likely",
                    fix=rename_dialect(event, url.name, name),
                )
                return
