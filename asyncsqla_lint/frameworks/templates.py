"""Jinja's language, as far as it decides what is read: expressions, loops, conditions, assignments.

Its expressions are near enough to Python's that Python's own parser reads them; what that cannot parse is
taken to read nothing.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.values import NONE, UNKNOWN, Arguments, Constant, Value, union
from asyncsqla_lint.program import Span

if TYPE_CHECKING:
    from asyncsqla_lint.flow.interpreter import Flow
    from asyncsqla_lint.flow.state import State

Names = dict[str, Value]


class Block(Struct):
    """What stands between two tags: expressions to read, and tags with blocks of their own."""

    parts: list[Output | Loop | Choice | Assignment] = []


class Output(Struct):
    expression: ast.expr


class Assignment(Struct):
    name: str
    expression: ast.expr


class Loop(Struct):
    target: ast.expr
    iterable: ast.expr
    body: Block


class Choice(Struct):
    """`if`: each test with its block; the last test may be None."""

    arms: list[tuple[ast.expr | None, Block]]


# --- parsing -------------------------------------------------------------------------------------

_TAGS = re.compile(r"\{#.*?#\}|\{\{-?\+?(?P<out>.*?)-?\+?\}\}|\{%-?\+?\s*(?P<tag>.*?)\s*-?\+?%\}", re.DOTALL)
_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}", re.DOTALL)
_FOR = re.compile(r"for\s+(?P<target>.+?)\s+in\s+(?P<iterable>.+)", re.DOTALL)
_SET = re.compile(r"set\s+(?P<name>\w+)\s*=(?P<value>.+)", re.DOTALL)
_FILTER_OF_LOOP = re.compile(r"\s+(?:if\s.*|recursive\s*)$", re.DOTALL)
_UNSEEN = ("macro", "call")  # their bodies run elsewhere, or with names of their own


def parse(source: str) -> Block:
    tags: list[tuple[str, str]] = []
    for found in _TAGS.finditer(_RAW.sub("", source)):
        if found["out"] is not None:
            tags.append(("", found["out"]))
        elif found["tag"]:
            tags.append((found["tag"].split(None, 1)[0], found["tag"]))
    tags.reverse()
    return _block(tags, ())[0]


def _block(tags: list[tuple[str, str]], ends: tuple[str, ...]) -> tuple[Block, str]:
    """The block up to one of `ends`, and the tag that ended it."""
    block = Block([])
    while tags:
        word, text = tags.pop()
        if word in ends:
            return block, text
        if word == "":
            _add(block, _expression(text))
        elif word == "for" and (found := _FOR.fullmatch(text)):
            iterable = _expression(_FILTER_OF_LOOP.sub("", found["iterable"]))
            target = _expression(found["target"])
            body, end = _block(tags, ("else", "endfor"))
            if iterable is not None and target is not None:
                block.parts.append(Loop(target, iterable, body))
            if end.startswith("else"):
                block.parts.append(Choice([(None, _block(tags, ("endfor",))[0])]))
        elif word == "if":
            block.parts.append(_choice(tags, text))
        elif word == "set" and (found := _SET.fullmatch(text)):
            value = _expression(found["value"])
            if value is not None:
                block.parts.append(Assignment(found["name"], value))
        elif word in _UNSEEN:
            _block(tags, (f"end{word}",))
    return block, ""


def _choice(tags: list[tuple[str, str]], text: str) -> Choice:
    choice = Choice([])
    while text.startswith(("if", "elif", "else")):
        test = None if text.startswith("else") else _expression(text.split(None, 1)[-1])
        unknown = test is None and not text.startswith("else")
        body, text = _block(tags, ("elif", "else", "endif"))
        choice.arms.append((ast.Name("<unknown>") if unknown else test, body))
    return choice


def _add(block: Block, expression: ast.expr | None) -> None:
    if expression is not None:
        block.parts.append(Output(expression))


def _expression(text: str) -> ast.expr | None:
    text = " ".join(text.split()).replace("~", "+")
    for attempt in (text, f"{text} else ''"):  # `a if b` may go without its else
        try:
            return ast.parse(f"({attempt})", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


# --- running -------------------------------------------------------------------------------------


def run(flow: Flow, state: State, block: Block, names: Names, at: Span) -> None:
    for part in block.parts:
        flow.step(state)
        if isinstance(part, Output):
            evaluate(flow, state, part.expression, names, at).formatted(flow, state, at)
        elif isinstance(part, Assignment):
            names[part.name] = evaluate(flow, state, part.expression, names, at)
        elif isinstance(part, Loop):
            elements = _elements(flow, state, evaluate(flow, state, part.iterable, names, at), at)
            for element in elements:
                inner = dict(names)
                _bind(flow, state, part.target, element, inner, at)
                run(flow, state, part.body, inner, at)
        else:
            _choose(flow, state, part, names, at)


def _choose(flow: Flow, state: State, choice: Choice, names: Names, at: Span) -> None:
    unsure = len(choice.arms) == 1 and choice.arms[0][0] is None
    for test, body in choice.arms:
        with flow.hedged(unsure):
            truth = True if test is None else evaluate(flow, state, test, names, at).truth(state)
        if truth is not False:
            with flow.hedged(unsure or truth is None):
                run(flow, state, body, dict(names), at)
        if truth:
            return
        unsure = unsure or truth is None


def _elements(flow: Flow, state: State, value: Value, at: Span) -> tuple[Value, ...]:
    iteration = value.iterate(flow, state, at, False)
    if iteration.items is not None:
        return iteration.items
    return () if iteration.element is None else (iteration.element,)


def _bind(flow: Flow, state: State, target: ast.expr, value: Value, names: Names, at: Span) -> None:
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Tuple):
        parts = value.iterate(flow, state, at, False).items or ()
        for position, one in enumerate(target.elts):
            _bind(flow, state, one, parts[position] if position < len(parts) else UNKNOWN, names, at)


def evaluate(flow: Flow, state: State, node: ast.expr, names: Names, at: Span) -> Value:
    def of(inner: ast.expr) -> Value:
        return evaluate(flow, state, inner, names, at)

    if isinstance(node, ast.Name):
        return names.get(node.id, UNKNOWN)
    if isinstance(node, ast.Constant):
        return (
            Constant(node.value) if isinstance(node.value, (str, int, float, bool, type(None))) else UNKNOWN
        )
    if isinstance(node, ast.Attribute):
        return of(node.value).attribute(flow, state, node.attr, at)
    if isinstance(node, ast.Subscript):
        return of(node.value).item(flow, state, of(node.slice), at)
    if isinstance(node, ast.BinOp):
        left = of(node.left)
        if isinstance(node.op, ast.BitOr):
            return _filtered(flow, state, left, node.right, names, at)
        of(node.right)
        return UNKNOWN
    if isinstance(node, ast.UnaryOp):
        truth = of(node.operand).truth(state)
        return Constant(not truth) if isinstance(node.op, ast.Not) and truth is not None else UNKNOWN
    if isinstance(node, ast.BoolOp):
        return _boolean(flow, state, node, names, at)
    if isinstance(node, ast.IfExp):
        truth = of(node.test).truth(state)
        with flow.hedged(truth is None):
            kept = [one for one, holds in ((node.body, True), (node.orelse, False)) if truth in (None, holds)]
            return union(tuple(of(one) for one in kept))
    if isinstance(node, ast.Compare):
        of(node.left)
        if not isinstance(node.ops[0], (ast.Is, ast.IsNot)):  # `is defined`: a test by name
            for one in node.comparators:
                of(one)
        return UNKNOWN
    if isinstance(node, ast.Call):
        function = of(node.func)
        given = Arguments(
            tuple(of(one) for one in node.args),
            {word.arg: of(word.value) for word in node.keywords if word.arg},
        )
        return UNKNOWN if function is UNKNOWN else function.call(flow, state, given, at)
    if isinstance(node, (ast.List, ast.Tuple)):
        for one in node.elts:
            of(one).formatted(flow, state, at)
    return UNKNOWN


def _boolean(flow: Flow, state: State, node: ast.BoolOp, names: Names, at: Span) -> Value:
    decides = isinstance(node.op, ast.Or)
    found: list[Value] = []
    for one in node.values:
        with flow.hedged(bool(found)):
            value = evaluate(flow, state, one, names, at)
        truth = value.truth(state)
        if truth is decides:
            return union((*found, value))
        found.append(value)
    return union(tuple(found))


_SAME = frozenset("list sort reverse unique select reject batch slice default d safe escape e".split())
_ONE = frozenset("first last random min max".split())
_BY_NAME = frozenset("map sort sum join unique min max".split())  # `attribute="author.name"`
_TESTED = frozenset("selectattr rejectattr groupby".split())  # the attribute comes first


def _filtered(flow: Flow, state: State, value: Value, node: ast.expr, names: Names, at: Span) -> Value:
    call = node if isinstance(node, ast.Call) else None
    function = node if call is None else call.func
    name = function.id if isinstance(function, ast.Name) else ""
    wanted: ast.expr | None = None
    if call is not None:
        if name in _TESTED or (name in ("sum", "join") and len(call.args) > (name == "join")):
            wanted = call.args[-1 if name == "join" else 0] if call.args else None
        if name in _BY_NAME:
            wanted = next((word.value for word in call.keywords if word.arg == "attribute"), wanted)
    if name in ("default", "d") and call is not None and call.args:
        return union((value, evaluate(flow, state, call.args[0], names, at)))
    if name in ("string", "upper", "lower", "title", "capitalize", "trim", "tojson"):
        value.formatted(flow, state, at)
        return UNKNOWN
    elements = _elements(flow, state, value, at) if name in _ONE | _BY_NAME | _TESTED | _COUNTS else ()
    read: list[Value] = []
    if isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):
        for one in elements:
            for step in wanted.value.split("."):
                one = one.attribute(flow, state, step, at)
            read.append(one)
    if name == "map":
        return _many(flow, state, read)
    if name in _ONE:
        return union((*elements, NONE)) if elements else UNKNOWN
    if name == "join" and not read:
        for one in elements:
            one.formatted(flow, state, at)
    if name in _SAME or name in ("selectattr", "rejectattr"):
        return value
    return UNKNOWN


_COUNTS = frozenset({"length", "count"})


def _many(flow: Flow, state: State, values: list[Value]) -> Value:
    from asyncsqla_lint.flow.containers import ListRecord

    return flow.allocate(state, ListRecord(None, union(tuple(values)) if values else None))
