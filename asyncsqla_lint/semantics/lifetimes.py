"""Lifetimes: sessions and connections that nobody closes, and those that are used after their end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.values import UNKNOWN, Reference, alternatives
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import last_name, walk
from asyncsqla_lint.semantics import ledger, testing
from asyncsqla_lint.semantics.connections import ConnectionRecord
from asyncsqla_lint.semantics.custody import held_by_others
from asyncsqla_lint.semantics.events import SessionLeaked, SessionOutlived, SessionUsed
from asyncsqla_lint.semantics.ledger import LedgerRecord
from asyncsqla_lint.semantics.sessions import SessionRecord
from asyncsqla_lint.semantics.tasks import tasks_of

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


def register(meanings: Meanings) -> None:
    meanings.when_ended.append(sessions_ended)


def sessions_ended(
    flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State] = ()
) -> None:
    mine = [oid for oid in ledger.book(flow).opened if frame.has_made(oid)]
    if not mine or flow.muted:
        return
    for state, value in done:
        found = _own(state, mine)
        if not found:
            continue
        others = held_by_others(flow, state, frame, (value,))
        others.update(use.session.oid for _, task in tasks_of(state) if not task.is_done for use in task.uses)
        lent = state.reachable(frame.lent)
        returned = alternatives(value)
        for subject, record, page in found:
            if subject in returned:
                _handed(state, frame, subject, page)
            if subject.oid not in others:
                _abandoned(flow, state, frame, subject, record, page, subject.oid in lent)


def _handed(state: State, frame: Frame, subject: Reference, page: LedgerRecord) -> None:
    """A function returns the session that it has opened: whoever called it has to close it."""
    caller = frame.caller
    # A framework that calls a dependency is no place to close anything.
    if caller is not None and caller.function is not None and p.holds(caller.function.body, frame.call_span):
        handed = Site(caller.module, frame.call_span)
        state.put(ledger.key(subject), replace(page, handed=handed))


def _own(
    state: State, mine: list[int]
) -> list[tuple[Reference, SessionRecord | ConnectionRecord, LedgerRecord]]:
    """The async sessions and connections of the frame of which something may have to be said."""
    found = []
    for oid in mine:
        record = state.heap.get(oid)
        if isinstance(record, (SessionRecord, ConnectionRecord)) and record.is_one_for_all:
            page = ledger.ledger(state, Reference(oid))
            if not page.is_settled and not _is_lodger(state, record) and not _is_of_a_registry(record):
                found.append((Reference(oid), record, page))
    return found


def _abandoned(
    flow: Flow,
    state: State,
    frame: Frame,
    subject: Reference,
    record: SessionRecord | ConnectionRecord,
    page: LedgerRecord,
    is_lent: bool,
) -> None:
    """Nobody has it in hand any more."""
    pages = ledger.book(flow)
    closed = pages.closed.get(record.site)
    how = ""
    if page.left is not None and page.reopened is not None and page.holds:
        use = page.reopened
        if flow.listens(SessionOutlived):
            site, user = _user(subject, use)
            flow.emit(SessionOutlived(site, user, use.certain, subject, record, page.left, use.method))
    elif page.is_block or record.is_each:  # one of many: their closing is not followed one by one
        return
    elif page.left is not None and not page.holds and record.site in pages.guarded:
        return  # a manager of the project has closed it; its consumer may have it in hand still
    elif (page.holds and not page.is_doubtful) or (
        is_lent and closed is None and record.site not in pages.guarded
    ):
        how = "never" if closed is None else "path"
    elif (page.was_used or is_lent) and record.site not in pages.guarded:
        how = "exception" if closed is not None else "never"
    if how and _is_spared(flow, frame, record, how):
        how = ""
    if how and flow.listens(SessionLeaked):
        flow.emit(
            SessionLeaked(page.handed or record.site, frame, flow.is_certain, subject, record, how, closed)
        )
    if how and page.writes:
        ledger.lose(flow, record.site, page, None)
    state.put(ledger.key(subject), replace(page, is_settled=True))


def _user(session: Reference, use: SessionUsed) -> tuple[Site, Frame]:
    """Who had the session in hand: a helper that works with what it is given does nothing wrong."""
    site, frame = use.site, use.frame
    while frame.caller is not None and frame.caller.function is not None and session in frame.given:
        if frame.function is None or frame.function.header.is_generator:
            break  # it runs bit by bit, for whoever goes over it
        site, frame = Site(frame.caller.module, frame.call_span), frame.caller
    return site, frame


def _is_of_a_registry(record: SessionRecord | ConnectionRecord) -> bool:
    """A middleware ends it, with `remove()`."""
    return isinstance(record, SessionRecord) and record.how == "scoped"


def _is_lodger(state: State, record: SessionRecord | ConnectionRecord) -> bool:
    """A session on a connection that somebody else has opened has none of its own to leak."""
    bind = record.bind if isinstance(record, SessionRecord) else UNKNOWN
    return getattr(record, "may_lodge", False) or any(
        isinstance(one, Reference) and isinstance(state.record(one.oid), ConnectionRecord)
        for one in alternatives(bind)
    )


def _is_closed_by_dependants(frame: Frame) -> bool:
    """`database(session=Depends(get_session))` of the same module, which closes what it is given."""
    function, caller = frame.function, frame.caller
    if function is None or not function.header.is_generator or (caller and caller.function):
        return False
    index, module = function.index, function.module
    module.consult()
    return any(
        index.resolve(module, node) is function
        for one in module.program.functions
        if "close" in one.mentions
        for parameter in one.parameters
        for node in walk((parameter.default, parameter.annotation))
        if isinstance(node, p.Name)
    )


def _is_ended_by_container(flow: Flow, frame: Frame) -> bool:
    """A container goes on behind a provider's `yield`, whatever was raised (`good_ended_by_a_container`)."""
    function = frame.function
    if function is None or not function.decorated_by(*flow.meanings.providers):
        return False
    awaited = [one.value for one in walk(function.body) if isinstance(one, p.Await)]
    return all(isinstance(one, p.Call) and last_name(one.function) == "close" for one in awaited)


def _is_spared(flow: Flow, frame: Frame, record: SessionRecord | ConnectionRecord, how: str) -> bool:
    """pytest goes on after a fixture's `yield` whatever the test did, and a failing test ends with its leaks.

    What only a test leaves open is a matter of its own module or a conftest's, not of the code it tries out.
    """
    if how == "never" and _is_closed_by_dependants(frame):
        return True
    if how == "exception" and _is_ended_by_container(flow, frame):
        return True
    root = flow.notes.get("root")
    if not testing.in_test(frame) and not (isinstance(root, FunctionInfo) and testing.is_test(root)):
        return False
    if how == "exception" or not isinstance(root, FunctionInfo):
        return True
    return record.site.module is not root.module and not testing.is_test_module(record.site.module)
