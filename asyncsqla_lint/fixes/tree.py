"""A file being fixed: its text, LibCST's tree of it, and where the nodes stand."""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TypeVar, Union

import libcst as cst
from libcst._nodes.internal import CodegenState

from asyncsqla_lint.findings import Location

N = TypeVar("N", bound=cst.CSTNode)
FunctionNode = Union[cst.FunctionDef, cst.Lambda]
# As `str.splitlines` does not, and Python's tokenizer does.
LINE_END = re.compile(r"\r\n|\n|\r")


class Refused(Exception):
    """A repair that cannot be made here; the message says why, in one line."""


class _Places(CodegenState):
    """Counts characters where LibCST's `PositionProvider` makes rows and columns: a tenth of its cost."""

    def __init__(self, tree: cst.Module, base: int) -> None:
        super().__init__(tree.default_indent, tree.default_newline)
        self.at = base
        self.extents: dict[cst.CSTNode, tuple[int, int]] = {}
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self.open: list[tuple[cst.CSTNode, int]] = [(tree, 0)]
        self.order: list[cst.CSTNode] = []  # as they are written, each before what it holds
        self.inside: dict[cst.CSTNode, tuple[int, int]] = {}  # where in `order` it and what it holds stand

    def add_token(self, value: str) -> None:
        self.at += len(value)

    def add_indent_tokens(self) -> None:
        self.at += sum(map(len, self.indent_tokens))

    def pop_trailing_newline(self) -> None:
        pass

    def before_codegen(self, node: cst.CSTNode) -> None:
        self.parents[node] = self.open[-1][0]
        self.open.append((node, self.at))
        self.inside[node] = (len(self.order), 0)
        self.order.append(node)

    def after_codegen(self, node: cst.CSTNode) -> None:
        _, start = self.open.pop()
        self.extents.setdefault(node, (start, self.at))
        self.inside[node] = (self.inside[node][0], len(self.order))

    @contextmanager
    def record_syntactic_position(
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> Iterator[None]:
        start = self.at
        yield
        end = self.at
        if start_node is not None and start_node in self.extents:
            start = self.extents[start_node][0]
        if end_node is not None and end_node in self.extents:
            end = self.extents[end_node][1]
        self.extents[node] = (start, end)


Statement = Union[cst.SimpleStatementLine, cst.BaseCompoundStatement]


class Tree:
    """Places are offsets in characters; expressions stand without their parentheses.

    A module's statements are walked one by one, when somebody asks for what stands in them: a fix mostly
    concerns one function of many.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.module = cst.parse_module(text)
        self._walked: dict[int, _Places] = {}  # by the statement's number
        self._homes: dict[cst.CSTNode, _Places] = {}
        self._by_extent: dict[tuple[int, int], list[cst.CSTNode]] = {}

    # --- places ----------------------------------------------------------------------------------

    @cached_property
    def line_starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE_END.finditer(self.text))]

    def offset(self, location: Location) -> int:
        if location.row > len(self.line_starts):
            raise Refused("the place is past the end of the file")
        return self.line_starts[location.row - 1] + location.column - 1

    def location(self, offset: int) -> Location:
        row = bisect_right(self.line_starts, offset)
        return Location(row, offset - self.line_starts[row - 1] + 1)

    @cached_property
    def _begins(self) -> list[int]:
        """Where what LibCST counts to each statement of the module begins: comments before it, decorators."""
        known = _beginnings(self.text, self.module.body, self.line_starts)
        return self._written() if known is None else known

    def _written(self) -> list[int]:
        """The same, found by writing all of it."""
        found: list[int] = []
        places = _Places(self.module, 0)
        for part in self.module.header:
            part._codegen(places)
        for statement in self.module.body:
            found.append(places.at)
            statement._codegen(places)
        return found

    def _walk(self, number: int) -> _Places:
        known = self._walked.get(number)
        if known is None:
            known = _Places(self.module, self._begins[number])
            self.module.body[number]._codegen(known)
            if number + 1 < len(self._begins) and known.at != self._begins[number + 1]:
                self._begins = self._written()
                return self._walk(number)
            self._walked[number] = known
            self._homes.update(dict.fromkeys(known.order, known))
            for node, extent in known.extents.items():
                self._by_extent.setdefault(extent, []).append(node)
        return known

    @cached_property
    def _numbers(self) -> dict[cst.CSTNode, int]:
        """Of the module's statements, and of the parts of simple ones."""
        found: dict[cst.CSTNode, int] = {}
        for number, statement in enumerate(self.module.body):
            found[statement] = number
            if isinstance(statement, cst.SimpleStatementLine):
                found.update(dict.fromkeys(statement.body, number))
        return found

    def _home(self, node: cst.CSTNode) -> _Places:
        home = self._homes.get(node)
        if home is None and node in self._numbers:
            home = self._walk(self._numbers[node])
        if home is None:
            for number in range(len(self.module.body)):
                self._walk(number)
            home = self._homes[node]
        return home

    def extent(self, node: cst.CSTNode) -> tuple[int, int]:
        return self._home(node).extents[node]

    def start(self, node: cst.CSTNode) -> int:
        return self.extent(node)[0]

    def end(self, node: cst.CSTNode) -> int:
        return self.extent(node)[1]

    def outer(self, node: cst.BaseExpression) -> tuple[int, int]:
        """With its parentheses."""
        start, end = self.extent(node)
        if node.lpar:
            start = min(start, self.start(node.lpar[0]))
        if node.rpar:
            end = max(end, self.end(node.rpar[-1]))
        return start, end

    def at(self, start: int, end: int, kind: type[N]) -> N:
        """The node of that kind which stands exactly there."""
        number = bisect_right(self._begins, start) - 1
        if number >= 0:
            self._walk(number)
        for node in self._by_extent.get((start, end), ()):
            if isinstance(node, kind):
                return node
        raise Refused(f"no {kind.__name__} stands there")

    def within(self, start: int, end: int, kind: type[N]) -> Iterator[N]:
        """The nodes of that kind in the module's statements that these places lie in."""
        first = max(bisect_right(self._begins, start) - 1, 0)
        for number in range(first, bisect_right(self._begins, end)):
            yield from (node for node in self._walk(number).order if isinstance(node, kind))

    # --- relatives -------------------------------------------------------------------------------

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return None if node is self.module else self._home(node).parents[node]

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        parent = self.parent(node)
        while parent is not None:
            yield parent
            parent = self.parent(parent)

    def around(self, node: cst.CSTNode, kind: type[N]) -> N | None:
        """The nearest node of that kind that holds this one."""
        return next((one for one in self.ancestors(node) if isinstance(one, kind)), None)

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | cst.Lambda | None:
        """The function whose body holds the node (decorators and defaults belong to the one outside)."""
        below: cst.CSTNode = node
        for one in self.ancestors(node):
            if isinstance(one, (cst.FunctionDef, cst.Lambda)) and below is one.body:
                return one
            below = one
        return None

    def nodes(self, root: cst.CSTNode, kind: type[N]) -> Iterator[N]:
        """All nodes of that kind at and below `root`, in source order."""
        if root is self.module:
            yield from self.within(0, len(self.text), kind)
            return
        home = self._home(root)
        first, last = home.inside[root]
        for node in home.order[first:last]:
            if isinstance(node, kind):
                yield node

    def statement(self, node: cst.CSTNode) -> Statement:
        found = node
        for one in (node, *self.ancestors(node)):
            if isinstance(one, (cst.SimpleStatementLine, cst.BaseCompoundStatement)):
                return one
            found = one
        raise Refused(f"{type(found).__name__} stands in no statement of its own")

    def everything(self) -> Iterator[cst.CSTNode]:
        return self.nodes(self.module, cst.CSTNode)  # type: ignore[type-abstract]  # any kind will do

    def around_bindings(self, name: str) -> Iterator[cst.CSTNode]:
        """Everything in those of the module's statements that may bind the name: it is neither called there,
        nor an attribute, nor has any.
        """
        bound = rf"\b(?:def|class)\s+{name}\b|(?<![.\w]){name}\b(?!\s*[.(])"
        found = {bisect_right(self._begins, one.start()) - 1 for one in re.finditer(bound, self.text)}
        for number in sorted(found):
            if number >= 0:
                yield from self._walk(number).order

    # --- text ------------------------------------------------------------------------------------

    def code(self, node: cst.CSTNode) -> str:
        start, end = self.extent(node)
        return self.text[start:end]

    @property
    def newline(self) -> str:
        return self.module.default_newline

    @property
    def indent(self) -> str:
        return self.module.default_indent

    def line_start(self, offset: int) -> int:
        return self.line_starts[bisect_right(self.line_starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Where the line's text ends, its line ending not included."""
        match = LINE_END.search(self.text, offset)
        return len(self.text) if match is None else match.start()

    def indentation(self, offset: int) -> str:
        """The blanks that the line of this offset begins with."""
        start = self.line_start(offset)
        line = self.text[start : self.line_end(start)]
        return line[: len(line) - len(line.lstrip(" \t"))]

    @cached_property
    def line_length(self) -> int:
        """As long as lines are let grow here: what the longest line of code shows, between 88 and 120."""
        lines = (line.split("  #")[0].rstrip() for line in LINE_END.split(self.text))
        longest = max((len(line) for line in lines if not line.lstrip().startswith("#")), default=0)
        return min(max(longest, 88), 120)


def _beginnings(text: str, body: Sequence[Statement], line_starts: list[int]) -> list[int] | None:
    """Where each statement and its leading lines begin, from the rows that Python's own parser gives."""
    parsed = parsed_by_python(text)
    if parsed is None:
        return None
    found: list[int] = []
    rest = iter(parsed.body)
    for statement in body:
        first = next(rest, None)
        if first is None:
            return None
        row = min(one.lineno for one in (first, *getattr(first, "decorator_list", ())))
        if isinstance(statement, cst.SimpleStatementLine):
            for _ in statement.body[1:]:
                next(rest, None)
            leading = len(statement.leading_lines)
        elif type(statement).__name__ != type(first).__name__.replace("Async", ""):
            return None
        else:
            leading = len(statement.leading_lines)
        row -= leading
        if row < 1:
            return None
        found.append(line_starts[row - 1])
    return found if next(rest, None) is None else None


def parsed_by_python(text: str) -> ast.Module | None:
    """Ten times as fast as LibCST; None for what this Python does not take, if only for being too old."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_compiled(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<fixed>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
