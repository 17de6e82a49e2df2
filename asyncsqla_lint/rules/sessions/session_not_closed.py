from __future__ import annotations

from asyncsqla_lint.rules.places import line_seen_from, place
from asyncsqla_lint.rules.repairs.sessions import open_in_block
from asyncsqla_lint.rules.rule import Reporter, Rule, Warns, on
from asyncsqla_lint.rules.sessions.wording import kind
from asyncsqla_lint.semantics.events import SessionLeaked


class SessionNotClosed(Rule):
    """
    ## What it does
    Reports an `AsyncSession` or `AsyncConnection` that is opened without `async with` and not closed on
    every path: not at all, not before an early `return`, not when an exception passes, or by a dependency
    that returns or yields it and leaves it at that.

    ## Why is this bad?
    The connection stays checked out until the garbage collector finds it, which asyncio drivers cannot
    clean up: `SAWarning: The garbage collector is trying to clean up non-checked-in connection …`. Under
    load the pool runs dry (`QueuePool limit … reached`).

    ## Example
    ```python
    session = session_factory()
    count = await session.scalar(select(func.count(User.id)))
    await session.close()
    ```

    ## Use instead
    ```python
    async with session_factory() as session:
        count = await session.scalar(select(func.count(User.id)))
    ```

    ## What the fix does
    What is opened into a name and stays in its function goes into an `async with` with what follows (safe).
    What a dependency returns is yielded from one, which changes what others who call it get (unsafe). A
    session that leaves its function has no fix: its new owner has to close it.
    """

    code = "ASQ203"
    name = "session-not-closed"
    fix = "safe"
    outcome = Warns("SAWarning")

    @on(SessionLeaked)
    def leaked(self, event: SessionLeaked, report: Reporter) -> None:
        what = kind(event.record)
        places = []
        if event.closed_at is None:
            message = f"this {what} is never closed"
        else:
            where = line_seen_from(event.site, event.closed_at)
            places.append(place(event.closed_at, "closed here"))
            if event.how == "path":
                message = f"this {what} is closed on {where}, but not on every path"
            else:
                message = f"this {what} is closed on {where}, but not when an exception passes"
        message += ", which leaks its connection; open it with `async with`"
        is_handed = event.site != event.record.site
        if is_handed:
            places.append(place(event.record.site, "made here"))
        report(self, event, message, related=places, subject=what, fix=open_in_block(event.site, is_handed))
