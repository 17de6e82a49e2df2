from __future__ import annotations

from asyncsqla_lint.knowledge.api import BEFORE_2_0
from asyncsqla_lint.rules.awaiting.wording import article
from asyncsqla_lint.rules.repairs.base import query_to_select
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import AttributeMissing

# What a `ScalarResult` calls what a `Result` calls so.
_OF_SCALARS = {
    "scalar": "first",
    "scalar_one": "one",
    "scalar_one_or_none": "one_or_none",
    "fetchall": "all",
    "fetchone": "first",
}


class SyncOnlyApi(Rule):
    """
    ## What it does
    Reports an attribute that the sync class has and its async counterpart lacks, such as
    `AsyncSession.query`; also what an engine did before SQLAlchemy 2.0, such as `engine.execute`.

    ## Why is this bad?
    `AttributeError: 'AsyncSession' object has no attribute 'query'`.

    ## Example
    ```python
    users = session.query(User).all()
    ```

    ## Use instead
    ```python
    users = (await session.scalars(select(User))).all()
    ```
    """

    code = "ASQ406"
    name = "sync-only-api"
    fix = "unsafe"
    outcome = Raises("AttributeError")

    @on(AttributeMissing)
    def missing(self, event: AttributeMissing, report: Reporter) -> None:
        if event.name == "query":
            mend = "use `select()` with `await session.scalars(…)`"
        elif event.owner.endswith("Result"):
            mend = f"use `{_OF_SCALARS[event.name]}()`" if event.name in _OF_SCALARS else "ask it before"
        elif event.name.startswith("bulk_"):
            mend = "use `add_all()`, or `await session.execute(insert(…), rows)`"
        else:
            mend = f"`await ….run_sync(…)` gives the `{event.sync}`"
        only = f"which only `{event.sync}` has"
        if event.name in BEFORE_2_0.get(event.sync, ()):
            only = f"which `{event.sync}` had before SQLAlchemy 2.0"
            mend = "use a connection: `async with engine.connect() as connection:`"
        what = f"{article(event.owner)} `{event.owner}` has no `{event.name}`, {only}"
        report(self, event, f"{what}: `AttributeError`; {mend}", fix=query_to_select(event))
