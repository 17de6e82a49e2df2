"""A file being fixed: its text, LibCST's tree of it, and where the nodes stand."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
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

    def __init__(self, tree: cst.Module) -> None:
        super().__init__(tree.default_indent, tree.default_newline)
        self.at = 0
        self.extents: dict[cst.CSTNode, tuple[int, int]] = {}
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self.open: list[tuple[cst.CSTNode, int]] = []
        self.order: list[cst.CSTNode] = []  # as they are written, each before what it holds
        self.inside: dict[
            cst.CSTNode, tuple[int, int]
        ] = {}  # where in `order` a node and what it holds stand

    def add_token(self, value: str) -> None:
        self.at += len(value)

    def add_indent_tokens(self) -> None:
        self.at += sum(map(len, self.indent_tokens))

    def pop_trailing_newline(self) -> None:
        pass

    def before_codegen(self, node: cst.CSTNode) -> None:
        if self.open:
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


class Tree:
    """Places are offsets in characters; expressions stand without their parentheses."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.module = cst.parse_module(text)

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
    def _places(self) -> _Places:
        places = _Places(self.module)
        self.module._codegen(places)
        return places

    @cached_property
    def _by_extent(self) -> dict[tuple[int, int], list[cst.CSTNode]]:
        found: dict[tuple[int, int], list[cst.CSTNode]] = {}
        for node, extent in self._places.extents.items():
            found.setdefault(extent, []).append(node)
        return found

    def extent(self, node: cst.CSTNode) -> tuple[int, int]:
        return self._places.extents[node]

    def start(self, node: cst.CSTNode) -> int:
        return self._places.extents[node][0]

    def end(self, node: cst.CSTNode) -> int:
        return self._places.extents[node][1]

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
        for node in self._by_extent.get((start, end), ()):
            if isinstance(node, kind):
                return node
        raise Refused(f"no {kind.__name__} stands there")

    # --- relatives -------------------------------------------------------------------------------

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self._places.parents.get(node)

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
        first, last = self._places.inside[root]
        for node in self._places.order[first:last]:
            if isinstance(node, kind):
                yield node

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine | cst.BaseCompoundStatement:
        found = node
        for one in (node, *self.ancestors(node)):
            if isinstance(one, (cst.SimpleStatementLine, cst.BaseCompoundStatement)):
                return one
            found = one
        raise Refused(f"{type(found).__name__} stands in no statement of its own")

    def everything(self) -> Iterator[cst.CSTNode]:
        return self.nodes(self.module, cst.CSTNode)  # type: ignore[type-abstract]  # any kind will do

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
