"""Rendering a template of Jinja's: what it reads, in which order, under which conditions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asyncsqla_lint.flow.containers import DictRecord
from asyncsqla_lint.flow.values import (
    FALSE,
    NONE,
    TRUE,
    UNKNOWN,
    Arguments,
    Constant,
    Reference,
    TupleValue,
    Value,
    alternatives,
    union,
)
from asyncsqla_lint.frameworks import template_syntax as t
from asyncsqla_lint.frameworks.serializing import Reading
from asyncsqla_lint.frameworks.template_filters import elements, filtered
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

Names = dict[str, Value]
Find = Callable[[str], "t.Block | None"]  # another template, by its name
DEEPEST = 12  # templates and macros inside of each other
LONGEST = 2_000  # tags of one rendering: a page is long, and says little
_LITERALS = {"true": TRUE, "false": FALSE, "none": NONE}


class Called(Value, frozen=True, eq=False):
    """A macro, `super`, `caller`."""

    act: Callable[[Arguments], None]

    def truth(self, state: State) -> bool | None:
        return True

    def call(self, flow: Flow, state: State, arguments: Arguments, at: Span) -> Value:
        self.act(arguments)
        return UNKNOWN


class Imported(Value, frozen=True, eq=False):
    """What a template that is imported has set."""

    names: Names

    def truth(self, state: State) -> bool | None:
        return True

    def attribute(self, flow: Flow, state: State, name: str, at: Span) -> Value:
        return self.names.get(name, UNKNOWN)


class Rendering:
    """One template with those that it leads to."""

    def __init__(self, flow: Flow, state: State, at: Span, reading: Reading, find: Find) -> None:
        self.flow = flow
        self.state = state
        self.at = at
        self.reading = reading
        self.find = find
        self.context: Names = {}
        self.blocks: dict[str, list[t.Block]] = {}  # what stands in their place, the nearest first
        self.depth = 0
        self.left = LONGEST

    def render(self, template: t.Block, context: Names) -> None:
        self.context = context
        self.page(template, dict(context))

    def page(self, template: t.Block, names: Names) -> None:
        for named in _named(template):
            self.blocks.setdefault(named.name, []).append(named.body)
        above = next((one for one in template.parts if isinstance(one, t.Inheritance)), None)
        if above is None:
            self.run(template, names)
            return
        for part in template.parts:  # what stands outside of blocks is not put out
            if isinstance(part, (t.Assignment, t.Importing, t.Macro)):
                self.run(t.Block([part]), names)
        found = self.named(above.name, names)
        with self.deeper() as is_enough:
            if found is not None and not is_enough:
                self.page(found, names)

    def run(self, block: t.Block, names: Names) -> None:
        self.left -= len(block.parts)
        for part in block.parts if self.left > 0 else ():
            if not isinstance(part, (t.Choice, t.Named, t.Macro, t.Group)):
                self.reading.where = part.where
            if isinstance(part, t.Output):
                self.of(part.expression, names).formatted(self.flow, self.state, self.at)
            elif isinstance(part, t.Assignment):
                value = UNKNOWN if part.value is None else self.of(part.value, names)
                self.bind(part.target, value, names)
            elif isinstance(part, t.Loop):
                self.loop(part, names)
            elif isinstance(part, t.Choice):
                self.choose(part, names)
            elif isinstance(part, t.Named):
                self.block(part.name, 0, names)
            elif isinstance(part, t.Group):
                self.run(part.body, dict(names) if part.has_names else names)
            elif isinstance(part, t.Macro):
                names[part.name] = self.macro(part, names)
            elif isinstance(part, t.Calling):
                self.of(part.call, names, caller=self.macro(t.Macro("caller", {}, part.body), names))
            elif isinstance(part, t.Importing):
                self.bring(part, names)
            elif isinstance(part, t.Inclusion):
                found = self.named(part.name, names)
                if found is not None:
                    self.other(found, dict(names if part.has_context else {}))

    # --- templates in templates ------------------------------------------------------------------

    def named(self, name: ast.expr, names: Names) -> t.Block | None:
        """Another template; of several names, the first that leads to one."""
        for one in name.elts if isinstance(name, (ast.List, ast.Tuple)) else (name,):
            value = self.of(one, names)
            if not isinstance(value, Constant) or not isinstance(value.value, str):
                return None
            found = self.find(value.value)
            if found is not None:
                return found
        return None

    def other(self, template: t.Block, names: Names) -> Names:
        """Render it with blocks of its own; what it has set."""
        blocks, self.blocks = self.blocks, {}
        with self.deeper() as is_enough:
            if not is_enough:
                self.page(template, names)
        self.blocks = blocks
        return names

    def bring(self, part: t.Importing, names: Names) -> None:
        found = self.named(part.name, names)
        brought = {} if found is None else self.other(found, dict(names) if part.has_context else {})
        if part.alias:
            names[part.alias] = Imported(brought) if found is not None else UNKNOWN
        for own, theirs in part.names.items():
            names[own] = brought.get(theirs, UNKNOWN)

    def block(self, name: str, number: int, names: Names) -> None:
        found = self.blocks.get(name, ())
        if number < len(found):
            above = Called(lambda given: self.block(name, number + 1, names))
            self.inside(found[number], {**names, "super": above})

    def macro(self, part: t.Macro, names: Names) -> Value:
        def act(given: Arguments) -> None:
            own = dict(names)
            for position, (name, default) in enumerate(part.parameters.items()):
                value = given.get(position, name)
                if value is None:
                    value = UNKNOWN if default is None else self.of(default, names)
                own[name] = value
            own["caller"] = given.keywords.get("caller", UNKNOWN)
            self.inside(part.body, own)

        return Called(act)

    def inside(self, body: t.Block, names: Names) -> None:
        where = self.reading.where
        with self.deeper() as is_enough:
            if not is_enough:
                self.run(body, names)
        self.reading.where = where

    @contextmanager
    def deeper(self) -> Iterator[bool]:
        self.flow.step(self.state)
        self.depth += 1
        try:
            yield self.depth > DEEPEST
        finally:
            self.depth -= 1

    # --- loops and conditions --------------------------------------------------------------------

    def loop(self, part: t.Loop, names: Names) -> None:
        for element in elements(self.flow, self.state, self.of(part.iterable, names), self.at):
            self.flow.step(self.state)
            inner = {**names, "loop": UNKNOWN}
            self.bind(part.target, element, inner)
            self.reading.where = part.where
            truth = True if part.test is None else self.of(part.test, inner).truth(self.state)
            if truth is not False:
                with self.flow.hedged(truth is None):
                    self.run(part.body, inner)

    def choose(self, choice: t.Choice, names: Names) -> None:
        unsure = len(choice.arms) == 1 and choice.arms[0][1] is None
        ends: list[Names] = []
        truth: bool | None = None
        for where, test, body in choice.arms:
            self.reading.where = where
            with self.flow.hedged(unsure):
                truth = True if test is None else self.of(test, names).truth(self.state)
            if truth is not False:
                ends.append(dict(names))
                with self.flow.hedged(unsure or truth is None):
                    self.run(body, ends[-1])
            if truth:
                break
            unsure = unsure or truth is None
        if not truth:
            ends.append(dict(names))
        for name in dict.fromkeys(name for end in ends for name in end):
            found = [end.get(name, UNKNOWN) for end in ends]
            names[name] = found[0] if all(one is found[0] for one in found) else union(tuple(found))

    def bind(self, target: ast.expr, value: Value, names: Names) -> None:
        if isinstance(target, ast.Name):
            names[target.id] = value
        elif isinstance(target, ast.Tuple):
            parts = value.iterate(self.flow, self.state, self.at, False).items or ()
            for position, one in enumerate(target.elts):
                self.bind(one, parts[position] if position < len(parts) else UNKNOWN, names)

    # --- expressions -----------------------------------------------------------------------------

    def of(self, node: ast.expr, names: Names, caller: Value | None = None) -> Value:
        flow, state, at = self.flow, self.state, self.at

        def of(inner: ast.expr) -> Value:
            return self.of(inner, names)

        if isinstance(node, ast.Name):
            return names[node.id] if node.id in names else _LITERALS.get(node.id, UNKNOWN)
        if isinstance(node, ast.Constant):
            literal = node.value
            return Constant(literal) if isinstance(literal, (str, int, float, type(None))) else UNKNOWN
        if isinstance(node, ast.Attribute):
            return self.attribute(of(node.value), node.attr)
        if isinstance(node, ast.Subscript):
            value, key = of(node.value), of(node.slice)
            found = value.item(flow, state, key, at)
            if found is UNKNOWN and isinstance(key, Constant) and isinstance(key.value, str):
                return self.attribute(value, key.value)
            return found
        if isinstance(node, ast.BinOp):
            left = of(node.left)
            if isinstance(node.op, ast.BitOr):
                return filtered(flow, state, left, node.right, of, at)
            of(node.right)
            return UNKNOWN
        if isinstance(node, ast.UnaryOp):
            truth = of(node.operand).truth(state)
            return Constant(not truth) if isinstance(node.op, ast.Not) and truth is not None else UNKNOWN
        if isinstance(node, ast.BoolOp):
            return self.boolean(node, names)
        if isinstance(node, ast.IfExp):
            truth = of(node.test).truth(state)
            with flow.hedged(truth is None):
                kept = [
                    one for one, holds in ((node.body, True), (node.orelse, False)) if truth in (None, holds)
                ]
                return union(tuple(of(one) for one in kept))
        if isinstance(node, ast.Compare):
            return self.comparison(node, names)
        if isinstance(node, ast.Call):
            function = of(node.func)
            words = {word.arg: of(word.value) for word in node.keywords if word.arg}
            if caller is not None:
                words["caller"] = caller
            given = Arguments(tuple(of(one) for one in node.args), words)
            return UNKNOWN if function is UNKNOWN else function.call(flow, state, given, at)
        if isinstance(node, (ast.List, ast.Tuple)):
            return TupleValue(tuple(of(one) for one in node.elts))
        return UNKNOWN

    def attribute(self, value: Value, name: str) -> Value:
        """Of what nobody knows or is not there nothing is read; of a dict it may be an item."""
        known = tuple(one for one in alternatives(value) if one != NONE)
        if not known:
            return UNKNOWN
        if len(known) > 1:
            return union(known).attribute(self.flow, self.state, name, self.at)
        record = self.state.record(known[0].oid) if isinstance(known[0], Reference) else None
        if isinstance(record, DictRecord) and name in record.entries:
            return record.entries[name]
        return known[0].attribute(self.flow, self.state, name, self.at)

    def comparison(self, node: ast.Compare, names: Names) -> Value:
        left = self.of(node.left, names)
        operator, right = node.ops[0], node.comparators[0]
        if isinstance(operator, (ast.Is, ast.IsNot)):  # a test, by its name
            name = right.id if isinstance(right, ast.Name) else ""
            holds: bool | None = None
            if name in ("none", "None"):
                holds = True if left == NONE else False if left.is_something(self.state) else None
            elif name == "defined" and isinstance(node.left, ast.Name) and node.left.id in names:
                holds = True if left is not UNKNOWN else None
            return UNKNOWN if holds is None else Constant(holds is isinstance(operator, ast.Is))
        others = [self.of(one, names) for one in node.comparators]
        if len(others) == 1 and isinstance(left, Constant) and isinstance(others[0], Constant):
            if isinstance(operator, (ast.Eq, ast.NotEq)):
                return Constant((left.value == others[0].value) is isinstance(operator, ast.Eq))
        return UNKNOWN

    def boolean(self, node: ast.BoolOp, names: Names) -> Value:
        decides = isinstance(node.op, ast.Or)
        found: list[Value] = []
        for one in node.values:
            with self.flow.hedged(bool(found)):
                value = self.of(one, names)
            truth = value.truth(self.state)
            if truth is decides:
                return union((*found, value))
            found.append(value)
        return union(tuple(found))


def _named(block: t.Block) -> Iterator[t.Named]:
    """All blocks of a template, those inside of others too."""
    for part in block.parts:
        if isinstance(part, t.Named):
            yield part
        if isinstance(part, t.Choice):
            for _, _, body in part.arms:
                yield from _named(body)
        elif isinstance(part, (t.Named, t.Loop, t.Group, t.Calling)):
            yield from _named(part.body)
