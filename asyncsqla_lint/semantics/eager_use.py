"""Which eager loads are read: what a query loads along and nobody looks at was loaded for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.events import Event
from asyncsqla_lint.flow.frames import Frame, Site
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.objects import ObjectRecord
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN
from asyncsqla_lint.semantics.custody import held_by_others
from asyncsqla_lint.semantics.instances import InstanceRecord
from asyncsqla_lint.semantics.loader_options import Entry, LoaderOptions
from asyncsqla_lint.semantics.statements import Statement

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

QUERIES = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload"})
Path = tuple[str, ...]


class EagerLoadUnread(Event):
    """A loader option of a query is read by nobody, and what the query gave stays here."""

    path: Path
    strategy: str
    loaded_at: Site


class EagerUse:
    """What one analysis remembers: where options were written, which queries ran with them, what was read."""

    def __init__(self) -> None:
        self.sites: dict[tuple[str, Path], Site] = {}
        self.read: set[tuple[Site, Path]] = set()
        self.asked: dict[int, dict[Site, tuple[Entry, ...]]] = {}


def use_of(flow: Flow) -> EagerUse:
    found = flow.memory.get(EagerUse)
    if not isinstance(found, EagerUse):
        found = flow.memory[EagerUse] = EagerUse()
    return found


def names(entry: Entry) -> Path:
    return tuple(step.name for step in entry.path)


def written(flow: Flow, option: LoaderOptions) -> LoaderOptions:
    """An option is written here, at its argument."""
    if (
        flow.listens(EagerLoadUnread)
        and flow.calling is not None
        and flow.calling.arguments
        and option.entries
    ):
        entry = option.entries[-1]
        site = Site(flow.frame.module, flow.calling.arguments[0].span)
        use_of(flow).sites[(entry.strategy, names(entry)[-1:])] = site
    return option


def executed(flow: Flow, statement: Statement) -> None:
    if not statement.options or not flow.listens(EagerLoadUnread):
        return
    if UNKNOWN in statement.entities:
        return  # of what it gives nothing is seen, so neither are its reads
    entries = tuple(
        entry
        for option in statement.options
        for entry in option.entries
        if entry.strategy in QUERIES and "*" not in names(entry)  # whatever that loads, it names nothing
    )
    use_of(flow).asked.setdefault(flow.frame.id, {})[statement.site] = entries
    flow.watched.add(0)  # what unknown code is given counts as read


def shared(flow: Flow, statement: Statement) -> None:
    """The query meets instances that are there already: its options serve them too."""
    if statement.options:
        read_whole(flow, statement.site)


def read_whole(flow: Flow, statement: Site) -> None:
    """All that the query has loaded is of use: other instances have it, or `merge()` copies it."""
    if flow.listens(EagerLoadUnread):
        for asked in use_of(flow).asked.values():
            asked.pop(statement, None)


def seen(flow: Flow, state: State, record: InstanceRecord, name: str) -> None:
    """A relationship of an instance is read."""
    if record.origin is not None and flow.listens(EagerLoadUnread):
        path: list[str] = [name]
        parent = record.parent
        while parent is not None and len(path) < 8:
            path.append(parent[1])
            owner = state.record(parent[0].oid)
            parent = owner.parent if isinstance(owner, InstanceRecord) else None
        read = use_of(flow).read
        way = tuple(reversed(path))
        read.add((record.origin, way))
        if record.plan is not None and record.plan.others:  # another entity's options have served it, too
            read.update((record.origin, way[at:]) for at in range(1, len(way)))
        for down in record.model.relationships.values():  # who leads down and up again comes back to it
            if down.inverse is not None and down.inverse.direction == "many-to-one":
                read.add((record.origin, (*way[:-1], down.name, down.inverse.name, name)))


def register(meanings: Meanings) -> None:
    meanings.when_ended.append(_ended)


def _ended(flow: Flow, frame: Frame, done: list[Option], raised: list[State], risky: Sequence[State]) -> None:
    use = use_of(flow)
    asked = use.asked.pop(frame.id, None)
    if not asked or not done or (frame.function is not None and frame.function.header.is_generator):
        return  # what a generator yields is read elsewhere
    for statement, entries in asked.items():
        unread = [entry for entry in entries if (statement, names(entry)) not in use.read]
        if not unread or any(_leaves(flow, frame, option, statement) for option in done):
            continue
        if any(_is_carried(state, statement) for state in raised):
            continue
        for entry in unread:
            path = names(entry)
            if any(names(other) == path[:-1] for other in unread):
                continue  # said of the step before
            if len(path) > 1 and path[-1] == path[-2]:
                continue  # `recursion_depth`: as deep as the tree happens to be
            if len(path) > 1 and not any(names(other) == path[:-1] for other in entries):
                # `defaultload(A.b).selectinload(B.c)`: it is not this query that loads the step before
                continue
            site = use.sites.get((entry.strategy, path[-1:]))
            if site is not None and site.module is frame.module:
                flow.emit(EagerLoadUnread(site, frame, flow.is_certain, path, entry.strategy, statement))


def _leaves(flow: Flow, frame: Frame, option: Option, statement: Site) -> bool:
    """Does anything that the query gave outlive the function?"""
    state, value = option
    outside = held_by_others(flow, state, frame, (value,))
    return any(
        reference.oid in outside
        for reference, record in state.records(InstanceRecord)
        if record.origin == statement
    )


def _is_carried(state: State, statement: Site) -> bool:
    """`raise Locked(order)`: whoever catches that may look at it (`ASQ312/good_carried_by_an_exception`)."""
    given = {reference.oid for reference, one in state.records(InstanceRecord) if one.origin == statement}
    return any(
        not given.isdisjoint(state.reachable((reference,))) for reference, _ in state.records(ObjectRecord)
    )
