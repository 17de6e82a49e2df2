"""Loader options that nobody needs: taken out, with what held nothing else."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File
from asyncsqla_lint.fixes.codemods.keyword import without_arguments
from asyncsqla_lint.fixes.edits import Changes, Edit, removed
from asyncsqla_lint.fixes.tree import Refused


class RemoveEagerLoad(Codemod):
    """Take `selectinload(User.posts)`, and what is loaded below it, out of a query's options.

    The place is that of its argument.
    """

    name = "remove_eager_load"

    def changes(self, file: File, repair: Repair) -> Changes:
        option = file.parent(file.expression(repair))
        link = None if option is None else file.parent(option)
        if not isinstance(option, cst.Arg) or not isinstance(link, cst.Call) or link.args[0] is not option:
            raise Refused("no loader option is written there")
        last = link
        while isinstance(outer := _next_link(file, last), cst.Call):
            last = outer
        before = link.func.value if isinstance(link.func, cst.Attribute) else None
        if isinstance(before, cst.Call) and _name(before) != "Load":
            return Changes.of([Edit(file.outer(before)[1], file.extent(last)[1], "")])
        return Changes.of(_without(file, last))


def _next_link(file: File, call: cst.Call) -> cst.Call | None:
    attribute = file.parent(call)
    if not isinstance(attribute, cst.Attribute) or attribute.value is not call:
        return None
    outer = file.parent(attribute)
    return outer if isinstance(outer, cst.Call) and outer.func is attribute else None


def _without(file: File, option: cst.Call) -> list[Edit]:
    """A whole option: an argument of `.options(…)`, or an element of a list."""
    holder = file.parent(option)
    if isinstance(holder, cst.Element):
        display = file.parent(holder)
        if not isinstance(display, (cst.List, cst.Tuple)):
            raise Refused("it is not clear what the option is for")
        if len(display.elements) > 1:
            extents = [(file.start(one), file.outer(one.value)[1]) for one in display.elements]
            return removed(extents, {list(display.elements).index(holder)}, file.end(display) - 1)
        argument = file.parent(display)
        call = None if argument is None else file.parent(argument)
        if isinstance(argument, cst.Arg) and isinstance(call, cst.Call) and argument.keyword is not None:
            return without_arguments(file, call, [argument])
        if isinstance(display, cst.List):
            return [Edit(file.start(holder), file.end(display) - 1, "")]
    if isinstance(holder, cst.Arg):
        call = file.parent(holder)
        if isinstance(call, cst.Call) and _name(call) == "options":
            if len(call.args) > 1:
                return without_arguments(file, call, [holder])
            if isinstance(call.func, cst.Attribute):
                return [Edit(file.outer(call.func.value)[1], file.extent(call)[1], "")]
    raise Refused("it is not clear what the option is for")


def _name(call: cst.Call) -> str:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value
    return call.func.value if isinstance(call.func, cst.Name) else ""
