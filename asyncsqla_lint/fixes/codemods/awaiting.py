"""`await`: put where it is missing, moved where it binds too late, taken from where it does not belong."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File
from asyncsqla_lint.fixes.edits import Changes, Edit, insertion
from asyncsqla_lint.fixes.tree import Refused


class AddAwait(Codemod):
    """Await an expression."""

    name = "add_await"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        must_be_awaitable(file, node)
        return Changes.of(awaited(file, node))


class MoveAwait(Codemod):
    """`await session.execute(q).scalars()` → `(await
    session.execute(q)).scalars()`: the place is that of the call.
    """

    name = "move_await"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.expression(repair)
        outer = file.around(call, cst.Await)
        if outer is None or not _is_first_link(file, call, outer):
            raise Refused("no `await` binds over this call")
        start, (first, end) = file.start(outer), file.extent(call)
        if file.text[start:first].strip() == "await":
            return Changes.of([insertion(start, "("), insertion(end, ")")])
        edits = [Edit(start, file.outer(outer.expression)[0], "")]
        if call.lpar:
            return Changes.of([*edits, insertion(first, "await ")])
        return Changes.of([*edits, insertion(first, "(await "), insertion(end, ")")])


class RemoveAwait(Codemod):
    """Take an expression's `await` away."""

    name = "remove_await"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        outer = node if isinstance(node, cst.Await) else file.parent(node)
        if not isinstance(outer, cst.Await):
            raise Refused("it is not awaited there")
        start = file.start(outer)
        inner = outer.expression
        if outer.lpar and isinstance(inner, (cst.Call, cst.Name, cst.Attribute, cst.Subscript)):
            # The parentheses were there for the `await`.
            first, last = file.outer(outer)
            if not _needs_space(file, first):
                begin, end = file.outer(inner)
                edits = [Edit(first, begin, ""), Edit(end, last, "")]
                return Changes.of([edit for edit in edits if edit.start != edit.end])
        return Changes.of([Edit(start, file.outer(inner)[0], "")])


def _needs_space(file: File, start: int) -> bool:
    """`return(await x)`: without its parentheses the keyword would run into the name."""
    return start > 0 and (file.text[start - 1].isalnum() or file.text[start - 1] == "_")


def must_be_awaitable(file: File, node: cst.CSTNode) -> None:
    """`await` can stand only in a coroutine, and not in what runs later or elsewhere."""
    function = file.function(node)
    if isinstance(function, cst.Lambda):
        raise Refused("a lambda cannot await")
    if function is None or function.asynchronous is None:
        raise Refused("the function around it is not async")
    for one in file.ancestors(node):
        if one is function:
            return
        if isinstance(one, cst.GeneratorExp):
            raise Refused("it would make the generator an asynchronous one")
        if isinstance(one, cst.ClassDef):
            raise Refused("a class body cannot await")


def awaited(file: File, node: cst.BaseExpression) -> list[Edit]:
    """`await` before the node, in parentheses where the node is a link of a chain."""
    parent = file.parent(node)
    chained = (
        (isinstance(parent, cst.Attribute) and parent.value is node)
        or (isinstance(parent, cst.Call) and parent.func is node)
        or (isinstance(parent, cst.Subscript) and parent.value is node)
        or (isinstance(parent, cst.Await))
    )
    start, end = file.extent(node)
    if node.lpar and not isinstance(node, (cst.Tuple, cst.GeneratorExp)):
        return [insertion(start, "await ")]
    if chained:
        return [insertion(start, "(await "), insertion(end, ")")]
    return [insertion(start, "await ")]


def _is_first_link(file: File, call: cst.BaseExpression, outer: cst.Await) -> bool:
    """Is the call the inner part of the chain that is awaited?"""
    below: cst.CSTNode = call
    for one in file.ancestors(call):
        if one is outer:
            return below is not call
        if (
            (isinstance(one, cst.Attribute) and one.value is below)
            or (isinstance(one, cst.Call) and one.func is below)
            or (isinstance(one, cst.Subscript) and one.value is below)
        ):
            below = one
        else:
            return False
    return False
