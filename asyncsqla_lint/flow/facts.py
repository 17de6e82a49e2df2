"""What tests have established on a path, and which of it a later test can tell apart."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TYPE_CHECKING

from asyncsqla_lint import program as p
from asyncsqla_lint.flow.callables import ClassValue, ExternalValue
from asyncsqla_lint.flow.frames import Thrown
from asyncsqla_lint.flow.values import NONE, Constant, Reference, TupleValue, Union, Value
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import blocks, walk

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State


Tested = tuple[str, str, str]  # the key; of `outcome.ok` the name and the field, too
Renaming = tuple[str, str, int]  # the new name, what it names, and where the assignment ends
Held = tuple["State", dict[str, Value]]  # a path, and its variables


def key_of(node: p.Expression) -> str | None:
    if isinstance(node, p.Name):
        return node.id
    if isinstance(node, p.Attribute):
        inner = key_of(node.value)
        return None if inner is None else f"{inner}.{node.name}"
    return None


def key_and_sign(node: p.Expression) -> tuple[str | None, bool]:
    """A name for a test, the same for a test and its negation."""
    if isinstance(node, p.UnaryOperation) and node.operator == "not":
        key, positive = key_and_sign(node.operand)
        return key, not positive
    if isinstance(node, p.Compare) and len(node.operators) == 1:
        left = key_of(node.left)
        right = node.comparators[0]
        other = repr(right.value) if isinstance(right, p.Constant) else key_of(right)
        if left is None or other is None:
            return None, True
        operator = node.operators[0]
        if operator in ("is not", "!=", "not in"):
            return f"{left} {({'is not': 'is', '!=': '==', 'not in': 'in'})[operator]} {other}", False
        return f"{left} {operator} {other}", True
    return key_of(node), True


def forget(state: State, name: str) -> None:
    """`name` has been assigned: what was known of it holds no longer."""
    if state.facts:
        stale = [key for key in state.facts if key == name or key.startswith((f"{name}.", f"{name} "))]
        for key in stale:
            del state.facts[key]


def signatures(flow: Flow, states: list[State], offset: int, anew: Set[str] = frozenset()) -> list[object]:
    """Paths with the same one no test after `offset` can tell apart; what all hold alike says nothing.

    What names in `anew` hold is of the turn of a loop that ends: the next one gives them something else.
    """
    function, number = flow.frame.function, flow.frame.id
    held = [(state, state.frames.get(number, {})) for state in states]
    tests = [
        test
        for test in _tests_behind(function, offset)
        if test[1] not in anew and _tells(held, test[0], test[1])
    ]
    read = _read_behind(function, held, offset)
    found: list[object] = []
    for state, variables in held:
        parts: list[object] = [state.pending_key()]
        for key, name, field in tests:
            if key in state.facts:
                parts.append((key, state.facts[key]))
            value = _field(state, variables.get(name), field) if field else variables.get(key)
            if value is not None:
                nothing = False if value.is_something(state) else is_none(value)
                parts.append((key, nothing, value.truth(state)))
        # Where a helper has failed and gives None, nothing of the object is read, whether or not somebody
        # asks. Where the error is kept, whoever is handed it can ask: `await unit.end(session, error)`.
        telling = [name for name in read if _tells_of_failure(state, variables.get(name))]
        if telling and flow.meanings.is_amiss(state):
            parts += telling
        found.append(tuple(parts))
    return found


def _tells(held: list[Held], key: str, name: str) -> bool:
    """May the paths differ in a test?"""
    first, variables = held[0]
    fact, value = first.facts.get(key), variables.get(name)
    for state, others in held[1:]:
        if state.facts.get(key) is not fact or others.get(name) is not value:
            return True
        if isinstance(value, Reference) and state.record(value.oid) is not first.record(value.oid):
            return True
    return isinstance(value, Union)


def _read_behind(function: FunctionInfo | None, held: list[Held], offset: int) -> list[str]:
    """The names that are read behind `offset`, and that not all paths hold alike."""
    _, variables = held[0]
    differing: set[str] = set()
    for _, others in held[1:]:
        if others is not variables:
            differing |= variables.keys() ^ others.keys()
            differing.update(name for name, value in others.items() if variables.get(name) is not value)
    last = _read_last(function) if differing else {}
    return [name for name in differing if last.get(name, 0) > offset]


def _tells_of_failure(state: State, value: Value | None) -> bool:
    return value is not None and (value == NONE or _is_error(state, value))


def _is_error(state: State, value: Value) -> bool:
    return isinstance(value, Thrown) or (isinstance(value, ExternalValue) and value.truth(state) is True)


def _read_last(function: FunctionInfo | None) -> dict[str, int]:
    """The names of a function, each with the offset behind which it is used no more."""
    if function is None:
        return {}
    found: dict[str, int] | None = function.__dict__.get("read_last")
    if found is None:
        found = function.__dict__["read_last"] = {}
        for node in walk(function.body):
            if isinstance(node, p.Name):
                found[node.id] = max(found.get(node.id, 0), p.end_of(node.span))
    return found


def assigned_in(function: FunctionInfo | None, loop: p.For | p.While) -> Set[str]:
    """The names that a loop of the function assigns in each of its turns."""
    known: dict[int, Set[str]] = {} if function is None else function.__dict__.setdefault("assigned_in", {})
    if loop.span in known:
        return known[loop.span]
    found: set[str] = set()
    known[loop.span] = found
    for node in walk(loop):
        targets: tuple[p.Expression | None, ...] = ()
        if isinstance(node, p.Assign):
            targets = node.targets
        elif isinstance(node, (p.AnnotatedAssign, p.AugmentedAssign, p.For, p.NamedExpression, p.WithItem)):
            targets = (node.target,)
        for target in targets:
            parts = target.elements if isinstance(target, p.TupleDisplay) else (target,)
            found.update(one.id for one in parts if isinstance(one, p.Name))
    return found


def _field(state: State, value: Value | None, field: str) -> Value | None:
    """`outcome.ok`, where the outcome is a plain record that some call has given."""
    record = state.record(value.oid) if isinstance(value, Reference) else None
    return None if record is None else dict(record.parts()).get(field)


def _tests_behind(function: FunctionInfo | None, offset: int) -> tuple[Tested, ...]:
    """The tests that a function makes behind `offset`."""
    if function is None:
        return ()
    known: dict[int, tuple[Tested, ...]] = function.__dict__.setdefault("tests_behind", {})
    found = known.get(offset)
    if found is None:
        tests = (key for key, last in tested_names(function).items() if last > offset)
        found = known[offset] = tuple([(key, *key.partition(".")[::2]) for key in tests])
    return found


def tested_names(function: FunctionInfo | None) -> dict[str, int]:
    """The tests of a function by key, each with the offset behind which it is made no more."""
    if function is None:
        return {}
    cached: dict[str, int] | None = function.__dict__.get("tested_names")
    if cached is None:
        cached = {}
        renamed: list[Renaming] = []
        _collect(function.body, cached, 0, renamed)
        for target, source, end in reversed(renamed):
            if cached.get(target, 0) > end:
                cached[source] = max(cached.get(source, 0), end)
        function.__dict__["tested_names"] = cached
    return cached


def _collect(body: p.Statements, found: dict[str, int], loop_end: int, renamed: list[Renaming]) -> None:
    for statement in body:
        is_loop = isinstance(statement, (p.While, p.For))
        # (at the end of its body a loop goes on with its tests, though nothing stands behind)
        end = max(loop_end, p.end_of(statement.span) + 1) if is_loop else loop_end
        if isinstance(statement, (p.If, p.While, p.Assert)):
            _note(statement.test, found, end)
        elif isinstance(statement, (p.Assign, p.AnnotatedAssign, p.AugmentedAssign, p.Return, p.Evaluate)):
            if isinstance(statement, p.Assign):
                renamed.extend(_renamed(statement))
            for node in walk(statement):
                if isinstance(node, p.Conditional):
                    _note(node.test, found, end)
                elif isinstance(node, p.BooleanOperation):
                    _note(node, found, end)
        for block in blocks(statement):
            _collect(block, found, end, renamed)


def _renamed(statement: p.Assign) -> Iterator[Renaming]:
    """`ok, order = outcome.ok, outcome.order`: a later test of `ok` is one of `outcome.ok`."""
    for target in statement.targets:
        pairs = [(target, statement.value)]
        if isinstance(target, p.TupleDisplay) and isinstance(statement.value, p.TupleDisplay):
            pairs = list(zip(target.elements, statement.value.elements, strict=False))
        for one, other in pairs:
            source = key_of(other)
            if isinstance(one, p.Name) and source is not None:
                yield one.id, source, p.end_of(statement.span)


def _note(node: p.Expression, found: dict[str, int], loop_end: int) -> None:
    if isinstance(node, p.BooleanOperation):
        for one in node.values:
            _note(one, found, loop_end)
        return
    if isinstance(node, p.NamedExpression):
        node = node.target
    key, _ = key_and_sign(node)
    if key is not None:
        end = max(loop_end, p.end_of(node.span))
        found[key] = max(found.get(key, 0), end)
        name = key.split(" ")[0]
        found[name] = max(found.get(name, 0), end)


def is_none(value: Value) -> bool | None:
    if isinstance(value, Union):
        answers = {is_none(one) for one in value.alternatives}
        return answers.pop() if len(answers) == 1 else None
    if value == NONE:
        return True
    if isinstance(value, (Constant, Reference, ClassValue, TupleValue)):
        return False
    return None
