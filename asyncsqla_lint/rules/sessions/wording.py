"""The words that the rules of sessions share: what is used, and where it came from."""

from __future__ import annotations

from asyncsqla_lint.semantics.connections import ConnectionRecord
from asyncsqla_lint.semantics.sessions import SessionRecord


def kind(record: SessionRecord | ConnectionRecord) -> str:
    return "session" if isinstance(record, SessionRecord) else "connection"


def origin(record: SessionRecord | ConnectionRecord) -> str:
    given = record.how == "parameter" if isinstance(record, SessionRecord) else record.is_given
    return f"the {kind(record)} is {'given' if given else 'opened'} here"
