"""The ledger of each session and connection: what it has written and not committed, and who closes it.

It is kept beside their records in the heap, so that it follows the paths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.records import Record
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import Constant, Reference, Value, alternatives
from asyncsqla_lint.program import Span, end_of, start_of
from asyncsqla_lint.project.models import Model
from asyncsqla_lint.project.walking import blocks, statements
from asyncsqla_lint.semantics import testing
from asyncsqla_lint.semantics.events import SessionUsed, WriteLost, WriteMade
from asyncsqla_lint.semantics.raising import raise_behind

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

# Methods that only touch the session's own books: no SQL is emitted, and no other task can run meanwhile.
AT_ONCE = frozenset("add add_all expunge expunge_all expire expire_all get_bind query".split())
# What gives the connection back, and leaves nothing undone.
CLEANS_UP = frozenset(("close", "aclose", "rollback", "invalidate", "reset", "rollback of a savepoint"))
# Said in so many words, by what holds a session in an object of its own, and closes it when that is left.
EXITS = frozenset(("__aexit__", "__exit__"))
ENTERING = EXITS | {"__aenter__", "__enter__"}
Guards = Callable[[p.Try], tuple[p.Statements, ...]]
WRITES = frozenset(
    (
        "add add_all delete delete_all merge merge_all "
        "bulk_save_objects bulk_insert_mappings bulk_update_mappings"
    ).split()
)


class LedgerRecord(Record, frozen=True):
    writes: tuple[WriteMade, ...] = ()  # made, and not committed
    dropped: tuple[WriteMade, ...] = ()  # rolled back in so many words
    holds: bool = False  # a connection is checked out
    was_used: bool = False
    is_block: bool = False  # a `with` closes it
    is_autocommit: bool = False
    left: Site | None = None  # the `with` that has closed it
    reopened: SessionUsed | None = None  # the first use after that
    is_doubtful: bool = False  # paths met that left it differently
    is_settled: bool = False  # what is to be said of it has been said
    handed: Site | None = None  # the call that has returned it to whoever has to close it now
    is_found: bool = False  # code that stands around the function that has it finds it, and may commit

    def joined(self, other: Record) -> Record:
        if not isinstance(other, LedgerRecord):
            return self
        return LedgerRecord(
            _either(self.writes, other.writes),
            _either(self.dropped, other.dropped),
            self.holds or other.holds,
            self.was_used or other.was_used,
            self.is_block or other.is_block,
            self.is_autocommit or other.is_autocommit,
            self.left if other.left is not None else None,
            self.reopened or other.reopened,  # who uses it again holds it, whatever the other path does
            self.is_doubtful or other.is_doubtful or self.holds != other.holds,
            self.is_settled or other.is_settled,
            self.handed or other.handed,
            self.is_found or other.is_found,
        )


def _either(mine: tuple[WriteMade, ...], theirs: tuple[WriteMade, ...]) -> tuple[WriteMade, ...]:
    known = [write.site for write in mine]
    return mine + tuple(write for write in theirs if write.site not in known)


class Book(Struct):
    """What the paths of one root have in common."""

    opened: list[int] = []
    lost: dict[tuple[Site, Site], WriteLost] = {}
    spoilt: dict[tuple[Site, Site], WriteLost] = {}  # by an exception, which has every way behind the write
    saved: set[tuple[Site, Site]] = set()
    closed: dict[Site, Site] = {}  # by where it was opened: where it is closed
    guarded: set[Site] = set()  # closed on the way of exceptions too


def book(flow: Flow) -> Book:
    found = flow.notes.get("ledger")
    if not isinstance(found, Book):
        found = flow.notes["ledger"] = Book()
    return found


def key(subject: Reference) -> Reference:
    """Where the ledger of a session or connection is kept."""
    return Reference(-subject.oid)


def ledger(state: State, subject: Reference) -> LedgerRecord:
    found = state.record(-subject.oid)
    return found if isinstance(found, LedgerRecord) else LedgerRecord()


def opened(flow: Flow, state: State, subject: Reference, bind: Value) -> None:
    if (
        not flow.muted
    ):  # what is made silently, a module or a constructor that nobody has called, has another owner
        book(flow).opened.append(subject.oid)
        flow.watched.add(subject.oid)
    if _is_autocommit(state, bind):
        state.put(key(subject), LedgerRecord(is_autocommit=True))


def _is_autocommit(state: State, bind: Value) -> bool:
    from asyncsqla_lint.semantics.connections import ConnectionRecord
    from asyncsqla_lint.semantics.engines import EngineRecord

    for one in alternatives(bind):
        record = state.record(one.oid) if isinstance(one, Reference) else None
        if isinstance(record, ConnectionRecord):
            return True  # whoever owns the connection commits or not
        if isinstance(record, EngineRecord) and record.options.get("isolation_level") == _AUTOCOMMIT:
            return True
    return False


_AUTOCOMMIT = Constant("AUTOCOMMIT")


def autocommits(state: State, subject: Reference) -> None:
    state.put(key(subject), replace(ledger(state, subject), is_autocommit=True))


# --- entries -------------------------------------------------------------------------------------


def entered(state: State, subject: Reference) -> None:
    state.put(key(subject), replace(ledger(state, subject), is_block=True, left=None, reopened=None))


def used(flow: Flow, state: State, subject: Reference, opened_at: Site, use: SessionUsed) -> None:
    """One of the subject's methods runs."""
    before = ledger(state, subject)
    method = use.method
    if method == "commit":
        _committed(flow, state, subject, opened_at)
    elif method in CLEANS_UP:
        if not flow.muted and in_cleanup(flow, use.site.span):
            book(flow).guarded.add(opened_at)
        if method not in ("close", "aclose"):
            kept = tuple(write for write in before.writes if not _is_meant_to_go(flow, write))
            gone = tuple(write for write in before.writes if write not in kept)
            # To try again after a savepoint was no plan, nor to hand on an exception, nor what a handler
            # does of whatever it has called; any other rollback was.
            forced = method == "rollback of a savepoint" or _in_handler(
                flow, use.site.span, _handlers_that_raise
            )
            if not forced and _in_handler(flow, use.site.span, _handlers):
                gone = tuple(write for write in gone if write.frame.function is flow.frame.function)
            if forced and method == "rollback" and not _is_given(use):
                spoil(flow, opened_at, gone, use.site)
            dropped = before.dropped if forced else _either(before.dropped, gone)
            state.put(key(subject), replace(before, writes=kept, dropped=dropped, holds=False))
    elif method not in AT_ONCE:
        reopened = use if before.left is not None and before.reopened is None else before.reopened
        state.put(
            key(subject), replace(before, holds=True, was_used=True, is_doubtful=False, reopened=reopened)
        )


