from __future__ import annotations

from asyncsqla_lint.rules.repairs.base import set_keyword
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import FactoryCreated


class ExpireOnCommitDefault(Rule):
    """
    ## What it does
    Reports an `async_sessionmaker`, an `AsyncSession` or a `sessionmaker(class_=AsyncSession)` that leaves
    `expire_on_commit` at its default. A script whose last line is `asyncio.run(main())` is judged by what it
    reads of the sessions that it makes itself (ASQ302), not by the default.

    ## Why is this bad?
    The default expires every instance at each commit. In async code the next plain read of any of their
    attributes raises `MissingGreenlet` (ASQ302), far from the commit and often only in production.

    ## Example
    ```python
    Session = async_sessionmaker(engine)
    ```

    ## Use instead
    ```python
    Session = async_sessionmaker(engine, expire_on_commit=False)
    ```
    """

    code = "ASQ304"
    name = "expire-on-commit-default"
    fix = "safe"
    outcome = Raises("MissingGreenlet")

    @on(FactoryCreated)
    def created(self, event: FactoryCreated, report: Reporter) -> None:
        if event.is_async and event.is_default and event.expire_on_commit is True:
            report(
                self,
                event,
                f"`{event.name}` expires every instance on commit by default: the next attribute read raises "
                "`MissingGreenlet`; pass `expire_on_commit=False`",
                confidence="certain",
                fix=set_keyword(event.site, "expire_on_commit", "False"),
            )
