from __future__ import annotations

from asyncsqla_lint.rules.loading.wording import Wording
from asyncsqla_lint.rules.repairs.loading import write_only
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeLoad


class DynamicRelationship(Rule):
    """
    ## What it does
    Reports a `lazy="dynamic"` relationship that is asked for rows under an `AsyncSession`.

    ## Why is this bad?
    A dynamic relationship runs a query each time it is iterated, counted or filtered, always in plain
    synchronous code: `MissingGreenlet`. There is no loader option that helps.

    ## Example
    ```python
    replies: DynamicMapped["Reply"] = relationship()
    ...
    topic.replies.all()
    ```

    ## Use instead
    ```python
    replies: WriteOnlyMapped["Reply"] = relationship()
    ...
    (await session.scalars(topic.replies.select())).all()
    ```
    """

    code = "ASQ306"
    name = "dynamic-relationship"
    fix = "unsafe"
    outcome = Raises("MissingGreenlet")

    @on(AttributeLoad)
    def asked(self, event: AttributeLoad, report: Reporter) -> None:
        if event.cause != "dynamic" or event.is_detached:
            return
        words = Wording(event)
        report(
            self,
            event,
            f'{words.subject} is `lazy="dynamic"`: asking it for rows here raises `MissingGreenlet`; declare '
            f"it "
            "`WriteOnlyMapped` and execute its `select()`",
            related=words.places(),
            subject=words.key,
            fix=write_only(event),
        )