def written(
    flow: Flow, state: State, subject: Reference, how: str, at: Span, model: Model | None = None
) -> None:
    before = ledger(state, subject)
    if flow.muted or before.is_autocommit or not getattr(state.record(subject.oid), "is_async", False):
        return
    write = WriteMade(flow.site(at), flow.frame, flow.is_certain, how, model)
    if all(one.site != write.site for one in before.writes):
        state.put(key(subject), replace(before, writes=(*before.writes, write)))


def made_up(state: State, answer: Value) -> None:
    """A request that only reads has its answer: what it assigns to an instance in there is for the answer.

    What it counts (`+=`), adds or deletes is for the database all the same.
    """
    from asyncsqla_lint.semantics.instances import InstanceRecord

    found = [state.record(oid) for oid in state.reachable((answer,))]
    models = [one.model for one in found if isinstance(one, InstanceRecord)]
    if not models:
        return
    for subject, page in list(state.records(LedgerRecord)):
        kept = tuple(one for one in page.writes if one.model not in models or _is_counted(one))
        if kept != page.writes:
            state.put(subject, replace(page, writes=kept))


def handed_back(state: State) -> None:
    """A part of something larger has run: what it has written, whoever goes on with the session commits."""
    for subject, page in list(state.records(LedgerRecord)):
        if page.writes:
            state.put(subject, replace(page, writes=()))


