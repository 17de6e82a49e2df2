"""Blocking calls: the coroutine that makes them becomes a plain function, or their engine an async one."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.factories import callee_replaced
from asyncsqla_lint.fixes.edits import Changes, Edit
from asyncsqla_lint.fixes.statements import enclosing
from asyncsqla_lint.fixes.tree import Refused


class MakePlain(Codemod):
    """`async def` → `def`, for a function that awaits nothing. The place is that of its name."""

    name = "make_plain"

    def changes(self, file: File, repair: Repair) -> Changes:
        function = file.parent(file.at(*file.place(repair), cst.Name))
        if not isinstance(function, cst.FunctionDef) or function.asynchronous is None:
            raise Refused("no coroutine function is defined there")
        for one in file.nodes(function.body, cst.CSTNode):  # type: ignore[type-abstract]  # any kind will do
            if isinstance(one, (cst.Await, cst.Asynchronous)) and file.function(one) is function:
                raise Refused("the coroutine awaits something else")
        for other in file.nodes(file.module, cst.Name):
            if other.value == function.name.value and isinstance(file.parent(other), cst.Call):
                raise Refused("it is called elsewhere")
        start = file.start(function.asynchronous)
        return Changes.of([Edit(start, file.text.index("def", start), "")])


class MakeEngineAsync(Codemod):
    """`create_engine()` → `create_async_engine()`, where all who use the engine are coroutines of the file.

    What hangs on it (factories, blocks, awaits) shows once the engine is an async one.
    """

    name = "make_engine_async"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        _must_be_async(file, call, set())
        edits, imports = callee_replaced(
            file, call, text_of(repair, "from"), text_of(repair, "name"), text_of(repair, "drop")
        )
        return Changes.of(edits, imports)


def _must_be_async(file: File, call: cst.Call, seen: set[str]) -> None:
    """The call's value, and what is made of it at the top level, is used in coroutines only."""
    statement = enclosing(file, call)
    only = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    target = only.targets[0].target if isinstance(only, cst.Assign) and only.value is call else None
    if not isinstance(target, cst.Name):
        raise Refused("the top level uses the engine too" if seen else "the engine is bound to no name there")
    seen.add(target.value)
    for use in file.nodes(file.module, cst.Name):
        if use.value != target.value or use is target:
            continue
        function = file.function(use)
        if isinstance(function, cst.FunctionDef) and function.asynchronous is not None:
            continue
        holder = file.parent(use)
        outer = file.parent(holder) if isinstance(holder, cst.Arg) else None
        if function is not None or not isinstance(outer, cst.Call) or outer is call:
            raise Refused("plain functions use the engine too")
        _must_be_async(file, outer, seen)
