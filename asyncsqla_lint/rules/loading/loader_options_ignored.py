from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.repairs.base import set_keyword
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import OptionsIgnored


class LoaderOptionsIgnored(Rule):
    """
    ## What it does
    Reports `session.get(..., options=...)` for an identity that the session already holds.

    ## Why is this bad?
    `get` answers from the identity map without a query, so the options do nothing: what they name stays
    unloaded and the next read of it raises `MissingGreenlet`.

    ## Example
    ```python
    cup = await session.get(Cup, 1)
    cup = await session.get(Cup, 1, options=[selectinload(Cup.matches)])
    ```

    ## Use instead
    ```python
    cup = await session.get(Cup, 1, options=[selectinload(Cup.matches)], populate_existing=True)
    ```
    """

    code = "ASQ310"
    name = "loader-options-ignored"
    fix = "safe"
    outcome = Raises("MissingGreenlet")

    @on(OptionsIgnored)
    def ignored(self, event: OptionsIgnored, report: Reporter) -> None:
        origin = event.instance.origin
        report(
            self,
            event,
            f"the session already holds this `{event.model.name}`: `get` returns it without a query and the "
            f"options do "
            "nothing; pass `populate_existing=True`",
            related=[] if origin is None else [place(origin, "loaded here")],
            fix=set_keyword(event.site, "populate_existing", "True"),
        )
