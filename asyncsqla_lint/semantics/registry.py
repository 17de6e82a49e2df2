"""All that SQLAlchemy's functions, classes and types mean."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.semantics import (
    api_use,
    assumptions,
    background,
    blocking,
    concurrency,
    connections,
    constructs,
    ddl,
    eager_use,
    engines,
    environment,
    event_loops,
    exceptions,
    extension,
    failures,
    fields,
    generated,
    guards,
    ledger,
    lifetimes,
    listening,
    locks,
    loop_runs,
    mapped_classes,
    null_keys,
    ownership,
    session_classes,
    sharing,
    short_lives,
    slow,
    task_groups,
    threads,
    unawaited,
    urls,
)


def register(meanings: Meanings) -> None:
    exceptions.register(meanings)
    constructs.register(meanings)
    session_classes.register(meanings)
    mapped_classes.register(meanings)
    guards.register(meanings)
    null_keys.register(meanings)
    eager_use.register(meanings)
    assumptions.register(meanings)
    urls.register(meanings)
    fields.register(meanings)
    generated.register(meanings)
    environment.register(meanings)
    extension.register(meanings)
    engines.register(meanings)
    connections.register(meanings)
    api_use.register(meanings)
    unawaited.register(meanings)
    blocking.register(meanings)
    ddl.register(meanings)
    ownership.register(meanings)
    short_lives.register(meanings)
    listening.register(meanings)
    threads.register(meanings)
    locks.register(meanings)
    ledger.register(meanings)
    failures.register(meanings)
    lifetimes.register(meanings)
    sharing.register(meanings)
    slow.register(meanings)
    concurrency.register(meanings)
    task_groups.register(meanings)
    background.register(meanings)
    event_loops.register(meanings)  # wraps `asyncio.run`
    loop_runs.register(meanings)
