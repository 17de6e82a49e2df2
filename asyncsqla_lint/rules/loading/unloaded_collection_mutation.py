from __future__ import annotations

from asyncsqla_lint.rules.loading.wording import Wording
from asyncsqla_lint.rules.repairs.loading import eager_load, refresh
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeLoad


class UnloadedCollectionMutation(Rule):
    """
    ## What it does
    Reports `append`, `remove`, assignment or `in` on a collection that has not been loaded.

    ## Why is this bad?
    To change a collection or to look into it SQLAlchemy has to know what it holds, so it loads it first:
    `MissingGreenlet`.

    ## Example
    ```python
    user = await session.get(User, 1)
    user.posts.append(Post())
    ```

    ## Use instead
    ```python
    session.add(Post(author=user))
    ```
    or load the collection with the query.
    """

    code = "ASQ311"
    name = "unloaded-collection-mutation"
    fix = "unsafe"
    outcome = Raises("MissingGreenlet", "InvalidRequestError")

    @on(AttributeLoad)
    def changed(self, event: AttributeLoad, report: Reporter) -> None:
        if event.use != "change" or event.is_detached or event.cause == "dynamic":
            return
        if event.attribute.kind != "relationship":
            return
        words = Wording(event)
        missing = (
            f"was expired by {words.cause}" if event.cause == "expired" else f"is not loaded by {words.query}"
        )
        mend = words.keep if event.cause == "expired" else words.eager_load
        report(
            self,
            event,
            f"{words.subject} {missing}: using it loads it first, which raises `{event.error}`; {mend}",
            related=words.places(),
            subject=words.key,
            fix=refresh(event) if event.cause == "expired" else eager_load(event),
        )
