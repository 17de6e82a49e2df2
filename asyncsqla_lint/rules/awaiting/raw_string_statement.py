from __future__ import annotations

from asyncsqla_lint.flow.values import Constant, Text, alternatives
from asyncsqla_lint.rules.repairs.base import one_repair
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import StatementExecuted


class RawStringStatement(Rule):
    """
    ## What it does
    Reports SQL given to `execute`, `scalar`, `scalars` or `stream` as a plain string.

    ## Why is this bad?
    `ArgumentError: Textual SQL expression 'select 1' should be explicitly declared as text('select 1')`
    from a session, `ObjectNotExecutableError` from a connection.

    ## Example
    ```python
    await session.execute("select 1")
    ```

    ## Use instead
    ```python
    await session.execute(text("select 1"))
    ```
    """

    code = "ASQ409"
    name = "raw-string-statement"
    fix = "safe"
    outcome = Raises("ArgumentError", "ObjectNotExecutableError")

    @on(StatementExecuted)
    def executed(self, event: StatementExecuted, report: Reporter) -> None:
        if event.method in ("exec_driver_sql", "get", "get_one"):
            return
        given = alternatives(event.argument)
        strings = [
            one
            for one in given
            if isinstance(one, Text) or (isinstance(one, Constant) and isinstance(one.value, str))
        ]
        if strings:
            sure = event.certain and len(strings) == len(given)
            report(
                self,
                event,
                f"`{event.method}()` takes no SQL as a plain string: `ArgumentError`; wrap it in `text(…)`",
                confidence="certain" if sure else "likely",
                fix=one_repair("wrap_text", event.site, "Wrap in `text()`"),
            )