def _is_counted(write: WriteMade) -> bool:
    function = write.frame.function
    return function is not None and any(
        isinstance(one, p.AugmentedAssign) and one.target.span == write.site.span
        for one in statements(function.body)
    )


def _committed(flow: Flow, state: State, subject: Reference, opened_at: Site) -> None:
    before = ledger(state, subject)
    if not flow.muted:
        book(flow).saved.update((opened_at, write.site) for write in before.writes)
    state.put(key(subject), replace(before, writes=(), holds=False))


def left_out(flow: Flow, state: State, subject: Reference, opened_at: Site) -> None:
    """Code that was not run had it in its hands: it may have committed, rolled back, closed it."""
    _committed(flow, state, subject, opened_at)
    page = ledger(state, subject)
    state.put(key(subject), replace(page, dropped=(), is_settled=page.is_settled or not page.is_block))


def found(state: State, subject: Reference) -> None:
    """It is kept where code finds it that runs first (`ASQ206/good_committed_by_a_middleware`)."""
    state.put(key(subject), replace(ledger(state, subject), is_found=True))


def may_commit(flow: Flow, state: State, subject: Reference, opened_at: Site) -> None:
    """Somebody unknown is given it, `await keeper.end(session)`: what was written so far is perhaps kept."""
    if not flow.muted:
        book(flow).saved.update((opened_at, write.site) for write in ledger(state, subject).writes)


def refused(flow: Flow, state: State, subject: Value, at: Span) -> None:
    """The statement that writes raises, `await session.add(…)`: that nobody commits is the least of it."""
    record = state.record(subject.oid) if isinstance(subject, Reference) else None
    opened_at = getattr(record, "site", None)
    if not flow.muted and isinstance(opened_at, Site):
        book(flow).saved.add((opened_at, flow.site(at)))


def meant(flow: Flow, state: State, subject: Reference, opened_at: Site, method: str) -> None:
    """`commit()` or `close()` is called: if nobody awaits it, that is another matter (ASQ401)."""
    if method == "close" or method == "aclose":
        state.put(key(subject), replace(ledger(state, subject), is_settled=True))
    elif method == "commit" and not flow.muted:
        book(flow).saved.update((opened_at, write.site) for write in ledger(state, subject).writes)


def closed(
    flow: Flow, state: State, subject: Reference, opened_at: Site, is_given: bool, at: Span, *,
    block: bool = False, raised: bool = False,
) -> None:  # fmt: skip
    """Closed by its `close()`, or by the end of its `with`: what was not committed is rolled back."""
    from asyncsqla_lint.semantics import tasks

    before = ledger(state, subject)
    site = flow.site(at)
    if not flow.muted:
        pages = book(flow)
        pages.closed.setdefault(opened_at, site)
        if block or in_cleanup(flow, at):
            pages.guarded.add(opened_at)
        left = state.pending  # who leaves a loop over a generator ends its blocks, and has raised nothing
        is_left = left is not None and left.closes and left.kind != "raise"
        if (is_left or not raised) and not is_given and not before.is_found:
            lose(flow, opened_at, before, site)
        elif not is_given and not before.is_found:
            spoil(flow, opened_at, before.writes, site)
        if not raised:
            tasks.outlive(flow, state, subject, site)
        if not raised:  # a rollback, and then a clean end: that was the plan
            pages.saved.update((opened_at, write.site) for write in before.dropped)
    ended = site if block else _end_of_manager(flow, subject) or before.left
    state.put(
        key(subject),
        replace(
            before, writes=(), holds=False, left=ended, reopened=None, is_doubtful=False, is_settled=False
        ),
    )


def _end_of_manager(flow: Flow, subject: Reference) -> Site | None:
    """`yield session`, and a `close()` behind it, or one in an `__aexit__`: the `with` over such a manager
    is the session's own."""
    frame = flow.frame
    if frame.on_yield is not None and frame.away and frame.has_made(subject.oid):
        return Site(frame.module if frame.caller is None else frame.caller.module, frame.call_span)
    while frame.caller is not None and frame.function is not None:
        if frame.function.name in EXITS:
            return Site(frame.caller.module, frame.call_span)
        frame = frame.caller
    return None


