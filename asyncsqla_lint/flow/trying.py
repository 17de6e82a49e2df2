"""`try`: the states in which something inside may raise, and the handlers that see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.frames import RISK, THROWN, Frame, Outcome, merged_exits
from asyncsqla_lint.flow.paths import Result, merged
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.values import UNKNOWN, Reference, Value
from asyncsqla_lint.program import (
    Call,
    Expression,
    Handler,
    Name,
    Raise,
    Span,
    Statements,
    Try,
    TupleDisplay,
    end_of,
    span,
    start_of,
)
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.names import External
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


# What code that asks no database may raise, inside a `try` that tells the two apart.
PLAIN = ExternalValue("builtins.Exception of plain code")


# Of whom a context hears that something inside may raise.
NOBODY, RISKS, ALL = range(3)


def heard_around(tries: Sequence[TryContext]) -> int:
    """What is worth collecting for who is around: what nobody catches is not followed up to the root."""
    return tries[-1].hears if tries else NOBODY


_OF_LOOKUPS = External("builtins.AttributeError")


class TryContext:
    """An open `try` (or `with`): collects the states in which something inside may raise."""

    def __init__(
        self,
        catches: frozenset[str],
        first_frame: int,
        is_of_databases: bool = False,
        tells_databases: bool = False,
        hears: int = ALL,
    ) -> None:
        self.catches = catches
        self.hears = hears
        self.tells_databases = tells_databases  # one of its handlers does
        self.is_of_databases = is_of_databases  # it catches nothing but what a database answers
        self.first_frame = first_frame  # frames with greater ids are opened inside
        self.states: list[tuple[State, Value]] = []
        self._last: list[State] = []  # what was added last to each of these

    def add(self, state: State, exception: Value, frame: Frame) -> None:
        if not self._hears_of(exception):
            return
        for index, (known, value) in enumerate(self.states):
            if value == exception:
                if not self._is_known(state, self._last[index], known):
                    own = self._seen(state, frame)
                    self.states[index] = (known.joined(own, self._last[index]), value)
                    self._last[index] = own
                return
        own = self._seen(state, frame)
        self.states.append((own, exception))
        self._last.append(own)

    def _hears_of(self, exception: Value) -> bool:
        return self.hears == ALL or (self.hears == RISKS and exception == RISK)

    def _seen(self, state: State, frame: Frame) -> State:
        """The state as a handler sees it: the calls inside have ended."""
        own = state.copy()
        inner: Frame | None = frame
        while inner is not None and inner.id > self.first_frame:
            own.close_frame(inner.id, inner.captured)
            inner = inner.caller
        return own

    def _is_known(self, state: State, last: State, known: State) -> bool:
        """Most statements change nothing that the handler could see."""
        if state.pending is not last.pending or not state.heap.is_same(last.heap):
            return False
        frames = state.frames
        for number, variables in last.frames.items():
            if number <= self.first_frame and frames.get(number) is not variables:
                return False
        if known.facts and state.facts != known.facts:
            known.facts = {key: fact for key, fact in known.facts.items() if state.facts.get(key) is fact}
        return True


class ByName(TryContext):
    """Of what may be raised inside, nothing but the exceptions of the project's that it does raise."""

    def __init__(self, first_frame: int) -> None:
        super().__init__(frozenset(), first_frame, hears=NOBODY)

    def _hears_of(self, exception: Value) -> bool:
        return isinstance(exception, Reference)


class Cleanup(TryContext):
    """A `finally`, or the end of a stack of managers: what cleans up is taken to succeed."""

    def __init__(self, first_frame: int) -> None:
        super().__init__(frozenset(), first_frame, hears=NOBODY)


def exception_names(flow: Flow, node: Expression | None) -> tuple[str, ...]:
    """The last names of the exceptions that a handler names."""
    if node is None:
        return ()
    if isinstance(node, TupleDisplay):
        return tuple(name for element in node.elements for name in exception_names(flow, element))
    symbol = flow.scopes.callee_name(flow.frame, node)
    return () if symbol is None else (symbol.rpartition(".")[2],)


def of_databases(flow: Flow, caught: Sequence[Expression | None]) -> bool:
    """Do they name nothing but what a database answers, or what the project itself raises beside that?"""
    for one in caught:
        named = one.elements if isinstance(one, TupleDisplay) else (one,)
        symbols = [None if node is None else flow.scopes.symbol(flow.frame, node) for node in named]
        answers = [
            isinstance(symbol, External) and flow.meanings.is_of_databases(symbol.name) for symbol in symbols
        ]
        is_own = [isinstance(symbol, ClassInfo) and not symbol.has_unknown_base for symbol in symbols]
        if not any(answers) or not all(a or b for a, b in zip(answers, is_own, strict=True)):
            return False
    return bool(caught)


def may_catch(flow: Flow, state: State, node: Expression | None, exception: Value) -> bool | None:
    """Does `except node:` catch it? None: perhaps."""
    if node is None:
        return True
    if exception == PLAIN and of_databases(flow, (node,)):
        return False
    if isinstance(node, TupleDisplay):
        answers = [may_catch(flow, state, element, exception) for element in node.elements]
        return True if True in answers else None if None in answers else False
    symbol = flow.scopes.symbol(flow.frame, node)
    if isinstance(symbol, External) and symbol.name in ("builtins.Exception", "builtins.BaseException"):
        return True
    if exception == RISK and symbol == _OF_LOOKUPS:
        return False  # what is waited for has failed, not the code that asks for it
    raised = _class_of_exception(state, exception)
    if raised is None or symbol is None:
        return None
    if isinstance(raised, ClassInfo):
        if isinstance(symbol, (ClassInfo, External)):
            answer = raised.is_subclass_of(symbol if isinstance(symbol, ClassInfo) else symbol.name)
            return answer or (None if raised.has_unknown_base else False)
        return None
    if isinstance(symbol, External):
        return flow.meanings.is_exception(raised, symbol.name)
    return False


