"""Programs as trees of lines, from which any line can be taken out again together with what depends on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from generated.loading.schemas import Rows


@dataclass(eq=False)
class Node:
    """A line, with what is indented below it. `follow` are its `else` and `except` clauses."""

    text: str
    uses: frozenset[str] = frozenset()
    defines: str | None = None
    body: list[Node] | None = None
    follow: list[Node] = field(default_factory=list)
    needs: Node | None = None  # has no meaning without that line
    is_derived: bool = False  # reads what a relationship led to, rather than what a query named
    is_to_one: bool = False  # reads a many-to-one: where that leads to nothing, there is nothing to load

    def walk(self) -> Iterable[Node]:
        yield self
        for node in [*(self.body or ()), *self.follow]:
            yield from node.walk()


@dataclass
class Rendered:
    text: str
    nodes: dict[int, Node]  # by line


@dataclass
class Program:
    models: str
    head: str
    nodes: list[Node]
    flags: int
    worlds: range  # that every program is run in
    rows: Callable[[int], Rows]

    def render(self, without: Iterable[Node] = ()) -> Rendered:
        out = _Output(set(without))
        out.lines = self.head.splitlines()
        out.write(self.nodes, 0)
        return Rendered("\n".join(out.lines) + "\n", out.nodes)

    def walk(self) -> list[Node]:
        return [one for node in self.nodes for one in node.walk()]


class _Output:
    def __init__(self, without: set[Node]) -> None:
        self.without = without
        self.missing: set[str] = set()
        self.lines: list[str] = []
        self.nodes: dict[int, Node] = {}

    def write(self, nodes: list[Node], depth: int) -> bool:
        some = False
        for node in nodes:
            if node in self.without or node.needs in self.without or node.uses & self.missing:
                if node.defines is not None:
                    self.missing.add(node.defines)
                continue
            some = True
            self.lines.append("    " * depth + node.text)
            self.nodes[len(self.lines)] = node
            if node.body is not None and not self.write(node.body, depth + 1):
                self.lines.append("    " * (depth + 1) + "pass")
            if depth == 0:
                self.lines.append("")
            self.write(node.follow, depth)
        return some
