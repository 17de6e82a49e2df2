from __future__ import annotations

from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.rules.loading.wording import Wording
from asyncsqla_lint.rules.repairs.loading import undefer
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeLoad


class DeferredColumn(Rule):
    """
    ## What it does
    Reports a column that is read without having been loaded: a deferred one, one that `load_only` or `defer`
    left out, or a subclass's column on a row that was queried as its base.

    ## Why is this bad?
    Reading it emits SQL, which plain attribute access cannot do under an `AsyncSession`: `MissingGreenlet`.

    ## Example
    ```python
    user = await session.scalar(select(User).options(load_only(User.id)))
    print(user.name)
    ```

    ## Use instead
    ```python
    user = await session.scalar(select(User).options(load_only(User.id, User.name)))
    print(user.name)
    ```
    """

    code = "ASQ305"
    name = "deferred-column"
    fix = "unsafe"
    outcome = Raises("MissingGreenlet", "InvalidRequestError")

    @on(AttributeLoad)
    def unloaded(self, event: AttributeLoad, report: Reporter) -> None:
        if isinstance(event.attribute, Relationship) or event.is_detached:
            return
        if event.cause not in ("unloaded", "raise"):
            return
        words = Wording(event)
        if event.caused_by == "subclass":
            mend = f"use `selectin_polymorphic` or `with_polymorphic` for `{event.attribute.owner.name}`"
            what = f"belongs to a subclass and is not loaded by {words.query}"
        elif event.caused_by:
            mend = f'`await session.refresh(obj, ["{event.attribute.name}"])` loads it'
            what = f"was expired by {words.cause}, and what brought the rest back has left it deferred"
        elif event.instance.is_as_replayed:
            mend = f'`await session.refresh(obj, ["{event.attribute.name}"])` loads it'
            what = "is not loaded by the refresh, which does not replay what was said of an alias"
        else:
            mend = (
                f"add `undefer({event.attribute.owner.name}.{event.attribute.name})` to the query's options"
            )
            if event.instance.plan is not None and event.instance.plan.lost_at:
                mend = words.eager_load
            what = f"is not loaded by {words.query}"
        message = f"{words.subject} {what}: reading it here raises `{event.error}`; {mend}"
        report(self, event, message, related=words.places(), subject=words.key, fix=undefer(event))
