"""Statements: each takes the states that reach it and gives the states that leave it, and how."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from asyncsqla_lint.flow import calls, narrowing, patterns
from asyncsqla_lint.flow.expressions import assign, delete, evaluate
from asyncsqla_lint.flow.frames import Frame, OnYield, Option, Oracle, Outcome, PathEnds, merged_exits
from asyncsqla_lint.flow.state import VACANT, State, join_states
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Iteration,
    Reference,
    TupleValue,
    Value,
    alternatives,
    is_short,
    union,
)
from asyncsqla_lint.program import (
    AnnotatedAssign,
    Assert,
    Assign,
    Attribute,
    AugmentedAssign,
    Await,
    BinaryOperation,
    Break,
    Call,
    ClassDefinition,
    Constant,
    Continue,
    Delete,
    Evaluate,
    Expression,
    For,
    FunctionDefinition,
    Global,
    Handler,
    If,
    Import,
    ImportFrom,
    Match,
    Name,
    Nonlocal,
    Raise,
    Return,
    Statement,
    Statements,
    Try,
    TupleDisplay,
    TypeAlias,
    While,
    With,
    end_of,
)
from asyncsqla_lint.project.names import Scoped
from asyncsqla_lint.project.walking import walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow

MOST_STATES = 4  # paths kept apart side by side in one function
LOOP_PASSES = 2  # a second pass shows what one iteration does to the next

Result = tuple[list[State], list[Outcome]]


def execute_block(flow: Flow, states: list[State], body: Statements) -> Result:
    exits: list[Outcome] = []
    for statement in body:
        if not states:
            break
        reached: list[State] = []
        for state in states:
            normal, left = execute_statement(flow, state, statement)
            reached.extend(normal)
            exits.extend(left)
        states = merged(flow, reached, end_of(statement.span)) if len(reached) > 1 else reached
    return states, exits


def execute_statement(flow: Flow, state: State, statement: Statement) -> Result:
    flow.step(state)
    if flow.tries and not isinstance(statement, Try):  # of a `try`, what is in it may raise
        if not _is_safe(statement) and not (flow.tries[-1].is_of_databases and _is_plain(flow, statement)):
            flow.may_raise(state, UNKNOWN)
    return EXECUTORS[type(statement)](flow, state, statement)


def _is_safe(statement: Statement) -> bool:
    """`self.engine = engine`, `done = True`: nothing that raises."""
    return (
        isinstance(statement, Assign)
        and isinstance(statement.value, (Name, Constant))
        and all(
            isinstance(one, Name) or (isinstance(one, Attribute) and isinstance(one.value, Name))
            for one in statement.targets
        )
    )


def _is_plain(flow: Flow, statement: Statement) -> bool:
    """Nothing is awaited in it, so no database answers it."""
    key = ("plain", id(statement))
    known = flow.memory.get(key)
    if not isinstance(known, tuple):
        simple = isinstance(statement, (Evaluate, Assign, AnnotatedAssign, AugmentedAssign, Return))
        answer = simple and not any(isinstance(node, Await) for node in walk(statement))
        known = flow.memory[key] = (statement, answer)  # held, so that no id is used twice
    return bool(known[1])


def merged(flow: Flow, states: list[State], offset: int) -> list[State]:
    """Join the paths that no later test of this function can tell apart."""
    if len(states) < 2:
        return states
    groups: dict[object, list[State]] = {}
    for state in states:
        groups.setdefault(narrowing.signature(flow, state, offset), []).append(state)
    kept = [join_states(group) for group in groups.values()]
    if len(kept) > MOST_STATES:
        kept = [*kept[: MOST_STATES - 1], join_states(kept[MOST_STATES - 1 :])]
    return kept


def paths(flow: Flow, state: State, act: Callable[[State], Value]) -> tuple[list[Option], list[Outcome]]:
    """Run `act` once for each combination of the choices it meets; `state` is used up."""
    outer, flow.oracle = flow.oracle, Oracle()
    joining, flow.joining = flow.joining, 0
    options: list[Option] = []
    exits: list[Outcome] = []
    start, counter = state, flow.counter
    try:
        while True:
            own = start.copy()
            flow.counter = counter  # a replay meets the same ids up to its last choice
            try:
                value = act(own)
            except PathEnds as end:
                if end.outcome is not None:
                    exits.append(end.outcome)
            else:
                options.append((own, value))
            flow.oracle.highest = max(flow.oracle.highest, flow.counter)
            if not flow.oracle.advance():
                break
    finally:
        flow.counter = max(flow.counter, flow.oracle.highest)
        flow.oracle = outer
        flow.joining = joining
    return options, exits


def _simple(act: Callable[[Flow, State, Statement], None]) -> Callable[[Flow, State, Statement], Result]:
    def run(flow: Flow, state: State, statement: Statement) -> Result:
        def once(own: State) -> Value:
            act(flow, own, statement)
            return NONE

        options, exits = paths(flow, state, once)
        return [own for own, _ in options], exits

    return run


# --- simple statements ---------------------------------------------------------------------------


def _evaluate(flow: Flow, state: State, node: Evaluate) -> None:
    value = evaluate(flow, state, node.value)
    calls.dropped(flow, state, value, node.value.span)


def _assign(flow: Flow, state: State, node: Assign) -> None:
    value = evaluate(flow, state, node.value)
    for target in node.targets:
        assign(flow, state, target, value)


def _annotated_assign(flow: Flow, state: State, node: AnnotatedAssign) -> None:
    if node.value is None:
        return
    value = evaluate(flow, state, node.value)
    if value == UNKNOWN:
        value = flow.scopes.annotation_value(state, flow.frame, node.annotation, node.span)
    elif isinstance(value, Reference):
        record = state.record(value.oid)
        where = Scoped(node.annotation, flow.frame.module, flow.frame.function or flow.frame.owner)
        known = record.annotated(where)
        if known is not record:
            state.put(value, known)
    assign(flow, state, node.target, value)


def _augmented_assign(flow: Flow, state: State, node: AugmentedAssign) -> None:
    operation = BinaryOperation(node.span, node.target, node.operator, node.value)
    flow.changing, before = node.target.span, flow.changing
    try:
        value = evaluate(flow, state, operation)
    finally:
        flow.changing = before
    assign(flow, state, node.target, value)


def _delete(flow: Flow, state: State, node: Delete) -> None:
    for target in node.targets:
        delete(flow, state, target)


def _define_function(flow: Flow, state: State, node: FunctionDefinition) -> None:
    function = flow.scopes.nested_function(flow.frame, node.function)
    value = flow.scopes.decorated(flow, state, function)
    flow.frame.is_captured = True
    state.assign(flow.frame.id, flow.frame.module.program.functions[node.function].name, value)


def _define_class(flow: Flow, state: State, node: ClassDefinition) -> None:
    state.assign(flow.frame.id, node.name, flow.scopes.nested_class(flow.frame, node))


def _import(flow: Flow, state: State, node: Import) -> None:
    for alias in node.names:
        value = flow.scopes.imported(flow.frame.module, alias.name, top=alias.asname is None)
        state.assign(flow.frame.id, alias.asname or alias.name.split(".")[0], value)


def _import_from(flow: Flow, state: State, node: ImportFrom) -> None:
    for alias in node.names:
        if alias.name != "*":
            value = flow.scopes.imported_from(flow.frame.module, node.level, node.module, alias.name)
            state.assign(flow.frame.id, alias.asname or alias.name, value)


def _assert(flow: Flow, state: State, node: Assert) -> Result:
    holds, _, exits = narrowing.test_paths(flow, state, node.test)
    return merged(flow, holds, end_of(node.span)), exits


def _nothing(flow: Flow, state: State, node: Statement) -> Result:
    return [state], []


def _global(flow: Flow, state: State, node: Global | Nonlocal) -> Result:
    flow.scopes.declare_outer(flow.frame, node)
    return [state], []


def _return(flow: Flow, state: State, node: Return) -> Result:
    if node.value is None:
        return [], [Outcome("return", state, NONE)]
    value = node.value
    options, exits = paths(flow, state, lambda own: evaluate(flow, own, value))
    return [], [*exits, *(Outcome("return", own, result, value.span) for own, result in options)]


def _raise(flow: Flow, state: State, node: Raise) -> Result:
    if node.exception is None:
        return [], [Outcome("raise", state, flow.handling[-1] if flow.handling else UNKNOWN)]
    exception = node.exception
    options, exits = paths(flow, state, lambda own: evaluate(flow, own, exception))
    return [], [*exits, *(Outcome("raise", own, value) for own, value in options)]


def _break(flow: Flow, state: State, node: Break) -> Result:
    return [], [Outcome("break", state, NONE)]


def _continue(flow: Flow, state: State, node: Continue) -> Result:
    return [], [Outcome("continue", state, NONE)]


# --- branches ------------------------------------------------------------------------------------


def _if(flow: Flow, state: State, node: If) -> Result:
    true, false, exits = narrowing.test_paths(flow, state, node.test)
    after_body, left = execute_block(flow, merged(flow, true, node.span), node.body)
    after_else, left_else = execute_block(flow, merged(flow, false, node.span), node.otherwise)
    return after_body + after_else, exits + left + left_else


def _match(flow: Flow, state: State, node: Match) -> Result:
    options, exits = paths(flow, state, lambda own: evaluate(flow, own, node.subject))
    reached: list[State] = []
    for own, subject in options:
        waiting = [own]
        for case in node.cases:
            matched: list[State] = []
            passed: list[State] = []
            for candidate in waiting:
                yes, no = patterns.match(flow, candidate, subject, case.pattern)
                if yes is not None and case.guard is not None:
                    true, false, left = narrowing.test_paths(flow, yes, case.guard)
                    matched.extend(true)
                    passed.extend(false)
                    exits.extend(left)
                elif yes is not None:
                    matched.append(yes)
                if no is not None:
                    passed.append(no)
            after, left = execute_block(flow, matched[:MOST_STATES], case.body)
            reached.extend(after)
            exits.extend(left)
            waiting = merged(flow, passed, node.span)
        reached.extend(waiting)
    return reached, exits


# --- loops ---------------------------------------------------------------------------------------


def _split_exits(exits: list[Outcome]) -> tuple[list[State], list[State], list[Outcome]]:
    breaks = [exit_.state for exit_ in exits if exit_.kind == "break"]
    continues = [exit_.state for exit_ in exits if exit_.kind == "continue"]
    return breaks, continues, [exit_ for exit_ in exits if exit_.kind not in ("break", "continue")]


def _while(flow: Flow, state: State, node: While) -> Result:
    exits: list[Outcome] = []
    done: list[State] = []
    broken: list[State] = []
    states = [state]
    end = end_of(node.span)
    for _ in range(LOOP_PASSES):
        entering: list[State] = []
        for own in states:
            true, false, left = narrowing.test_paths(flow, own, node.test)
            entering.extend(true)
            done.extend(false)
            exits.extend(left)
        after, left = execute_block(flow, merged(flow, entering, node.span), node.body)
        breaks, continues, rest = _split_exits(left)
        broken.extend(breaks)
        exits.extend(rest)
        states = merged(flow, after + continues, node.span)
        if not states:
            break
    for own in states:
        _, false, left = narrowing.test_paths(flow, own, node.test)
        done.extend(false)
        exits.extend(left)
    after, left = execute_block(flow, merged(flow, done, end), node.otherwise)
    return after + broken, exits + left


def _for(flow: Flow, state: State, node: For) -> Result:
    values, exits = paths(flow, state, lambda own: evaluate(flow, own, node.iterable))
    reached: list[State] = []
    for own, value in values:
        generator = calls.generator_of(own, value)
        if generator is not None:
            after, left = _for_generator(flow, own, node, generator)
        else:
            after, left = _for_each(flow, own, node, value)
        reached.extend(after)
        exits.extend(left)
    return reached, exits


def _for_each(flow: Flow, state: State, node: For, value: Value) -> Result:
    iterations: list[Iteration] = []

    def once(own: State) -> Value:
        iterations.append(value.iterate(flow, own, node.iterable.span, node.is_async))
        return NONE

    options, exits = paths(flow, state, once)
    reached: list[State] = []
    for (own, _), iteration in zip(options, iterations, strict=True):
        after, left = _loop(flow, own, node, iteration)
        reached.extend(after)
        exits.extend(left)
    return reached, exits


def _loop(flow: Flow, state: State, node: For, iteration: Iteration) -> Result:
    exits: list[Outcome] = []
    broken: list[State] = []
    done: list[State] = []
    states = [state]
    items = iteration.items
    if items is not None and not is_short(items):
        iteration = Iteration(element=union(items), may_be_empty=False)
        items = None
    if items is None and iteration.element is None:
        return execute_block(flow, states, node.otherwise)
    rounds: tuple[Value, ...] = items if items is not None else (iteration.element or UNKNOWN,) * LOOP_PASSES
    if items is None and iteration.may_be_empty:
        done.append(_without(state.copy(), iteration.element))
    processed: list[Value] = []
    for position, element in enumerate(rounds):
        entering: list[State] = []
        for own in states:
            one = element if items is not None else element.individual(flow, own)
            processed.append(one)
            options, left = paths(flow, own, partial(_bind, flow, target=node.target, value=one))
            entering.extend(option[0] for option in options)
            exits.extend(left)
        flow.loops.append((flow.frame, tuple(processed[-len(states) :])))
        try:
            after, left = execute_block(flow, merged(flow, entering, node.span), node.body)
        finally:
            flow.loops.pop()
        breaks, continues, rest = _split_exits(left)
        broken.extend(breaks)
        exits.extend(rest)
        states = merged(flow, after + continues, node.span)
        if not states:
            break
        if items is None and position < LOOP_PASSES - 1:
            done.extend(_absorbed(flow, own.copy(), element, processed) for own in states)
    if items is None:
        states = [_absorbed(flow, own, element, processed) for own in states]
    finished = merged(flow, done + states, end_of(node.span))
    after, left = execute_block(flow, finished, node.otherwise)
    return after + broken, exits + left


def _without(state: State, element: Value | None) -> State:
    """There was none: what stands for the elements says nothing on this path."""
    for value in alternatives(element) if element is not None else ():
        for one in value.elements if isinstance(value, TupleValue) else (value,):
            if isinstance(one, Reference) and state.record(one.oid).is_one_for_many():
                state.put(one, VACANT)
    return state


def _bind(flow: Flow, state: State, target: Expression, value: Value) -> Value:
    assign(flow, state, target, value)
    return NONE


def _absorbed(flow: Flow, state: State, element: Value, processed: list[Value]) -> State:
    """The loop has dealt with every element: what stands for them all is now as it left each."""
    for value in alternatives(element):
        if isinstance(value, Reference):
            state.record(value.oid).absorb(flow, state, value, tuple(processed))
        elif isinstance(value, TupleValue):
            for position, part in enumerate(value.elements):
                if isinstance(part, Reference):
                    parts = tuple(
                        one.elements[position]
                        for one in processed
                        if isinstance(one, TupleValue) and len(one.elements) > position
                    )
                    state.record(part.oid).absorb(flow, state, part, parts)
    return state


def _for_generator(flow: Flow, state: State, node: For, generator: calls.Generator) -> Result:
    """A loop over a generator of the project: the body runs where the generator yields."""
    consumer = flow.frame

    def body(own: State, value: Value) -> list[Option]:
        with flow.entered(consumer):
            assign(flow, own, node.target, value)
            after, left = execute_block(flow, [own], node.body)
        breaks, continues, rest = _split_exits(left)
        options: list[Option] = [(one, NONE) for one in after + continues]
        for one in breaks:
            one.pending = Outcome("break", one, NONE, -1, consumer.id, closes=True)
            options.append((one, NONE))
        return options + _pending(flow, rest, consumer, closes=True)

    options, exits = consumer_paths(flow, state, lambda own: calls.run_generator(flow, own, generator, body))
    broken, _, exits = _split_exits(exits)
    after, left = execute_block(flow, merged(flow, [own for own, _ in options], node.span), node.otherwise)
    return after + broken, exits + left


def consumer_paths(
    flow: Flow, state: State, act: Callable[[State], Value]
) -> tuple[list[Option], list[Outcome]]:
    """Run a generator to its end; where its consumer has left meanwhile, the consumer leaves now."""
    options, exits = paths(flow, state, act)
    kept: list[Option] = []
    for own, value in options:
        left = own.pending
        if left is not None and left.frame == flow.frame.id:
            own.pending = None
            exits.append(Outcome(left.kind, own, left.value, left.at))
        else:
            kept.append((own, value))
    return kept, exits


def _pending(flow: Flow, exits: list[Outcome], consumer: Frame, *, closes: bool = False) -> list[Option]:
    options: list[Option] = []
    for outcome in exits:
        state = outcome.state.copy()
        state.pending = Outcome(outcome.kind, state, outcome.value, outcome.at, consumer.id, closes)
        options.append((state, NONE))
    return options


# --- with ----------------------------------------------------------------------------------------


def _with(flow: Flow, state: State, node: With) -> Result:
    return _with_items(flow, state, node, 0)


def _with_items(flow: Flow, state: State, node: With, position: int) -> Result:
    if position == len(node.items):
        return execute_block(flow, [state], node.body)
    item = node.items[position]
    if _suppresses(flow, item.context):
        return _try(flow, state, _as_try(node, position))
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
                return [(one, NONE) for one in after] + _pending(flow, left, consumer)

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


def _suppresses(flow: Flow, context: Expression) -> bool:
    if not isinstance(context, Call):
        return False
    return flow.scopes.callee_name(flow.frame, context.function) == "contextlib.suppress"


def _as_try(node: With, position: int) -> Try:
    """`with suppress(Some, Other):` is `try:` with a handler that does nothing."""
    context = node.items[position].context
    assert isinstance(context, Call)
    rest = node.items[position + 1 :]
    body = (With(node.span, rest, node.body, node.is_async),) if rest else node.body
    handler = Handler(context.span, TupleDisplay(context.span, context.arguments), None, ())
    return Try(node.span, body, (handler,), (), (), False)


def _fitting(state: State, manager: Value, is_async: bool) -> Value:
    """Where it may be of either kind, the author knows which it is here."""
    found = alternatives(manager)
    if len(found) < 2:
        return manager
    suits = [state.record(one.oid).suits(is_async) if isinstance(one, Reference) else None for one in found]
    return (
        union(tuple(one for one, fits in zip(found, suits, strict=True) if fits is not False))
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
    from asyncsqla_lint.flow.interpreter import TryContext

    span = node.items[position].context.span
    context = TryContext(frozenset(), flow.counter)
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

        _, bad = paths(flow, own, leave)
        return swallowed, bad

    reached: list[State] = []
    out: list[Outcome] = []
    for own in merged(flow, after, end_of(node.span)):
        done, bad = left_by(own, raised=False)
        reached.extend(one for one, _ in done)
        out.extend(bad)
    for outcome in merged_exits(exits):
        done, bad = left_by(outcome.state, raised=outcome.kind in ("raise", "close"))
        out.extend(bad)
        for one, swallows in done:
            if swallows is not False and outcome.kind == "raise":
                reached.append(one.copy())
            if swallows is not True or outcome.kind != "raise":
                out.append(Outcome(outcome.kind, one, outcome.value, outcome.at))
    if flow.tries:
        with flow.silently():
            for own, exception in context.states:
                for one, swallows in left_by(own, raised=True)[0]:
                    if not swallows:
                        flow.may_raise(one, exception)
    return reached, out


# --- try -----------------------------------------------------------------------------------------


def _try(flow: Flow, state: State, node: Try) -> Result:
    from asyncsqla_lint.flow.interpreter import TryContext

    catches = frozenset(
        name for handler in node.handlers for name in narrowing.exception_names(flow, handler.type)
    )
    outer = TryContext(frozenset(), flow.counter) if node.final else None
    if outer is not None:
        flow.tries.append(outer)
    try:
        context = TryContext(catches, flow.counter, narrowing.of_databases(flow, node.handlers))
        flow.tries.append(context)
        try:
            after, exits = execute_block(flow, [state], node.body)
        finally:
            flow.tries.pop()
        raised = [
            (outcome.state, outcome.value)
            for outcome in merged_exits([one for one in exits if one.kind == "raise"])
        ]
        exits = [outcome for outcome in exits if outcome.kind != "raise"]
        after, left = execute_block(flow, merged(flow, after, end_of(node.span)), node.otherwise)
        exits.extend(left)
        for own, exception in raised:
            handled, left, escapes = _handle(flow, own, exception, node.handlers)
            after.extend(handled)
            exits.extend(left)
            if escapes:
                exits.append(Outcome("raise", own, exception))
        for own, exception in context.states:
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
        return execute_block(flow, states, body)


def _handle(
    flow: Flow, state: State, exception: Value, handlers: tuple[Handler, ...]
) -> tuple[list[State], list[Outcome], bool]:
    """Run the handlers that may catch `exception`; the last answer: may it escape them all?"""
    reached: list[State] = []
    exits: list[Outcome] = []
    for handler in handlers:
        catches = narrowing.may_catch(flow, state, handler.type, exception)
        if catches is False:
            continue
        own = state.copy()
        own.pending = None
        if handler.name is not None:
            own.assign(flow.frame.id, handler.name, exception if exception != UNKNOWN else UNKNOWN)
        flow.handling.append(exception)
        try:
            after, left = execute_block(flow, [own], handler.body)
        finally:
            flow.handling.pop()
        reached.extend(after)
        exits.extend(left)
        if catches is True:
            return reached, exits, False
    return reached, exits, True


EXECUTORS: dict[type, Callable[..., Result]] = {
    Evaluate: _simple(_evaluate),  # type: ignore[arg-type]  # each executor is called with its own node type
    Assign: _simple(_assign),  # type: ignore[arg-type]
    AnnotatedAssign: _simple(_annotated_assign),  # type: ignore[arg-type]
    AugmentedAssign: _simple(_augmented_assign),  # type: ignore[arg-type]
    Delete: _simple(_delete),  # type: ignore[arg-type]
    FunctionDefinition: _simple(_define_function),  # type: ignore[arg-type]
    ClassDefinition: _simple(_define_class),  # type: ignore[arg-type]
    Import: _simple(_import),  # type: ignore[arg-type]
    ImportFrom: _simple(_import_from),  # type: ignore[arg-type]
    Assert: _assert,
    Global: _global,
    Nonlocal: _global,
    Return: _return,
    Raise: _raise,
    Break: _break,
    Continue: _continue,
    If: _if,
    Match: _match,
    While: _while,
    For: _for,
    With: _with,
    Try: _try,
    TypeAlias: _nothing,
}
