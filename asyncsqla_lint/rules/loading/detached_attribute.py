from __future__ import annotations

from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.rules.loading.wording import Wording
from asyncsqla_lint.rules.repairs.loading import eager_load, undefer
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeLoad


class DetachedAttribute(Rule):
    """
    ## What it does
    Reports an unloaded attribute that is read after its session was closed, or after the instance was
    expunged.

    ## Why is this bad?
    Without a session nothing can be loaded: the read raises `DetachedInstanceError`.

    ## Example
    ```python
    async with Session() as session:
        page = await session.get(Page, 1)
    print(page.links)
    ```

    ## Use instead
    ```python
    async with Session() as session:
        page = await session.get(Page, 1, options=[selectinload(Page.links)])
    print(page.links)
    ```
    """

    code = "ASQ303"
    name = "detached-attribute"
    fix = "unsafe"
    outcome = Raises("DetachedInstanceError")

    @on(AttributeLoad)
    def detached(self, event: AttributeLoad, report: Reporter) -> None:
        if not event.is_detached or event.cause != "unloaded":
            return
        words = Wording(event)
        mend = eager_load(event) if isinstance(event.attribute, Relationship) else undefer(event)
        message = (
            f"{words.subject} is not loaded by {words.query} and the session is gone ({words.cause}): "
            f"reading it here "
            f"raises `DetachedInstanceError`; {words.eager_load}"
        )
        report(self, event, message, related=words.places(), subject=words.key, fix=mend)
