from __future__ import annotations

from asyncsqla_lint.findings import Related
from asyncsqla_lint.rules.places import line_seen_from, place
from asyncsqla_lint.rules.repairs.sessions import in_sequence
from asyncsqla_lint.rules.rule import Raises, Reporter, Rule, on
from asyncsqla_lint.rules.sessions.wording import origin
from asyncsqla_lint.semantics.events import SessionShared
from asyncsqla_lint.semantics.sessions import SessionRecord


class SessionSharedAcrossTasks(Rule):
    """
    ## What it does
    Reports one `AsyncSession` (or an object that holds it: a service, a repository, a closure) that two
    tasks may use at the same time: `gather`, `wait`, `as_completed`, task groups, or `create_task` beside
    further use.

    ## Why is this bad?
    A session is one transaction on one connection. Two tasks that use it at once raise
    `IllegalStateChangeError` or `InvalidRequestError: … concurrent operations are not permitted` on its
    first use, and whenever a flush, commit, rollback or close overlaps. Otherwise it is silent and worse:
    nothing runs in parallel, and each task can commit or roll back the other's half-done work.

    ## Example
    ```python
    users, posts = await asyncio.gather(session.scalars(select(User)), session.scalars(select(Post)))
    ```

    ## Use instead
    ```python
    users = await session.scalars(select(User))
    posts = await session.scalars(select(Post))
    ```

    ## Or, for real concurrency
    ```python
    async def load(statement):
        async with session_factory() as session:
            return (await session.scalars(statement)).all()

    users, posts = await asyncio.gather(load(select(User)), load(select(Post)))
    ```

    ## What the fix does
    It awaits one after the other what `gather`, a task group or `create_task` started at once. Tasks that are
    waited for in a set, whose exceptions are collected, or that go elsewhere have no fix: what is to happen
    when one fails is not for a tool to say.
    """

    code = "ASQ201"
    name = "session-shared-across-tasks"
    fix = "unsafe"
    outcome = Raises("IllegalStateChangeError", "InvalidRequestError")

    @on(SessionShared)
    def shared(self, event: SessionShared, report: Reporter) -> None:
        record = event.second.record
        if not isinstance(record, SessionRecord):
            return  # ASQ209
        places: list[Related] = []
        if event.is_further_use and event.started == event.site:
            message = "the task that starts here shares its `AsyncSession` with what goes on meanwhile"
        elif event.started is None or event.started == event.site:
            message = "the tasks that start here share one `AsyncSession`"
        elif event.is_further_use:
            where = line_seen_from(event.site, event.started)
            message = (
                f"the `AsyncSession` is used here while the task started on {where} may still be using it"
            )
            places.append(place(event.started, "this task uses the session too"))
        else:
            where = line_seen_from(event.site, event.started)
            message = f"this task shares one `AsyncSession` with the task started on {where}"
            places.append(place(event.started, "the first task starts here"))
        message += "; await them one after the other, or give each task a session of its own"
        for use in (event.first, event.second):
            if use.site not in (event.site, event.started):
                places.append(place(use.site, f"`{use.method}` on the session"))
        places.append(place(record.site, origin(record)))
        report(
            self,
            event,
            message,
            related=places,
            fix=in_sequence(event),
        )
