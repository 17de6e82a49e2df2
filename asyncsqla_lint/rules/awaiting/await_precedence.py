from __future__ import annotations

from asyncsqla_lint.rules.awaiting.wording import called
from asyncsqla_lint.rules.repairs.base import move_await
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.api_events import AwaitBoundLate
from asyncsqla_lint.semantics.api_use import method_name


class AwaitPrecedence(Rule):
    """
    ## What it does
    Reports an `await` over a chain whose first link is the coroutine: `await session.execute(q).scalars()`.

    ## Why is this bad?
    `await` binds last, so the attribute is looked up on the coroutine:
    `AttributeError: 'coroutine' object has no attribute 'scalars'`.

    ## Example
    ```python
    users = await session.execute(select(User)).scalars()
    ```

    ## Use instead
    ```python
    users = (await session.execute(select(User))).scalars()
    ```
    """

    code = "ASQ403"
    name = "await-precedence"
    fix = "safe"
    outcome = Raises("AttributeError", "TypeError")

    @on(AwaitBoundLate)
    def bound(self, event: AwaitBoundLate, report: Reporter) -> None:
        what = called(event.owner, method_name(event.coroutine))
        if event.attribute:
            happens = f"`.{event.attribute}` is looked up on the coroutine of {what}: `AttributeError`"
        else:
            happens = f"the coroutine of {what} is subscripted: `TypeError`"
        report(
            self, event, f"{happens}; put parentheses around `await` and the call", fix=move_await(event.site)
        )
