from __future__ import annotations

from asyncsqla_lint.rules.loading.wording import Wording
from asyncsqla_lint.rules.repairs.loading import keep
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeLoad


class ExpiredAttribute(Rule):
    """
    ## What it does
    Reports any attribute that is read after something expired it: `commit()` under `expire_on_commit=True`,
    the end of a `begin()` block, `rollback()` (whatever `expire_on_commit` says), the rollback of a
    savepoint, `expire()`, a failed flush, or a server-side `onupdate` after an UPDATE.

    ## Why is this bad?
    An expired attribute is fetched again when it is read. Under an `AsyncSession` that read happens outside
    of any `await`, so it raises `MissingGreenlet` in the middle of a response or, worse, of an error handler.

    ## Example
    ```python
    await session.commit()
    return {"id": user.id}
    ```

    ## Use instead
    ```python
    Session = async_sessionmaker(engine, expire_on_commit=False)
    ```
    or `await session.refresh(user)` after the commit, or read what is needed before it. A bare refresh brings
    back columns and what the query loads besides; another relationship has to be named:
    `await session.refresh(user, ["posts"])`.

    ## What the fix does
    `await session.refresh(obj)` before the first read, or `refresh(obj, ["name"])`; where the session is
    gone, or the read stands in an expression that cannot wait, `expire_on_commit=False` at the factory. What
    a rollback, or `expire()`, took away from many objects at once has no fix: what to do then is a decision.
    """

    code = "ASQ302"
    name = "expired-attribute"
    fix = "unsafe"
    outcome = Raises("MissingGreenlet", "DetachedInstanceError", "PendingRollbackError")

    @on(AttributeLoad)
    def expired(self, event: AttributeLoad, report: Reporter) -> None:
        is_mutation = event.use == "change" and event.attribute.kind == "relationship"
        if event.cause != "expired" or (is_mutation and not event.is_detached):
            return
        words = Wording(event)
        what = f"{words.subject} was expired by {words.cause}"
        message = f"{what}: reading it here raises `{event.error}`; {words.keep}"
        mend = keep(event)
        if event.assumption:
            message += f" ({event.assumption})"
        report(self, event, message, related=words.places(), subject=words.key, fix=mend)
