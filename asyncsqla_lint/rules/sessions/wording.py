"""The words that the rules of sessions share: where a place is, and where a session came from."""

from __future__ import annotations

from asyncsqla_lint.findings import Location, Related
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.program import end_of, start_of
from asyncsqla_lint.semantics.connections import ConnectionRecord
from asyncsqla_lint.semantics.sessions import SessionRecord


def place(site: Site, message: str) -> Related:
    program = site.module.program
    start, end = program.location(start_of(site.span)), program.location(end_of(site.span))
    return Related(site.module.path, Location(*start), Location(*end), message)


def line_of(site: Site, seen_from: Site) -> str:
    """"line 12", or "line 12 of `app.tasks`" when that is another file."""
    line = site.module.program.location(start_of(site.span))[0]
    return f"line {line}" if site.module is seen_from.module else f"line {line} of `{site.module.name}`"


def kind(record: SessionRecord | ConnectionRecord) -> str:
    return "session" if isinstance(record, SessionRecord) else "connection"


def origin(record: SessionRecord | ConnectionRecord) -> str:
    given = record.how == "parameter" if isinstance(record, SessionRecord) else record.is_given
    return f"the {kind(record)} is {'given' if given else 'opened'} here"
