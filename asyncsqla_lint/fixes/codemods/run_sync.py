"""`run_sync`, and what can only run under it."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.edits import Changes, Edit, insertion
from asyncsqla_lint.fixes.statements import enclosing
from asyncsqla_lint.fixes.tree import Refused


class PassFunction(Codemod):
    """`run_sync(f())` → `run_sync(f)`: for a call without arguments."""

    name = "pass_function"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = _run_sync(file, repair)
        given = call.args[0].value
        if not isinstance(given, cst.Call) or given.args:
            raise Refused("it is not clear what the function should be given")
        return Changes.of([Edit(file.outer(given.func)[1], file.end(given), "")])


class AwaitDirectly(Codemod):
    """`await session.run_sync(f, x)` → `await f(session, x)`, for an `f` that is a coroutine function."""

    name = "await_directly"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = _run_sync(file, repair)
        assert isinstance(call.func, cst.Attribute)
        given = call.args[0].value
        if isinstance(given, cst.Call):
            return Changes.of(
                [Edit(file.start(call), file.start(given), ""), Edit(file.end(given), file.end(call), "")]
            )
        if not isinstance(given, (cst.Name, cst.Attribute)) or call.args[0].keyword is not None:
            raise Refused("the function has no name there")
        receiver, function = file.code(call.func.value), file.code(given)
        edits = [Edit(file.start(call), file.end(call.func), function)]
        return Changes.of([*edits, Edit(file.start(given), file.end(given), receiver)])


class RunDdlSync(Codemod):
    """`metadata.create_all(connection)` → `await connection.run_sync(metadata.create_all)`.

    On an engine (`target` says which) a connection is opened for it.
    """

    name = "run_ddl_sync"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        must_be_awaitable(file, call)
        if not isinstance(call.func, cst.Attribute):
            raise Refused("it is not called as a method")
        binds = [n for n, one in enumerate(call.args) if one.keyword is None and n == 0 and not one.star]
        binds += [
            n for n, one in enumerate(call.args) if one.keyword is not None and one.keyword.value == "bind"
        ]
        if len(binds) != 1:
            raise Refused("it is not clear on which connection it runs")
        bind = file.code(call.args[binds[0]].value)
        others = [file.code(one).rstrip(", ") for n, one in enumerate(call.args) if n != binds[0]]
        arguments = ", ".join([file.code(call.func), *others])
        if text_of(repair, "target") != "AsyncEngine":
            text = f"{bind}.run_sync({arguments})"
            awaited = isinstance(file.parent(call), cst.Await)
            return Changes.of([Edit(*file.extent(call), text if awaited else f"await {text}")])
        statement = enclosing(file, call)
        if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
            raise Refused("it shares its statement")
        only = statement.body[0]
        value = only.value if isinstance(only, cst.Expr) else None
        if value is not call and not (isinstance(value, cst.Await) and value.expression is call):
            raise Refused("its result is used")
        start = file.start(only)
        indentation = file.indentation(start)
        text = f"async with {bind}.begin() as connection:{file.newline}{indentation}{file.indent}"
        return Changes.of([Edit(start, file.end(only), f"{text}await connection.run_sync({arguments})")])


def _run_sync(file: File, repair: Repair) -> cst.Call:
    node = file.expression(repair)
    if isinstance(node, cst.Await):
        node = node.expression
    if (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and node.func.attr.value == "run_sync"
    ):
        if node.args and not node.args[0].star:
            return node
    raise Refused("no `run_sync(…)` stands there")


class AppendAttribute(Codemod):
    """`event.listen(engine, …)` → `event.listen(engine.sync_engine, …)`: the
    first argument gets an `attribute`.
    """

    name = "append_attribute"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        given = [one for one in call.args if one.keyword is None or one.keyword.value == "target"]
        if not given or given[0].star or not isinstance(given[0].value, (cst.Name, cst.Attribute, cst.Call)):
            raise Refused("the target is not written there")
        return Changes.of([insertion(file.outer(given[0].value)[1], f".{text_of(repair, 'attribute')}")])
