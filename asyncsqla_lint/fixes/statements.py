"""Statements: where one more can be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

import libcst as cst

from asyncsqla_lint.fixes.edits import Edit, insertion
from asyncsqla_lint.fixes.tree import Refused, Tree

Written = Union[cst.SimpleStatementLine, cst.BaseCompoundStatement]


def enclosing(tree: Tree, node: cst.CSTNode) -> Written:
    """The statement in whose place another could stand: not an `elif`, nor one
    that shares its line with a header.
    """
    found = tree.statement(node)
    while True:
        parent = tree.parent(found)
        if isinstance(parent, cst.If) and parent.orelse is found:
            found = parent
        elif isinstance(parent, cst.SimpleStatementSuite):
            found = tree.statement(parent)
        else:
            return found


def statement_before(tree: Tree, node: cst.CSTNode) -> tuple[int, str]:
    """Where a statement goes that has to run just before; the text after it begins a line so indented."""
    found = enclosing(tree, node)
    first: cst.CSTNode = found
    decorators = getattr(found, "decorators", ())
    if decorators:
        first = decorators[0]
    start = tree.start(first)
    indentation = tree.indentation(start)
    if tree.text[tree.line_start(start) : start].strip():
        raise Refused("the statement does not begin its line")
    return start, indentation


def statement_after(tree: Tree, node: cst.CSTNode) -> tuple[int, str]:
    """Where a statement goes that has to run next: the end of the line, and how the new line is indented."""
    found = enclosing(tree, node)
    indentation = tree.indentation(tree.start(found))
    end = _last_character(tree, found)
    return tree.line_end(end), indentation


def at_the_end(tree: Tree, body: Sequence[cst.BaseStatement], text: str) -> Edit:
    """After the last statement; before one that leaves the block."""
    last = body[-1]
    if isinstance(last, cst.SimpleStatementLine) and isinstance(
        last.body[-1], (cst.Return, cst.Raise, cst.Break, cst.Continue)
    ):
        at, indentation = statement_before(tree, last)
        return insertion(at, f"{text}{tree.newline}{indentation}")
    at, indentation = statement_after(tree, last)
    return insertion(at, f"{tree.newline}{indentation}{text}")


def _last_character(tree: Tree, node: Written) -> int:
    if isinstance(node, cst.SimpleStatementLine):
        return tree.end(node.body[-1])
    last: cst.CSTNode = node
    while True:
        body = (
            getattr(last, "finalbody", None) or getattr(last, "orelse", None) or getattr(last, "body", None)
        )
        handlers = getattr(last, "handlers", ())
        if (
            isinstance(last, (cst.Try, cst.TryStar))
            and last.finalbody is None
            and last.orelse is None
            and handlers
        ):
            body = handlers[-1]
        if isinstance(last, cst.Match):
            body = last.cases[-1] if last.cases else None
        if isinstance(last, cst.SimpleStatementLine):
            return tree.end(last.body[-1])
        if isinstance(last, (cst.SimpleStatementSuite,)):
            return tree.end(last.body[-1])
        if isinstance(last, cst.IndentedBlock):
            last = last.body[-1]
            continue
        if body is None:
            return tree.end(last)
        last = body
