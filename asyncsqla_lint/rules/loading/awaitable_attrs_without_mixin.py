from __future__ import annotations

from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.repairs.loading import async_attrs
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.semantics.events import AttributeAwaited


class AwaitableAttrsWithoutMixin(Rule):
    """
    ## What it does
    Reports `obj.awaitable_attrs` on an instance whose class does not inherit from `AsyncAttrs`.

    ## Why is this bad?
    `awaitable_attrs` comes from the mixin: without it the read is an `AttributeError`.

    ## Example
    ```python
    class Base(DeclarativeBase): ...

    await user.awaitable_attrs.posts
    ```

    ## Use instead
    ```python
    class Base(AsyncAttrs, DeclarativeBase): ...

    await user.awaitable_attrs.posts
    ```
    """

    code = "ASQ309"
    name = "awaitable-attrs-without-mixin"
    fix = "safe"
    outcome = Raises("AttributeError")

    @on(AttributeAwaited)
    def awaited(self, event: AttributeAwaited, report: Reporter) -> None:
        if event.model.has_async_attrs is not False:
            return
        report(
            self,
            event,
            f"`{event.model.name}` has no `awaitable_attrs` (`AttributeError`): its base does not inherit "
            f"from "
            "`AsyncAttrs`; write `class Base(AsyncAttrs, DeclarativeBase)`",
            related=[place(Site(event.model.module, event.model.cls.definition.name_span), "declared here")],
            fix=async_attrs(event.model),
            subject=event.model.name,
        )