def lose(flow: Flow, opened_at: Site, found: LedgerRecord, closed_at: Site | None) -> None:
    """One scope that does not commit is one finding, at its first write."""
    if not found.writes:
        return
    first = found.writes[0]
    lost = WriteLost(first.site, first.frame, first.certain, opened_at, closed_at, found.writes)
    book(flow).lost.setdefault((opened_at, first.site), lost)


def spoil(flow: Flow, opened_at: Site, writes: tuple[WriteMade, ...], closed_at: Site) -> None:
    """An exception ends the scope: no accident where everything behind the write comes to a `raise`."""
    for write in () if flow.muted else writes:
        behind = raise_behind(write.frame, write.site.span)
        if behind is not None:
            raised_at = Site(write.site.module, behind.span)
            lost = WriteLost(
                write.site, write.frame, write.certain, opened_at, closed_at, (write,), raised_at
            )
            book(flow).spoilt.setdefault((opened_at, write.site), lost)


def _is_given(use: SessionUsed) -> bool:
    return getattr(use.record, "how", "") == "parameter" or bool(getattr(use.record, "is_given", False))


def told(flow: Flow) -> None:
    """The root is over: what no path of it has committed is lost."""
    pages = book(flow)
    for (opened_at, _), lost in {**pages.spoilt, **pages.lost}.items():
        if any((opened_at, write.site) in pages.saved for write in lost.writes):
            continue
        if flow.listens(WriteLost):
            flow.emit(lost)


# --- places --------------------------------------------------------------------------------------


def in_cleanup(flow: Flow, at: Span) -> bool:
    """Does the place lie where exceptions come by too: in a `finally`, a handler, an `__aexit__`?"""
    if flow.is_cleaning_up:
        return True
    frame: Frame | None = flow.frame
    while frame is not None and frame.function is not None:
        if frame.function.name in EXITS or _is_cleanup(frame.function.body, at):
            return True
        at = frame.call_span
        frame = frame.caller
    return False


def _is_meant_to_go(flow: Flow, write: WriteMade) -> bool:
    """A rollback says that the write was not to be kept, unless it is what somebody else does on every way
    out: a unit of work in its `__aexit__`, a dependency in its `finally`."""
    frame: Frame | None = flow.frame
    if testing.in_test(frame) or flow.frame.function is write.frame.function:
        return True
    while frame is not None and frame.function is not None:
        if frame.function.name in EXITS:
            return False
        frame = frame.caller
    return not flow.is_cleaning_up


def _in_handler(flow: Flow, at: Span, handlers: Guards) -> bool:
    frame: Frame | None = flow.frame
    while frame is not None and frame.function is not None:
        if _is_cleanup(frame.function.body, at, handlers):
            return True
        at = frame.call_span
        frame = frame.caller
    return False


def _guards(node: p.Try) -> tuple[p.Statements, ...]:
    return (node.final, *(handler.body for handler in node.handlers))


def _handlers(node: p.Try) -> tuple[p.Statements, ...]:
    return tuple(handler.body for handler in node.handlers)


def _handlers_that_raise(node: p.Try) -> tuple[p.Statements, ...]:
    return tuple(
        handler.body
        for handler in node.handlers
        if any(isinstance(last, p.Raise) for last in handler.body[-1:])
    )


def _is_cleanup(body: p.Statements, at: Span, guards: Guards = _guards) -> bool:
    for statement in body:
        if not (start_of(statement.span) <= start_of(at) and end_of(at) <= end_of(statement.span)):
            continue
        if isinstance(statement, p.Try):
            if any(p.holds(block, at) for block in guards(statement)):
                return True
            return any(_is_cleanup(block, at, guards) for block in (statement.body, statement.otherwise))
        return any(_is_cleanup(block, at, guards) for block in blocks(statement))
    return False


def register(meanings: Meanings) -> None:
    meanings.when_root_ended.append(told)
