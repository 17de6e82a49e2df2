"""Where things stand, in the words of a finding."""

from __future__ import annotations

from asyncsqla_lint.findings import Location, Related
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.program import end_of, start_of


def located(site: Site) -> tuple[str, Location, Location]:
    site.module.consult()
    program = site.module.program
    start, end = program.location(start_of(site.span)), program.location(end_of(site.span))
    return site.module.path, Location(*start), Location(*end)


def place(site: Site, message: str) -> Related:
    return Related(*located(site), message)


def mark_of(site: Site) -> str:
    """The place in one word, the same whoever names it."""
    path, start, _ = located(site)
    return f"{path}:{start.row}:{start.column}"


def line_of(site: Site) -> int:
    site.module.consult()
    return site.module.program.location(start_of(site.span))[0]


def line_seen_from(here: Site, site: Site) -> str:
    """ "line 12", or "line 12 of `app.tasks`" when that is another file."""
    line = f"line {line_of(site)}"
    return line if site.module is here.module else f"{line} of `{site.module.name}`"
