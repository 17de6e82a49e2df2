from __future__ import annotations

from asyncsqla_lint.rules.places import line_seen_from, place
from asyncsqla_lint.rules.repairs.sessions import commit_at_the_end
from asyncsqla_lint.rules.rule import LosesWrite, Reporter, Rule, on
from asyncsqla_lint.semantics.events import WriteLost
from asyncsqla_lint.semantics.testing import in_test


class WriteNeverCommitted(Rule):
    """
    ## What it does
    Reports `add`, `delete`, `merge`, a changed attribute, or an INSERT, UPDATE or DELETE in a scope that
    owns its session or connection and ends without a `commit()`, a `begin()` block, or a caller that
    commits. A write behind which everything comes to a `raise` is one too, where whoever keeps the session
    rolls back: what is counted before `raise HTTPException(401)` is gone.

    ## Why is this bad?
    Closing a session or a connection rolls back what was not committed. The write is lost, and nothing says
    so: `flush()` sends it to the database, the same transaction reads it back, and tests that share the
    transaction pass.

    ## Example
    ```python
    async with session_factory() as session:
        session.add(User(name="Ada"))
        await session.flush()
    ```

    ## Use instead
    ```python
    async with session_factory() as session:
        session.add(User(name="Ada"))
        await session.commit()
    ```

    ## Or
    ```python
    async with session_factory.begin() as session:
        session.add(User(name="Ada"))
    ```

    ## What the fix does
    It commits at the end of the `async with` that opens the session. Where that lends it to others (a
    dependency, a context manager) who commit by themselves, there is no fix: the one who forgot it has to.
    """

    code = "ASQ206"
    name = "write-never-committed"
    fix = "unsafe"
    outcome = LosesWrite()

    @on(WriteLost)
    def lost(self, event: WriteLost, report: Reporter) -> None:
        if in_test(event.frame):
            return  # a test that reads its own transaction wants it gone afterwards
        where = line_seen_from(event.site, event.opened_at)
        if event.raised_at is not None:
            behind = line_seen_from(event.site, event.raised_at)
            message = (
                f"this write is never committed: the `raise` on {behind} follows, and what was opened on "
                f"{where} rolls it back; `await` its `commit()` before"
            )
            report(self, event, message, related=[place(event.raised_at, "raised here")])
            return
        message = (
            f"this write is never committed: what was opened on {where} ends without `commit()`, "
            "which rolls it back silently; `await` its `commit()`, or open it with `.begin()`"
        )
        places = [place(event.opened_at, "opened here")]
        if event.closed_at is not None and event.closed_at != event.opened_at:
            places.append(place(event.closed_at, "closed here, without a commit"))
        places += [
            place(write.site, "written here too") for write in event.writes if write.site != event.site
        ]
        subject = event.writes[0].how  # one write is one finding, wherever its session may come from
        report(self, event, message, related=places, fix=commit_at_the_end(event), subject=subject)
