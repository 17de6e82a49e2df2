"""Writes behind which every way through their function raises: whoever keeps the session rolls them back."""

from __future__ import annotations

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.frames import Frame
from asyncsqla_lint.program import Span, start_of
from asyncsqla_lint.project.walking import blocks, statements

_WAYS_OUT = (p.Return, p.Break, p.Continue)


def raise_behind(frame: Frame, at: Span) -> p.Raise | None:
    """The `raise` to which everything comes that stands at the place and does not fail."""
    return None if frame.function is None else _behind(frame.function.body, at)


def _behind(body: p.Statements, at: Span) -> p.Raise | None:
    for number, statement in enumerate(body):
        if p.holds((statement,), at):
            for block in blocks(statement):
                if p.holds(block, at):
                    if (found := _behind(block, at)) is not None or _may_leave(block, at):
                        return found
            return _next(body[number + 1 :])
    return None


def _may_leave(block: p.Statements, at: Span) -> bool:
    """Does a `return` stand behind the place, in a block that some ways leave by its end?"""
    return any(isinstance(one, _WAYS_OUT) and start_of(one.span) > start_of(at) for one in statements(block))


def _next(body: p.Statements) -> p.Raise | None:
    for statement in body:
        if isinstance(statement, p.Raise):
            return statement
        if any(isinstance(one, _WAYS_OUT) for one in statements((statement,))):
            return None
    return None
