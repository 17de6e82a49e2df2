"""Tasks that share a session: one after the other instead."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.edits import Changes, Edit, insertion, removed
from asyncsqla_lint.fixes.statements import enclosing
from asyncsqla_lint.fixes.tree import Refused

_TASKS = frozenset({"create_task", "ensure_future", "start_soon"})


class AwaitInSequence(Codemod):
    """`await asyncio.gather(a(), b())` → `await a(), await b()`; `group.create_task(a())` → `await a()`.

    The place is the call, or one of its arguments.
    """

    name = "await_in_sequence"

    def changes(self, file: File, repair: Repair) -> Changes:
        starter = _starter(file, *file.place(repair))
        name = _name(starter)
        if name == "gather":
            return Changes.of(_gathered(file, starter))
        if name == "as_completed":
            return Changes.of(_one_by_one(file, starter))
        return Changes.of(_at_once(file, starter))


def _starter(file: File, start: int, end: int) -> cst.Call:
    """The call around the place that starts the tasks: the place may be that of an unpacked argument."""
    found: cst.Call | None = None
    for one in file.nodes(file.module, cst.Call):
        first, last = file.extent(one)
        if first <= start and end <= last and _name(one) in {*_TASKS, "gather", "as_completed"}:
            found = one
    if found is None:
        raise Refused("it is not clear how the tasks are started")
    return found


# --- one task --------------------------------------------------------------------------------------


def _at_once(file: File, call: cst.Call) -> list[Edit]:
    """`task = create_task(f(x))` and `await task` → `task = await f(x)` and `task`."""
    must_be_awaitable(file, call)
    work = _work(file, call)
    parent = file.parent(call)
    if isinstance(parent, cst.Expr):
        return [Edit(*file.extent(call), f"await {work}")]
    if not isinstance(parent, (cst.Assign, cst.AnnAssign)) or parent.value is not call:
        raise Refused("the task goes elsewhere")
    target = parent.targets[0].target if isinstance(parent, cst.Assign) else parent.target
    function = file.function(call)
    if not isinstance(target, cst.Name) or function is None or isinstance(parent, cst.AnnAssign):
        raise Refused("the task goes elsewhere")
    edits = [Edit(*file.extent(call), f"await {work}")]
    for use in file.nodes(function.body, cst.Name):
        if use.value == target.value and use is not target:
            edits.append(_result_of(file, use))
    return edits


def _work(file: File, call: cst.Call) -> str:
    """What the task runs, as a call."""
    if not call.args or call.args[0].star or call.args[0].keyword is not None:
        raise Refused("it is not clear what is awaited")
    first = call.args[0].value
    if _name(call) == "start_soon":
        if not isinstance(first, (cst.Name, cst.Attribute)):
            raise Refused("it is not clear what is awaited")
        given = ", ".join(file.code(one).rstrip(", ") for one in call.args[1:] if one.keyword is None)
        return f"{file.code(first)}({given})"
    if not isinstance(first, cst.Call):
        raise Refused("it is not clear what is awaited")
    return file.code(first)


def _result_of(file: File, use: cst.Name) -> Edit:
    """`await task`, `task.result()` → `task`."""
    outer = file.parent(use)
    if isinstance(outer, cst.Attribute) and outer.value is use and outer.attr.value == "result":
        call = file.parent(outer)
        if isinstance(call, cst.Call) and call.func is outer and not call.args:
            return Edit(*file.extent(call), use.value)
    if isinstance(outer, cst.Await):
        if isinstance(file.parent(outer), cst.Expr):
            statement = enclosing(file, outer)
            block = file.parent(statement)
            if isinstance(block, cst.IndentedBlock) and len(block.body) > 1:
                return _line_of(file, statement)
        return Edit(*file.extent(outer), use.value)
    raise Refused("more is done with the task than to await it")


def _line_of(file: File, statement: cst.CSTNode) -> Edit:
    start = file.line_start(file.start(statement))
    end = file.line_end(start)
    if file.text[start:end].split("#")[0].strip() != file.code(statement).split("#")[0].strip():
        raise Refused("the statement shares its line")
    return Edit(start, min(end + len(file.newline), len(file.text)), "")


# --- many ------------------------------------------------------------------------------------------


def _one_by_one(file: File, call: cst.Call) -> list[Edit]:
    """`for next in as_completed([a(), b()])` → `for next in [a(), b()]`, which the loop awaits."""
    loop = file.parent(call)
    if not isinstance(loop, (cst.For, cst.CompFor)) or loop.iter is not call or loop.asynchronous is not None:
        raise Refused("its results are not awaited one by one")
    if len(call.args) != 1 or call.args[0].keyword is not None or call.args[0].star:
        raise Refused("it is told what to do")
    return [Edit(*file.extent(call), file.code(call.args[0].value))]


def _gathered(file: File, gather: cst.Call) -> list[Edit]:
    outer = file.parent(gather)
    if not isinstance(outer, cst.Await):
        raise Refused("its result is not awaited at once")
    must_be_awaitable(file, outer)
    given = [one for one in gather.args if one.keyword is None]
    if any(file.code(one.value) != "False" for one in gather.args if one.keyword is not None):
        raise Refused("`gather` is told what to do with exceptions")
    if any(one.star == "*" for one in given):
        return _comprehension(file, gather, outer)
    if not all(isinstance(one.value, cst.Call) and _name(one.value) not in _TASKS for one in given):
        raise Refused("it is not clear what is awaited")
    only = _own_statement(file, outer)
    if only is not None:
        awaits = [f"await {file.code(one.value)}{_comment(file, one)}" for one in given]
        return [Edit(*file.extent(outer), (file.newline + file.indentation(file.start(only))).join(awaits))]
    # Each where it stands, with the comments between them.
    opening, close = file.outer(gather.func)[1], file.end(gather)
    edits = [insertion(file.outer(one.value)[0], "await ") for one in given]
    flags = {number for number, one in enumerate(gather.args) if one.keyword is not None}
    extents = [(file.start(one), file.outer(one.value)[1]) for one in gather.args]
    edits += removed(extents, flags, close - 1)
    start = file.start(outer)
    parent = file.parent(outer)
    bare = isinstance(parent, (cst.Assign, cst.Return)) or outer.lpar
    if (
        bare
        and len(given) > 1
        and "\n" not in file.text[opening:close]
        and "\r" not in file.text[opening:close]
    ):
        return [*edits, Edit(start, opening + 1, ""), Edit(close - 1, close, "")]
    comma = [insertion(extents[0][1], ",")] if len(gather.args) == 1 else []
    return [*edits, *comma, Edit(start, opening, "")]


def _comment(file: File, argument: cst.Arg) -> str:
    """What is said behind it on its line."""
    end = file.outer(argument.value)[1]
    rest = file.text[end : file.line_end(end)].lstrip(", \t")
    return f"  {rest.rstrip()}" if rest.startswith("#") else ""


def _comprehension(file: File, gather: cst.Call, outer: cst.Await) -> list[Edit]:
    """`await gather(*[f(x) for x in xs])` → `[await f(x) for x in xs]`."""
    if len(gather.args) != 1:
        raise Refused("it starts tasks of several kinds")
    value = gather.args[0].value
    extent = file.extent(outer)
    if isinstance(value, (cst.ListComp, cst.GeneratorExp)):
        if not isinstance(value.elt, cst.Call):
            raise Refused("it is not clear what is awaited")
        loop = value.for_in
        only = _own_statement(file, outer)
        if only is not None and not loop.ifs and loop.inner_for_in is None and loop.asynchronous is None:
            deeper = file.newline + file.indentation(file.start(only)) + file.indent
            header = f"for {file.code(loop.target)} in {file.code(loop.iter)}:"
            return [Edit(*extent, f"{header}{deeper}await {file.code(value.elt)}")]
        return [Edit(*extent, f"[await {file.text[file.start(value.elt) : file.end(value.for_in)]}]")]
    if isinstance(value, cst.Call) and _name(value) == "map" and len(value.args) == 2:
        function = value.args[0].value
        if isinstance(function, (cst.Name, cst.Attribute)):
            each = f"await {file.code(function)}(each)"
            return [Edit(*extent, f"[{each} for each in {file.code(value.args[1].value)}]")]
    alone = _own_statement(file, outer)
    scope = file.function(outer) or file.module
    if alone is not None and not any(one.value == "each" for one in file.nodes(scope, cst.Name)):
        deeper = file.newline + file.indentation(file.start(alone)) + file.indent
        return [Edit(*extent, f"for each in {file.code(value)}:{deeper}await each")]
    return [Edit(*extent, f"[await each for each in {file.code(value)}]")]


def _name(call: cst.Call) -> str:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value
    return call.func.value if isinstance(call.func, cst.Name) else ""


def _own_statement(file: File, outer: cst.Await) -> cst.Expr | None:
    statement = enclosing(file, outer)
    parent = file.parent(outer)
    if (
        isinstance(statement, cst.SimpleStatementLine)
        and len(statement.body) == 1
        and isinstance(parent, cst.Expr)
    ):
        return parent
    return None
