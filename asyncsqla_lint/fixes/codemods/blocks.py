"""`with` and `for`, with and without `async`."""

from __future__ import annotations

from typing import Union

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.codemods.results import iterated
from asyncsqla_lint.fixes.edits import Changes, Edit, insertion
from asyncsqla_lint.fixes.tree import Refused

_Block = Union[cst.With, cst.For, cst.CompFor]


class ToggleWith(Codemod):
    """`with` → `async with`, and back: for a statement that enters this one thing only."""

    name = "toggle_with"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        block = next((one for one in file.ancestors(node) if isinstance(one, cst.With)), None)
        if block is None or not any(item.item is node for item in block.items):
            raise Refused("it is entered by no `with` there")
        if len(block.items) > 1:
            raise Refused("the statement enters something else too")
        return Changes.of(toggled(file, block))


class ToggleLoop(Codemod):
    """`for` → `async for`, and back; what wants all at once (`list(…)`, unpacking) gets `await ….all()`."""

    name = "toggle_loop"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        parent = file.parent(node)
        if isinstance(parent, (cst.For, cst.CompFor)) and parent.iter is node:
            if isinstance(parent, cst.CompFor) and any(
                isinstance(one, cst.GeneratorExp) for one in list(file.ancestors(parent))[:2]
            ):
                raise Refused("it would change the kind of the generator")
            return Changes.of(toggled(file, parent))
        node = iterated(file, node)
        must_be_awaitable(file, node)
        start, end = file.outer(node)
        inner = "(" if isinstance(node, cst.Await) and not node.lpar else ""
        text = f"{')' if inner else ''}.all()"
        return Changes.of([insertion(start, f"await {inner}"), insertion(end, text)])


def toggled(file: File, block: _Block) -> list[Edit]:
    if block.asynchronous is not None:
        start = file.start(block.asynchronous)
        return [Edit(start, _keyword(file, start + len("async")), "")]
    must_be_awaitable(file, block)
    start = file.start(block)
    if isinstance(block, cst.CompFor):
        start = file.text.index("for", start)
    return [insertion(start, "async ")]


def _keyword(file: File, at: int) -> int:
    while file.text[at] in " \t\\\r\n":
        at += 1
    return at
