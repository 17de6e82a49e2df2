from __future__ import annotations

from asyncsqla_lint.rules.repairs.requirements import ask_for_extra
from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.semantics.engine_events import GreenletMissing


class GreenletNotRequired(Rule):
    """
    ## What it does
    Reports the asyncio extension in a project that asks for SQLAlchemy 2.1 or later without the `asyncio`
    extra, and without greenlet itself. It is said once, at the first import.

    ## Why is this bad?
    SQLAlchemy 2.1 no longer installs greenlet by default. Where nothing else brings it along, the first use
    of the extension fails: `ValueError: the greenlet library is required to use this function`.

    ## Example
    ```toml
    dependencies = ["sqlalchemy>=2.1"]
    ```

    ## Use instead
    ```toml
    dependencies = ["sqlalchemy[asyncio]>=2.1"]
    ```

    ## What the fix does
    It adds the extra to the requirement, in `pyproject.toml` or whichever file has it. Where a lock file
    follows that one the fix is unsafe: what installs from the lock fails until it is made anew (`uv lock`).
    """

    code = "ASQ113"
    name = "greenlet-not-required"
    preview = True
    fix = "safe"
    outcome = Silent("wherever this runs, greenlet is installed")

    @on(GreenletMissing)
    def missing(self, event: GreenletMissing, report: Reporter) -> None:
        report(
            self,
            event,
            f"`{event.lacking.requirement}` installs no greenlet, which the asyncio extension needs; "
            "ask for `sqlalchemy[asyncio]`",
            subject="greenlet",
            fix=ask_for_extra(event.lacking, "asyncio"),
        )
