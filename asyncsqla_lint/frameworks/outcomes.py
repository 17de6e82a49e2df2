"""What a call came to: `Success(order)` or `Failure(error)` of returns, `Ok` or `Err` of result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.frames import Outcome, PathEnds
from asyncsqla_lint.flow.meanings import CallMeaning, Meanings
from asyncsqla_lint.flow.values import (
    FALSE,
    NONE,
    TRUE,
    UNKNOWN,
    Arguments,
    Constant,
    Method,
    TupleValue,
    Value,
    alternatives,
)
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

GOOD = frozenset({"returns.result.Success", "result.Ok", "result.result.Ok"})
BAD = frozenset({"returns.result.Failure", "result.Err", "result.result.Err"})
BOTH = frozenset({"returns.result.Result", "result.Result", "result.result.Result"})
_TESTS_GOOD = ("returns.pipeline.is_successful", "result.is_ok", "result.result.is_ok")
_TESTS_BAD = ("result.is_err", "result.result.is_err")

# What a method gives: of the one kind what it holds, of the other something else, or it raises.
_VALUE = frozenset({"unwrap", "expect", "ok", "unwrap_or", "value_or", "unwrap_or_else", "unwrap_or_raise"})
_ERROR = frozenset({"failure", "unwrap_err", "expect_err", "err"})
_RAISES = frozenset({"unwrap", "expect", "failure", "unwrap_err", "expect_err", "unwrap_or_raise"})
# What is called with what it holds, and gives it in the same kind, or an outcome itself, or only looks.
_MAPS = {"map": True, "alt": False, "map_err": False}
_BINDS = {"bind": True, "and_then": True, "lash": False, "or_else": False}
_LOOKS = {"inspect": True, "inspect_err": False}
_HELD = {"ok_value": True, "value": None, "_inner_value": None, "err_value": False}


class Held(Value, frozen=True):
    """One of the two, with what it holds."""

    is_good: bool
    inner: Value

    def truth(self, state: State) -> bool | None:
        return True

    def told_by(self) -> str | None:
        return "good" if self.is_good else "bad"

    def is_external(self, name: str) -> bool | None:
        if name in GOOD or name in BAD:
            return (name in GOOD) is self.is_good
        return True if name in BOTH else None

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        if name == "__match_args__":
            return TupleValue((Constant("_inner_value"),))
        if name in _HELD:
            return self.inner if _HELD[name] in (None, self.is_good) else UNKNOWN
        return Method(self, name)

    def call_method(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in ("is_ok", "is_err"):
            return TRUE if self.is_good is (name == "is_ok") else FALSE
        if name in _VALUE or name in _ERROR:
            if self.is_good is (name in _VALUE):
                return self.inner
            return self._otherwise(flow, state, name, arguments, at)
        for table in (_MAPS, _BINDS, _LOOKS):
            if name in table and table[name] is self.is_good:
                given = arguments.first.call(flow, state, Arguments((self.inner,)), at)
                return Held(self.is_good, given) if table is _MAPS else given if table is _BINDS else self
            if name in table:
                return self
        return UNKNOWN

    def _otherwise(self, flow: Flow, state: State, name: str, arguments: Arguments, at: Span) -> Value:
        if name in _RAISES:
            raise PathEnds(Outcome("raise", state, ExternalValue("builtins.Exception")))
        if name == "unwrap_or_else":
            return arguments.first.call(flow, state, Arguments((self.inner,)), at)
        return NONE if name in ("ok", "err") else arguments.first

    def refers_to(self, state: State) -> tuple[Value, ...]:
        return (self.inner,)


def register(meanings: Meanings) -> None:
    for names, is_good in ((GOOD, True), (BAD, False)):
        for name in names:
            meanings.calls[name] = _held(is_good)
            meanings.harmless.add(name)
    for tests, is_good in ((_TESTS_GOOD, True), (_TESTS_BAD, False)):
        for name in tests:
            meanings.calls[name] = _tested(is_good)


def _held(is_good: bool) -> CallMeaning:
    return lambda flow, state, arguments, at: Held(is_good, arguments.first)


def _tested(is_good: bool) -> CallMeaning:
    def tested(flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        kinds = {
            one.is_good is is_good if isinstance(one, Held) else None for one in alternatives(arguments.first)
        }
        return Constant(kinds.pop()) if len(kinds) == 1 and None not in kinds else UNKNOWN

    return tested
