"""`with`: what a manager gives, the block that runs in it, and every way out of it."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint.flow import calls
from asyncsqla_lint.flow.expressions import evaluate
from asyncsqla_lint.flow.frames import OnYield, Outcome, merged_exits
from asyncsqla_lint.flow.joining import Option
from asyncsqla_lint.flow.paths import Result, consumer_paths, left_pending, merged, paths
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.targets import assign
from asyncsqla_lint.flow.trying import TryContext, execute_try, heard_around, of_databases
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Reference,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.program import (
    Attribute,
    Call,
    Expression,
    Handler,
    Try,
    TupleDisplay,
    With,
    end_of,
)

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


def execute_with(flow: Flow, state: State, node: With) -> Result:
    return _with_items(flow, state, node, 0)


def _with_items(flow: Flow, state: State, node: With, position: int) -> Result:
    if position == len(node.items):
        return flow.execute([state], node.body)
    item = node.items[position]
    caught = _swallowed(flow, item.context)
    if caught is not None:
        if item.target is not None:
            assign(flow, state, item.target, UNKNOWN)
        return execute_try(flow, state, _as_try(node, position, caught))
    consumer = flow.frame
    options, exits = paths(flow, state, lambda own: evaluate(flow, own, item.context))
    reached: list[State] = []
    fitting = [(own, _fitting(own, manager, node.is_async)) for own, manager in options]
    for own, manager in [one for option in fitting for one in _each_manager(*option)]:
        generator = calls.context_of(own, manager)
        if generator is not None:

            def body(inner: State, value: Value) -> list[Option]:
                with flow.entered(consumer):
                    if item.target is not None:
                        assign(flow, inner, item.target, value)
                    after, left = _with_items(flow, inner, node, position + 1)
                return [(one, NONE) for one in after] + left_pending(flow, left, consumer)

            done, left = consumer_paths(flow, own, partial(_run_generator, flow, generator, body))
            reached.extend(one for one, _ in done)
            exits.extend(left)
            continue
        entered, left = paths(
            flow,
            own,
            lambda inner, manager=manager: _enter(flow, inner, item.context, manager, item.target, node),  # type: ignore[misc]
        )
        exits.extend(left)
        for inner, _ in entered:
            after, left = _managed(flow, inner, node, position, manager)
            reached.extend(after)
            exits.extend(left)
    return reached, exits


_ASSERTIONS = ("assertRaises", "assertRaisesRegex")  # of `unittest.TestCase`


def _swallowed(flow: Flow, context: Expression) -> tuple[Expression, ...] | None:
    """What `suppress(Some, Other)` keeps to itself, and `raises(IntegrityError)`: a test expects it."""
    if not isinstance(context, Call):
        return None
    name = flow.scopes.callee_name(flow.frame, context.function)
    if name == "contextlib.suppress":
        return context.arguments
    expects = name == "pytest.raises" or (
        isinstance(context.function, Attribute) and context.function.name in _ASSERTIONS
    )
    return context.arguments[:1] if expects and of_databases(flow, context.arguments[:1]) else None


def _as_try(node: With, position: int, caught: tuple[Expression, ...]) -> Try:
    """`with suppress(Some, Other):` is `try:` with a handler that does nothing."""
    context = node.items[position].context
    rest = node.items[position + 1 :]
    body = (With(node.span, rest, node.body, node.is_async),) if rest else node.body
    handler = Handler(context.span, TupleDisplay(context.span, caught), None, ())
    return Try(node.span, body, (handler,), (), (), False)


def _fitting(state: State, manager: Value, is_async: bool) -> Value:
    """Where it may be of either kind, the author knows which it is here; and that it is one of those known,
    where somebody else might have put something into a module's variable."""
    found = alternatives(manager)
    if len(found) < 2:
        return manager
    suits = [state.record(one.oid).suits(is_async) if isinstance(one, Reference) else None for one in found]
    return (
        union(
            tuple(
                one
                for one, fits in zip(found, suits, strict=True)
                if fits is not False and one is not UNKNOWN
            )
        )
        if any(suits)
        else manager
    )


def _each_manager(state: State, manager: Value) -> list[Option]:
    """What a call has given on several paths: the body runs in each function's context, once for each."""
    found: dict[object, Value] = {}
    for one in alternatives(manager):
        generator = calls.context_of(state, one)
        if generator is None:
            return [(state, manager)]
        found.setdefault(generator[0].info, one)
    return [(state.copy(), one) for one in found.values()]


def _run_generator(flow: Flow, generator: calls.Generator, body: OnYield, state: State) -> Value:
    return calls.run_generator(flow, state, generator, body)


def _enter(
    flow: Flow, state: State, context: Expression, manager: Value, target: Expression | None, node: With
) -> Value:
    flow.meanings.entered(flow, state, manager, context.span, node.is_async)
    value = manager.enter(flow, state, context.span, node.is_async)
    if target is not None:
        assign(flow, state, target, value)
    return value


def _managed(flow: Flow, state: State, node: With, position: int, manager: Value) -> Result:
    span = node.items[position].context.span
    context = TryContext(frozenset(), flow.counter, hears=heard_around(flow.tries))
    flow.tries.append(context)
    try:
        after, exits = _with_items(flow, state, node, position + 1)
    finally:
        flow.tries.pop()

    def left_by(own: State, raised: bool) -> tuple[list[tuple[State, bool | None]], list[Outcome]]:
        swallowed: list[tuple[State, bool | None]] = []

        def leave(inner: State) -> Value:
            swallowed.append((inner, manager.leave(flow, inner, span, node.is_async, raised)))
            return NONE

        with flow.cleaning_up() if raised else nullcontext():
            _, bad = paths(flow, own, leave)
        return swallowed, bad

    reached: list[State] = []
    out: list[Outcome] = []
    for own in merged(flow, after, end_of(node.span)):
        done, bad = left_by(own, raised=False)
        reached.extend(one for one, _ in done)
        out.extend(bad)
    for outcome in merged_exits(exits):
        if outcome.kind == "suspend":
            out.append(outcome)
            continue
        done, bad = left_by(outcome.state, raised=outcome.kind in ("raise", "close"))
        out.extend(bad)
        for one, swallows in done:
            if swallows is not False and outcome.kind == "raise":
                reached.append(one.copy())
            if swallows is not True or outcome.kind != "raise":
                out.append(Outcome(outcome.kind, one, outcome.value, outcome.at))
    if context.states:
        with flow.silently():
            for own, exception in context.states:
                for one, swallows in left_by(own, raised=True)[0]:
                    if not swallows:
                        flow.may_raise(one, exception)
    return reached, out
