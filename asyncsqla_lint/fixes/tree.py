"""A file being fixed: its text, LibCST's tree of it, and where the nodes stand."""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TypeVar, Union

import libcst as cst
from libcst._nodes.internal import CodegenState

from asyncsqla_lint.findings import Location
from asyncsqla_lint.stretches import LINE_END, Stretch, line_starts, stretches

N = TypeVar("N", bound=cst.CSTNode)
FunctionNode = Union[cst.FunctionDef, cst.Lambda]
# The first line of a block, below a header that is not indented.
FIRST_STEP = re.compile(r"(?<![^\r\n])[^\s#][^\r\n]*:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r)([ \t]+)(?=[^\s#])")


class Refused(Exception):
    """A repair that cannot be made here; the message says why, in one line."""


class _Places(CodegenState):
    """Counts characters where LibCST's `PositionProvider` makes rows and columns: a tenth of its cost."""

    def __init__(self, part: cst.Module, module: cst.Module, base: int) -> None:
        super().__init__(part.default_indent, part.default_newline)
        self.body = part.body
        self.at = base
        self.extents: dict[cst.CSTNode, tuple[int, int]] = {}
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self.open: list[tuple[cst.CSTNode, int]] = [(module, 0)]
        self.order: list[cst.CSTNode] = []  # as they are written, each before what it holds
        self.inside: dict[cst.CSTNode, tuple[int, int]] = {}  # where in `order` it and what it holds stand
        for one in (*part.header, *part.body):
            one._codegen(self)

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

    What stands in the module is parsed stretch by stretch, when somebody asks for it: a fix mostly concerns
    one function of many. `module` holds no statements: it is what stands around them all.
    """

    def __init__(self, text: str, *, whole: bool = False) -> None:
        self.text = text
        self.stretches = [Stretch(0, len(text), False)] if whole else stretches(text)
        self.module = cst.Module((), default_newline=_newline(text))
        self._starts = [one.start for one in self.stretches]
        self._walked: dict[int, _Places] = {}  # by the stretch's number
        self._homes: dict[cst.CSTNode, _Places] = {}
        self._by_extent: dict[tuple[int, int], list[cst.CSTNode]] = {}

    # --- statements ------------------------------------------------------------------------------

    def statements_in(self, number: int) -> Sequence[Statement]:
        return self._walk(number).body

    @property
    def body(self) -> list[Statement]:
        """The module's statements, which all have to be parsed for this."""
        return [one for number in range(len(self.stretches)) for one in self.statements_in(number)]

    def number(self, offset: int) -> int:
        """The stretch that the place lies in."""
        return max(bisect_right(self._starts, offset) - 1, 0)

    def _walk(self, number: int) -> _Places:
        known = self._walked.get(number)
        if known is None:
            stretch = self.stretches[number]
            part = cst.parse_module(self.text[stretch.start : stretch.end])
            known = self._walked[number] = _Places(part, self.module, stretch.start)
            self._homes.update(dict.fromkeys(known.order, known))
            for node, extent in known.extents.items():
                self._by_extent.setdefault(extent, []).append(node)
        return known

    def _home(self, node: cst.CSTNode) -> _Places:
        return self._homes[node]

    # --- places ----------------------------------------------------------------------------------

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        return line_starts(self.text)

    def offset(self, location: Location) -> int:
        if location.row > len(self.line_starts):
            raise Refused("the place is past the end of the file")
        return self.line_starts[location.row - 1] + location.column - 1

    def location(self, offset: int) -> Location:
        row = bisect_right(self.line_starts, offset)
        return Location(row, offset - self.line_starts[row - 1] + 1)

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
        self._walk(self.number(start))
        for node in self._by_extent.get((start, end), ()):
            if isinstance(node, kind):
                return node
        raise Refused(f"no {kind.__name__} stands there")

    def within(self, start: int, end: int, kind: type[N]) -> Iterator[N]:
        """The nodes of that kind in the module's statements that these places lie in."""
        for number in range(self.number(start), self.number(end) + 1):
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
        for number in sorted({self.number(one.start()) for one in re.finditer(bound, self.text)}):
            yield from self._walk(number).order

    # --- text ------------------------------------------------------------------------------------

    def code(self, node: cst.CSTNode) -> str:
        start, end = self.extent(node)
        return self.text[start:end]

    @property
    def newline(self) -> str:
        return self.module.default_newline

    @cached_property
    def indent(self) -> str:
        """One step in, as most of the file's blocks have it."""
        steps = Counter(one[1] for one in FIRST_STEP.finditer(self.text))
        return steps.most_common(1)[0][0] if steps else self.module.default_indent

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


def _newline(text: str) -> str:
    """The first one, as LibCST has it."""
    found = LINE_END.search(text)
    return "\n" if found is None else found[0]


def is_compiled(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<fixed>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
