"""`re.sub` on text that is known: how many programs make one database URL out of another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.strings import text
from asyncsqla_lint.flow.values import UNKNOWN, Arguments, Constant, Method, Text, Value, alternatives, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

LONGEST = 400  # no URL is longer, and no pattern takes its time over so little
_ENDLESS = re.compile(r"[+*}]\)+[+*{]")  # what may try everything twice
_AT_THE_START = re.compile(r"\^(?:\([^()|]*(?:\|[^()|]*)*\)|[^()|])*$")  # there or nowhere


class PatternValue(Value, frozen=True):
    """`re.compile(…)`."""

    is_leaf: ClassVar[bool] = True

    pattern: str
    flags: int

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return Constant(self.pattern) if name == "pattern" else Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name != "sub":
            return UNKNOWN
        return _substituted(
            self, arguments.get(0, "repl"), arguments.get(1, "string"), arguments.get(2, "count")
        )


def _compile(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    return _pattern(arguments.get(0, "pattern"), arguments.get(1, "flags")) or UNKNOWN


def _sub(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
    found = _pattern(arguments.get(0, "pattern"), arguments.get(4, "flags"))
    if found is None:
        return UNKNOWN
    return _substituted(
        found, arguments.get(1, "repl"), arguments.get(2, "string"), arguments.get(3, "count")
    )


def _pattern(given: Value | None, flags: Value | None) -> PatternValue | None:
    if isinstance(given, PatternValue):
        return given
    known = given.value if isinstance(given, Constant) else None
    number = 0
    if isinstance(flags, ExternalValue) and flags.name.startswith("re."):
        number = int(getattr(re, flags.name[3:], 0))
    elif flags is not None:
        return None
    if not isinstance(known, str) or len(known) > LONGEST or _ENDLESS.search(known):
        return None
    try:
        re.compile(known, number)
    except (re.error, ValueError, OverflowError):
        return None
    return PatternValue(known, number)


def _substituted(pattern: PatternValue, by: Value | None, given: Value | None, count: Value | None) -> Value:
    times = count.value if isinstance(count, Constant) else 0 if count is None else None
    if not isinstance(by, Constant) or not isinstance(by.value, str) or not isinstance(times, int):
        return UNKNOWN  # a function says what it is replaced by
    new, expression = by.value, re.compile(pattern.pattern, pattern.flags)
    try:
        return union(tuple(_in_text(expression, new, one, times) for one in alternatives(given or UNKNOWN)))
    except (re.error, IndexError):
        return UNKNOWN


def _in_text(expression: re.Pattern[str], new: str, given: Value, count: int) -> Value:
    if isinstance(given, Constant) and isinstance(given.value, str) and len(given.value) <= LONGEST:
        return Constant(expression.sub(new, given.value, count=count))
    first = given.parts[0] if isinstance(given, Text) else None
    if (
        not isinstance(given, Text)
        or not isinstance(first, str)
        or not _AT_THE_START.match(expression.pattern)
    ):
        return UNKNOWN
    # What is not known must not be part of it.
    found = expression.match(first)
    if found is None or found.end() == len(first):
        return UNKNOWN
    return text([found.expand(new) + first[found.end() :], *given.parts[1:]])


def register(meanings: Meanings) -> None:
    meanings.learn(MEANINGS)


MEANINGS = {"re.sub": _sub, "re.compile": _compile}