def _class_of_exception(state: State, value: Value) -> ClassInfo | str | None:
    if isinstance(value, ClassValue):
        return value.info
    if isinstance(value, ExternalValue):
        return value.name
    if isinstance(value, Reference):
        return state.record(value.oid).class_info()
    return None


def _catches_what_it_raises(flow: Flow, node: Try, seen: list[tuple[State, Value]]) -> bool:
    """`raise Undo` … `except Undo`: the handlers are for what the block, or what it calls, itself raises."""
    raised = {_name_of_class(one.exception) for one in walk(node.body) if isinstance(one, Raise)}
    classes = [_class_of_exception(state, value) for state, value in seen]
    for handler in node.handlers:
        named = handler.type.elements if isinstance(handler.type, TupleDisplay) else (handler.type,)
        for one in named:
            symbol = None if one is None else flow.scopes.symbol(flow.frame, one)
            if one is None or not isinstance(symbol, ClassInfo) or symbol.has_unknown_base:
                return False
            name = _name_of_class(one)
            if name is not None and name in raised:
                continue
            if not any(isinstance(cls, ClassInfo) and cls.is_subclass_of(symbol) for cls in classes):
                return False
    return bool(node.handlers)


def _name_of_class(node: Expression | None) -> str | None:
    if isinstance(node, Call):
        node = node.function
    return node.id if isinstance(node, Name) else None


def execute_try(flow: Flow, state: State, node: Try) -> Result:
    catches = frozenset(name for handler in node.handlers for name in exception_names(flow, handler.type))
    outer = TryContext(frozenset(), flow.counter, hears=heard_around(flow.tries)) if node.final else None
    if outer is not None:
        flow.tries.append(outer)
    try:
        caught = [handler.type for handler in node.handlers]
        is_all = of_databases(flow, caught)
        is_any = not is_all and any(of_databases(flow, (one,)) for one in caught)
        context = TryContext(catches, flow.counter, is_all, is_any)
        flow.tries.append(context)
        try:
            after, exits = flow.execute([state], node.body)
        finally:
            flow.tries.pop()
        raised = [
            (outcome.state, outcome.value)
            for outcome in merged_exits([one for one in exits if one.kind == "raise"])
        ]
        exits = [outcome for outcome in exits if outcome.kind != "raise"]
        is_for_own: bool | None = None
        after, left = flow.execute(merged(flow, after, end_of(node.span)), node.otherwise)
        exits.extend(left)
        for own, exception in raised:
            handled, left, escapes = _handle(flow, own, exception, node.handlers)
            after.extend(handled)
            exits.extend(left)
            if escapes:
                exits.append(Outcome("raise", own, exception))
        for own, exception in context.states:
            is_unknown = _class_of_exception(own, exception) is None
            if is_unknown and is_for_own is None:
                is_for_own = _catches_what_it_raises(flow, node, [*raised, *context.states])
            if is_unknown and is_for_own:
                flow.may_raise(own, exception)
                continue
            handled, left, escapes = _handle(flow, own, exception, node.handlers)
            after.extend(handled)
            exits.extend(left)
            if escapes:
                flow.may_raise(own, exception)
    finally:
        if outer is not None:
            flow.tries.pop()
    if not node.final:
        return after, exits
    reached, out = _finally(flow, merged(flow, after, end_of(node.span)), node.final)
    for outcome in merged_exits(exits):
        if outcome.kind == "suspend":
            out.append(outcome)
            continue
        through, left = _finally(flow, [outcome.state.copy()], node.final)
        out.extend(left)
        out.extend(Outcome(outcome.kind, one, outcome.value, outcome.at) for one in through)
    if outer is not None:
        with flow.silently():
            for own, exception in outer.states:
                through, _ = _finally(flow, [own.copy()], node.final)
                for one in through:
                    flow.may_raise(one, exception)
    return reached, out


def _finally(flow: Flow, states: list[State], body: Statements) -> Result:
    with flow.cleaning_up():
        return flow.execute(states, body)


def _header(handler: Handler) -> Span:
    """`except type`, without what it does then."""
    start = start_of(handler.span)
    return span(start, start + len("except") if handler.type is None else end_of(handler.type.span))


def _handle(
    flow: Flow, state: State, exception: Value, handlers: tuple[Handler, ...]
) -> tuple[list[State], list[Outcome], bool]:
    """Run the handlers that may catch `exception`; the last answer: may it escape them all?"""
    reached: list[State] = []
    exits: list[Outcome] = []
    for handler in handlers:
        catches = may_catch(flow, state, handler.type, exception)
        if catches is False:
            continue
        own = state.copy()
        own.pending = None
        if handler.name is not None:
            own.assign(flow.frame.id, handler.name, THROWN if exception in (UNKNOWN, PLAIN) else exception)
        flow.meanings.handled(flow, own, _header(handler))
        flow.handling.append(exception)
        try:
            after, left = flow.execute([own], handler.body)
        finally:
            flow.handling.pop()
        for outcome in left:
            if outcome.kind == "raise":
                flow.meanings.handed_on(flow, outcome.state, _header(handler))
        reached.extend(after)
        exits.extend(left)
        if catches is True:
            return reached, exits, False
    return reached, exits, True
