from __future__ import annotations

from asyncsqla_lint.project.models import Relationship
from asyncsqla_lint.rules.loading.wording import Wording
from asyncsqla_lint.rules.repairs.loading import eager_load
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeLoad


class MissingEagerLoad(Rule):
    """
    ## What it does
    Reports a relationship that is read in async code on an instance whose query did not load it: directly,
    through a property, a method, an f-string or an association proxy, at any depth of a chain.

    ## Why is this bad?
    Reading an unloaded relationship emits SQL. An `AsyncSession` can only do that inside an `await`, so plain
    attribute access raises `MissingGreenlet` (or `InvalidRequestError` under `lazy="raise"`).

    ## Example
    ```python
    user = await session.scalar(select(User).where(User.id == user_id))
    return [post.title for post in user.posts]
    ```

    ## Use instead
    ```python
    statement = select(User).options(selectinload(User.posts)).where(User.id == user_id)
    user = await session.scalar(statement)
    return [post.title for post in user.posts]
    ```

    ## What the fix does
    It adds the loader option where the query is built, in whatever file that is, merged into the options that
    are there; the message says who else runs that query. `joinedload` for one object, but `selectinload`
    under locks, `distinct`, `yield_per` and limits over joins; `selectinload` for collections. A query that
    does not name its entity (`select(self.model)`) is left as it is, since it serves other entities too: then
    `await obj.awaitable_attrs.name` if the model has it, or `await session.refresh(obj, ["name"])`, but not
    within a loop, where each would be a query of its own.
    """

    code = "ASQ301"
    name = "missing-eager-load"
    fix = "unsafe"
    outcome = Raises("MissingGreenlet", "InvalidRequestError")

    @on(AttributeLoad)
    def unloaded(self, event: AttributeLoad, report: Reporter) -> None:
        if event.is_detached or event.use != "read" or event.cause not in ("unloaded", "raise"):
            return
        if not isinstance(event.attribute, Relationship):
            return
        words = Wording(event)
        if event.cause == "raise":
            message = (
                f"{words.subject} is not loaded by {words.query} and is declared to raise: "
                f"`InvalidRequestError`; "
                f"{words.eager_load}"
            )
        else:
            message = (
                f"{words.subject} is not loaded by {words.query}: reading it here raises `{event.error}`; "
                f"{words.eager_load}"
            )
        report(self, event, message, related=words.places(), subject=words.key, fix=eager_load(event))
