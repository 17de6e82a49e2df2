"""Session factories: the async one in the sync one's place, and the scope of scoped sessions."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.keyword import with_argument, with_keyword, without_arguments
from asyncsqla_lint.fixes.edits import Changes, Edit, Import
from asyncsqla_lint.fixes.tree import Refused

ASYNCIO = "sqlalchemy.ext.asyncio"


class ReplaceCallee(Codemod):
    """Call `name` of `from` instead: `sessionmaker(…)` → `async_sessionmaker(…)`. Keywords of `drop` go."""

    name = "replace_callee"

    def changes(self, file: File, repair: Repair) -> Changes:
        edits, imports = callee_replaced(
            file,
            file.node(repair, cst.Call),
            text_of(repair, "from"),
            text_of(repair, "name"),
            text_of(repair, "drop"),
        )
        return Changes.of(edits, imports)


def callee_replaced(
    file: File, call: cst.Call, module: str, name: str, drop: str
) -> tuple[list[Edit], list[Import]]:
    if not isinstance(call.func, (cst.Name, cst.Attribute)):
        raise Refused("the function has no name there")
    written, imports = file.imports.reference(module, name, call)
    edits = [Edit(*file.extent(call.func), written)]
    dropped = [one for one in call.args if one.keyword is not None and one.keyword.value == drop]
    if drop and dropped:
        edits += without_arguments(file, call, dropped)
    return edits, list(imports)


class SetScope(Codemod):
    """`scopefunc=asyncio.current_task` for an `async_scoped_session`; `scoped_session` becomes one."""

    name = "set_scope"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        current_task, imports = file.imports.reference("asyncio", "current_task", call)
        edits: list[Edit] = []
        last = call.func.attr.value if isinstance(call.func, cst.Attribute) else ""
        last = call.func.value if isinstance(call.func, cst.Name) else last
        if last == "scoped_session":
            name, more = file.imports.reference(ASYNCIO, "async_scoped_session", call)
            edits.append(Edit(*file.extent(call.func), name))
            imports += more
        elif last != "async_scoped_session":
            raise Refused("the scoped session is not made there")
        positional = [one for one in call.args if one.keyword is None]
        if any(one.star for one in call.args):
            raise Refused("its arguments are not written there")
        if len(positional) > 1:
            edits.append(Edit(*file.extent(positional[1].value), current_task))
        elif any(one.keyword is not None and one.keyword.value == "scopefunc" for one in call.args):
            edits += with_keyword(file, call, "scopefunc", current_task)
        else:
            edits += with_argument(file, call, f"scopefunc={current_task}")
        return Changes.of(edits, imports)


class ReplacePool(Codemod):
    """`poolclass=QueuePool` → `poolclass=AsyncAdaptedQueuePool`."""

    name = "replace_pool"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        for argument in call.args:
            if argument.keyword is not None and argument.keyword.value == "poolclass":
                name, imports = file.imports.reference(
                    "sqlalchemy.pool", "AsyncAdaptedQueuePool", call, also=("sqlalchemy",)
                )
                return Changes.of([Edit(*file.extent(argument.value), name)], imports)
        raise Refused("the pool is not written there")
