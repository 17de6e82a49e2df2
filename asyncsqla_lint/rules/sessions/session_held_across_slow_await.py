from __future__ import annotations

from asyncsqla_lint.rules.places import place
from asyncsqla_lint.rules.rule import Reporter, Rule, Silent, on
from asyncsqla_lint.rules.sessions.wording import kind, origin
from asyncsqla_lint.semantics.events import SessionHeld


class SessionHeldAcrossSlowAwait(Rule):
    """
    ## What it does
    Reports a session or connection that keeps its transaction open while a sleep, an HTTP request, a
    language model or a queue is awaited.

    ## Why is this bad?
    The transaction keeps a connection of the pool. As many slow calls at once as the pool is large, and
    every other request waits for a connection until `QueuePool limit … reached, connection timed out`.

    ## Example
    ```python
    question = await session.get(Question, 1)
    response = await client.post(url, json={"text": question.text})
    ```

    ## Use instead
    ```python
    question = await session.get(Question, 1)
    await session.commit()
    response = await client.post(url, json={"text": question.text})
    ```
    """

    code = "ASQ205"
    name = "session-held-across-slow-await"
    preview = True
    outcome = Silent("one caller alone is merely slow; it takes a pool's worth of them to see more")

    @on(SessionHeld)
    def held(self, event: SessionHeld, report: Reporter) -> None:
        what = kind(event.record)
        message = (
            f"the {what}'s transaction keeps a connection of the pool while `{event.wait}` is awaited; "
            "end it first with `commit()` or `rollback()`"
        )
        report(self, event, message, related=[place(event.record.site, origin(event.record))])
