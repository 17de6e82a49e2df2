"""Statements that move into a block: a header before them, and all of their lines one step in."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.fixes.edits import Edit, insertion
from asyncsqla_lint.fixes.statements import statement_after
from asyncsqla_lint.fixes.tree import Refused, Tree
from asyncsqla_lint.stretches import LINE_END


def siblings(tree: Tree, statement: cst.CSTNode) -> list[cst.BaseStatement]:
    """What follows the statement in its block."""
    block = tree.parent(statement)
    if not isinstance(block, (cst.IndentedBlock, cst.Module)):
        raise Refused("it stands in no block of its own")
    body: list[cst.BaseStatement] = list(tree.body if isinstance(block, cst.Module) else block.body)
    return body[body.index(statement) + 1 :]  # type: ignore[arg-type]  # a statement of this very block


def nested(
    tree: Tree, statements: Sequence[cst.BaseStatement], header: str, footer: str = "", *inner: str
) -> list[Edit]:
    """`header` stands before the first one; `footer`, with the lines `inner` in it, after the last."""
    start = _with_comments(tree, statements[0])
    end = statement_after(tree, statements[-1])[0]
    indentation = tree.indentation(_beginning(tree, statements[0]))
    edits = []
    if header:
        first = tree.indent if tree.text[start : tree.line_end(start)].strip() else ""
        edits.append(insertion(start, f"{indentation}{header}{tree.newline}{first}"))
    else:
        edits.append(insertion(start, tree.indent))
    edits += [insertion(at, tree.indent) for at in _lines(tree, start, end)]
    if footer:
        deeper = "".join(f"{tree.newline}{indentation}{tree.indent}{line}" for line in inner)
        edits.append(insertion(end, f"{tree.newline}{indentation}{footer}{deeper}"))
    return edits


def without_line(tree: Tree, statement: cst.BaseStatement) -> Edit:
    """A statement that has its line to itself, with the line."""
    start = tree.line_start(tree.start(statement))
    end = tree.line_end(statement_after(tree, statement)[0])
    return Edit(start, min(end + len(tree.newline), len(tree.text)), "")


def with_its_comments(tree: Tree, statement: cst.BaseStatement, text: str) -> tuple[list[str], Edit]:
    """The lines of a statement `text` that has its line to itself, with the comments above and behind it; and
    the edit that takes them away, with the blank lines before.
    """
    start, end = _with_comments(tree, statement), statement_after(tree, statement)[0]
    lines = [line.strip() for line in LINE_END.split(tree.text[start:end])]
    if lines[-1].split("#")[0].strip() != text:
        raise Refused(f"`{text}` does not have a line to itself")
    before = len(tree.text[:start].rstrip())
    return [line for line in lines if line], Edit(tree.line_end(before), end, "")


def _beginning(tree: Tree, statement: cst.BaseStatement) -> int:
    decorators = getattr(statement, "decorators", ())
    return tree.start(decorators[0] if decorators else statement)


def _with_comments(tree: Tree, statement: cst.BaseStatement) -> int:
    """Where the comments over the statement begin, or its line; blank lines before stay where they are."""
    start = tree.line_start(_beginning(tree, statement))
    first = start
    for line in reversed(getattr(statement, "leading_lines", ())):
        start = tree.line_start(start - 1)
        if line.comment is not None:
            first = start
    return first


def _lines(tree: Tree, start: int, end: int) -> list[int]:
    """The starts of the lines that are to be indented: not blank ones, nor those inside a string."""
    strings = [
        tree.extent(one)
        for kind in (cst.SimpleString, cst.FormattedString)
        for one in tree.within(start, end, kind)
    ]
    found = []
    for at in tree.line_starts:
        if not start < at <= end or not tree.text[at : tree.line_end(at)].strip():
            continue
        if not any(first < at <= last for first, last in strings):
            found.append(at)
    return found
