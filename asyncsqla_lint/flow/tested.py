"""What a function tests, and where it does so for the last time."""

from __future__ import annotations

from collections.abc import Iterator, Set

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.walking import blocks, walk

ASKED = "()"  # by a function, a method of its own or a `match`
_WORDS = ("None", "True", "False")

Renaming = tuple[str, str, int]  # the new name, what it names, and where the assignment ends


class Test(Struct, frozen=True):
    key: str
    name: str
    field: str  # of `outcome.ok`
    against: str  # what it is compared with, as text, or ASKED; empty: its truth is asked for
    is_literal: bool  # what it is compared with


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


def tests_behind(function: FunctionInfo | None, offset: int) -> tuple[Test, ...]:
    """The tests that a function makes behind `offset`."""
    if function is None:
        return ()
    known: dict[int, tuple[Test, ...]] = function.__dict__.setdefault("tests_behind", {})
    found = known.get(offset)
    if found is None:
        keys = (key for key, last in _tests(function).items() if last > offset)
        found = known[offset] = tuple(map(_test, keys))
    return found


def _test(key: str) -> Test:
    subject, operator, against = [*key.split(" ", 2), "", ""][:3]
    if subject.endswith(ASKED):
        subject, operator, against = subject.removesuffix(ASKED), ASKED, ASKED
    name, _, field = subject.partition(".")
    if operator not in ("==", "is", "in", ASKED):
        against = ""
    is_name = against.partition(".")[0].isidentifier() and against not in _WORDS
    return Test(key, name, field, against, bool(against) and against != ASKED and not is_name)


def _tests(function: FunctionInfo) -> dict[str, int]:
    """The tests of a function by key, each with the offset behind which it is made no more."""
    cached: dict[str, int] | None = function.__dict__.get("tests")
    if cached is None:
        cached = {}
        renamed: list[Renaming] = []
        _collect(function.body, cached, 0, renamed)
        for target, source, end in reversed(renamed):
            if cached.get(target, 0) > end:
                cached[source] = max(cached.get(source, 0), end)
        function.__dict__["tests"] = cached
    return cached


def _collect(body: p.Statements, found: dict[str, int], loop_end: int, renamed: list[Renaming]) -> None:
    for statement in body:
        is_loop = isinstance(statement, (p.While, p.For))
        # (at the end of its body a loop goes on with its tests, though nothing stands behind)
        end = max(loop_end, p.end_of(statement.span) + 1) if is_loop else loop_end
        if isinstance(statement, (p.If, p.While, p.Assert)):
            _note(statement.test, found, end)
        elif isinstance(statement, p.Match):
            _note_asked(statement.subject, found, end)
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
    if isinstance(node, p.UnaryOperation) and node.operator == "not":
        _note(node.operand, found, loop_end)
        return
    if isinstance(node, p.NamedExpression):
        node = node.target
    if isinstance(node, p.Call):
        if isinstance(node.function, p.Attribute):
            _note_asked(node.function.value, found, loop_end)
        for one in node.arguments[:1]:
            _note_asked(one, found, loop_end)
        return
    key, _ = key_and_sign(node)
    if key is not None:
        _put(found, key, node, loop_end)
        _put(found, key.split(" ")[0], node, loop_end)


def _note_asked(node: p.Expression, found: dict[str, int], loop_end: int) -> None:
    key = key_of(node)
    if key is not None:
        _put(found, key + ASKED, node, loop_end)


def _put(found: dict[str, int], key: str, node: p.Expression, loop_end: int) -> None:
    found[key] = max(found.get(key, 0), loop_end, p.end_of(node.span))


def read_last(function: FunctionInfo | None) -> dict[str, int]:
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
