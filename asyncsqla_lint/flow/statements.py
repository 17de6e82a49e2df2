"""Statements: each takes the states that reach it and gives the states that leave it, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from asyncsqla_lint.flow import calls, class_bodies, narrowing, operations, patterns
from asyncsqla_lint.flow.expressions import evaluate
from asyncsqla_lint.flow.frames import THROWN, Outcome
from asyncsqla_lint.flow.loops import execute_for, execute_while
from asyncsqla_lint.flow.managers import execute_with
from asyncsqla_lint.flow.paths import MOST_STATES, Result, merged, paths
from asyncsqla_lint.flow.safe_statements import awaits_nothing, cleans_up, raises_nothing
from asyncsqla_lint.flow.state import State
from asyncsqla_lint.flow.targets import assign, delete
from asyncsqla_lint.flow.trying import PLAIN, execute_try
from asyncsqla_lint.flow.values import (
    NONE,
    UNKNOWN,
    Reference,
    Value,
    union,
)
from asyncsqla_lint.flow.waiting import as_it_raises
from asyncsqla_lint.program import (
    AnnotatedAssign,
    Assert,
    Assign,
    AugmentedAssign,
    Break,
    ClassDefinition,
    Continue,
    Delete,
    Evaluate,
    For,
    FunctionDefinition,
    Global,
    If,
    Import,
    ImportFrom,
    Match,
    Nonlocal,
    Pattern,
    Raise,
    Return,
    Statement,
    Statements,
    Try,
    TypeAlias,
    While,
    With,
    end_of,
    start_of,
)
from asyncsqla_lint.project.names import Scoped

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow


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
    if not flow.muted and not flow.isolated:
        flow.budget.runs(statement)
    # Of a `try`, what is in it may raise.
    if flow.is_caught_somewhere and not isinstance(statement, Try):
        if flow.handling and cleans_up(statement):
            with flow.succeeding():  # what it calls succeeds, too
                return EXECUTORS[type(statement)](flow, state, statement)
        context = flow.tries[-1]
        is_safe = raises_nothing(flow, state, statement, context.catches)
        tells = context.is_of_databases or context.tells_databases
        is_plain = tells and not is_safe and awaits_nothing(flow, statement)
        if not is_safe and not (is_plain and context.is_of_databases):
            for own, exception in as_it_raises(flow, state, statement):
                flow.may_raise(own, PLAIN if is_plain else exception)
    return EXECUTORS[type(statement)](flow, state, statement)


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
        value = flow.types.annotation_value(state, flow.frame, node.annotation, node.span)
    elif isinstance(value, Reference):
        record = state.record(value.oid)
        where = Scoped(node.annotation, flow.frame.module, flow.frame.function or flow.frame.owner)
        known = record.annotated(where)
        if known is not record:
            state.put(value, known)
    assign(flow, state, node.target, value)


def _augmented_assign(flow: Flow, state: State, node: AugmentedAssign) -> None:
    flow.changing, before = node.target.span, flow.changing
    try:
        value = operations.evaluate_augmented(flow, state, node)
    finally:
        flow.changing = before
    assign(flow, state, node.target, value)


def _delete(flow: Flow, state: State, node: Delete) -> None:
    for target in node.targets:
        delete(flow, state, target)


def _define_function(flow: Flow, state: State, node: FunctionDefinition) -> None:
    function = flow.scopes.nested_function(flow.frame, node.function)
    value = flow.scopes.decorated(flow, state, function)
    flow.frame.capture(node.function)
    state.assign(flow.frame.id, flow.frame.module.program.functions[node.function].name, value)


def _define_class(flow: Flow, state: State, node: ClassDefinition) -> None:
    cls = flow.scopes.nested_class(flow.frame, node)
    state.assign(flow.frame.id, node.name, cls)
    class_bodies.announce(flow, state, cls, node)


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
    raised = [(own, UNKNOWN if value == THROWN else value) for own, value in options]
    return [], [*exits, *(Outcome("raise", own, value) for own, value in raised)]


def _break(flow: Flow, state: State, node: Break) -> Result:
    return [], [Outcome("break", state, NONE)]


def _continue(flow: Flow, state: State, node: Continue) -> Result:
    return [], [Outcome("continue", state, NONE)]


# --- branches ------------------------------------------------------------------------------------


def _if(flow: Flow, state: State, node: If) -> Result:
    true, false, exits = narrowing.test_paths(flow, state, node.test)
    behind = end_of(node.test.span)
    after_body, left = execute_block(flow, merged(flow, true, behind), node.body)
    after_else, left_else = execute_block(flow, merged(flow, false, behind), node.otherwise)
    return after_body + after_else, exits + left + left_else


def _match(flow: Flow, state: State, node: Match) -> Result:
    options, exits = paths(flow, state, lambda own: evaluate(flow, own, node.subject))
    reached: list[State] = []
    for own, subject in options:
        after, left = _cases(flow, own, subject, node)
        reached.extend(after)
        exits.extend(left)
    return reached, exits


def _cases(flow: Flow, state: State, subject: Value, node: Match) -> Result:
    """The cases one after the other, each for what those before it have left."""
    waiting = [state]
    reached: list[State] = []
    exits: list[Outcome] = []
    for case in node.cases:
        matched: list[State] = []
        passed: list[State] = []
        rests: list[Value] = []
        for candidate in waiting:
            fitting, rest = patterns.split(flow, candidate, subject, case.pattern)
            if rest is not None:
                passed.append(candidate.copy())
                patterns.narrow(flow, passed[-1], node.subject, rest)
                rests.append(rest)
            if fitting is None:
                continue

            def bind(own: State, fitting: Value = fitting, pattern: Pattern = case.pattern) -> Value:
                known = patterns.bind(flow, own, fitting, pattern)
                patterns.narrow(flow, own, node.subject, known)
                return known

            bound, left = paths(flow, candidate, bind)
            exits.extend(left)
            for yes, known in bound:
                if case.guard is None:
                    matched.append(yes)
                    continue
                true, false, left = narrowing.test_paths(flow, yes, case.guard)
                matched.extend(true)
                passed.extend(false)
                rests.extend(known for _ in false[:1])
                exits.extend(left)
        after, left = execute_block(flow, matched[:MOST_STATES], case.body)
        reached.extend(after)
        exits.extend(left)
        waiting = merged(flow, passed, start_of(node.span))
        if not waiting:
            break
        subject = union(tuple(rests))
    reached.extend(waiting)
    return reached, exits


# --- with ----------------------------------------------------------------------------------------


# --- try -----------------------------------------------------------------------------------------


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
    While: execute_while,
    For: execute_for,
    With: execute_with,
    Try: execute_try,
    TypeAlias: _nothing,
}
