"""Sessions: opened in a block, used by one task after the other."""

from __future__ import annotations

from asyncsqla_lint.findings import Fix
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.program import Return
from asyncsqla_lint.project.walking import walk
from asyncsqla_lint.rules.repairs.base import first_of, one_unsafe, repair, safe, unsafe
from asyncsqla_lint.rules.repairs.written import function_around
from asyncsqla_lint.semantics.events import SessionShared, WriteLost


def open_in_block(site: Site, is_handed: bool) -> Fix | None:
    """What a dependency returns is yielded instead, which changes what its other callers get."""
    program = site.module.program
    for node in walk(tuple(program.bodies)):
        if isinstance(node, Return) and node.value is not None and node.value.span == site.span:
            return one_unsafe("yield_from_block", site, "Yield it from an `async with`")
    return safe("Open it with `async with`", [repair("open_in_block", site, awaits=is_handed)])


def commit_at_the_end(event: WriteLost) -> Fix | None:
    """Of the block that opens it. Who lends a session to others who commit leaves that to them: the one who
    forgot it has to.
    """
    user = event.frame.function
    opener = function_around(event.opened_at)
    if user is not None and opener is not None and opener.is_generator:
        for module in user.index.each_text():
            if any("commit" in one.mentions for one in module.program.functions if one is not opener):
                return None
    return unsafe("Commit at the end of the block", [repair("add_commit", event.opened_at)])


def roll_back(failed_at: Site, handled_at: Site | None) -> Fix | None:
    """In the handler around the flush; or in that which its error comes to, in a caller."""
    message = "Roll back in the handler"
    here = unsafe(message, [repair("add_rollback", failed_at)])
    if handled_at is None:
        return here
    return first_of(here, unsafe(message, [repair("roll_back_in_handler", handled_at)]))


def in_sequence(event: SessionShared) -> Fix | None:
    """Await each task where it is started; beside further use, the one that was started before."""
    if not event.may_be_awaited:
        return None
    starts = [] if event.started is None else [event.started]
    if not event.is_further_use and event.site not in starts:
        starts.append(event.site)
    if any(start.module is not event.site.module for start in starts):
        starts = [event.site]
    return unsafe("Await one after the other", [repair("await_in_sequence", start) for start in starts])
