"""Failed flushes: what a session is like after one, on the paths on which somebody swallows its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import Reference
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord


class _Error(ExternalValue, frozen=True):
    """What a handler names is an error, not the class: `failed = error`, and later `if failed:`."""

    def truth(self, state: State) -> bool | None:
        return True


DATABASE_ERROR = _Error("sqlalchemy.exc.IntegrityError")


class _EndsTransaction(_Error, frozen=True):
    """A handler catches it alike, but what it meets there is not mixed with where something else has failed:
    who keeps a book (`self._committed`) knows the two apart (`ASQ207/good_unit_of_work`)."""

    of: str


FLUSH_ERROR = _EndsTransaction(DATABASE_ERROR.name, "flush")
STATEMENT_ERROR = _EndsTransaction(DATABASE_ERROR.name, "statement")


class Failure(Struct, frozen=True):
    """A flush has failed, or a statement: the session refuses everything until somebody rolls back."""

    site: Site
    handled_at: Site | None = None  # the handler that has caught its error
    is_over: bool = False  # rolled back
    is_doubtful: bool = False  # rolled back on some of the paths that have met
    of: str = "flush"  # or a "statement", which ends a transaction of PostgreSQL's (see `aborted`)
    assumption: str = ""
    elsewhere: tuple[Site, ...] = ()  # where it has failed instead, on other of the paths that have met

    @property
    def sites(self) -> tuple[Site, ...]:
        return (self.site, *self.elsewhere)

    @property
    def is_waiting(self) -> bool:
        return not self.is_over


def either(mine: Failure | None, theirs: Failure | None) -> Failure | None:
    """What holds where paths meet; a path on which nothing has failed takes nothing away."""
    if mine is None or theirs is None:
        return mine or theirs
    if mine.is_over == theirs.is_over:
        more = tuple(one for one in theirs.sites if one not in mine.sites)
        return replace(
            mine,
            is_doubtful=mine.is_doubtful or theirs.is_doubtful,
            elsewhere=(*mine.elsewhere, *more) if mine.of == theirs.of else mine.elsewhere,
        )
    return replace(theirs if mine.is_over else mine, is_doubtful=True)


def over(failure: Failure | None) -> Failure | None:
    """Somebody rolls back."""
    return None if failure is None else replace(failure, is_over=True)


def _subjects(state: State) -> list[tuple[Reference, SessionRecord | ConnectionRecord]]:
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.sessions import SessionRecord

    return [*state.records(SessionRecord), *state.records(ConnectionRecord)]


def handled(flow: Flow, state: State, at: Span) -> None:
    """A handler meets sessions whose flush has failed: it could roll back."""
    for session, record in _subjects(state):
        failure = record.failure
        if failure is not None and failure.is_waiting and failure.handled_at is None:
            state.put(session, replace(record, failure=replace(failure, handled_at=flow.site(at))))


def handed_on(flow: Flow, state: State, at: Span) -> None:
    """It has raised instead: the next that catches what it raised could."""
    for session, record in _subjects(state):
        if record.failure is not None and record.failure.handled_at == flow.site(at):
            state.put(session, replace(record, failure=replace(record.failure, handled_at=None)))


def asked(state: State, session: Reference, record: SessionRecord) -> None:
    """`if not session.is_active:`: who asks knows what to do. (`rollback()` not awaited is ASQ401.)"""
    if record.failure is not None:
        state.put(session, replace(record, failure=over(record.failure)))


def waits(state: State) -> bool:
    """Has somebody swallowed the error of a flush? Whoever uses that session next fails."""
    return any(
        record.failure is not None and record.failure.is_waiting and record.failure.handled_at is not None
        for _, record in _subjects(state)
    )


def register(meanings: Meanings) -> None:
    meanings.when_amiss.append(waits)
    meanings.when_handled.append(handled)
    meanings.when_handed_on.append(handed_on)
