"""Transactions: the commit that nobody writes, the rollback that a handler forgets."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.codemods.refresh import session_in_reach
from asyncsqla_lint.fixes.edits import Changes, insertion
from asyncsqla_lint.fixes.statements import at_the_end, statement_before
from asyncsqla_lint.fixes.tree import Refused


class AddCommit(Codemod):
    """Commit at the end of the block that opens a session or connection. The place is where it is opened."""

    name = "add_commit"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        if isinstance(node, cst.Await):
            node = node.expression
        must_be_awaitable(file, node)
        block = next((one for one in file.ancestors(node) if isinstance(one, cst.With)), None)
        item = None if block is None else next((one for one in block.items if one.item is node), None)
        if block is None or item is None:
            raise Refused("it is opened by no `async with`")
        if item.asname is None or not isinstance(item.asname.name, cst.Name):
            raise Refused("it has no name there")
        if not isinstance(block.body, cst.IndentedBlock):
            raise Refused("the block has no lines of its own")
        body = block.body.body
        while len(body) == 1 and isinstance(body[0], cst.Try) and isinstance(body[0].body, cst.IndentedBlock):
            body = body[0].body.body  # what failed is not committed, and the handlers see a commit that fails
        if any(True for one in file.nodes(body[-1], cst.Return) for _ in file.nodes(one, cst.Await)):
            raise Refused("the block ends with a `return` that awaits: a commit before that comes too early")
        return Changes.of([at_the_end(file, body, f"await {item.asname.name.value}.commit()")])


class AddRollback(Codemod):
    """Roll back first of all in the handlers that swallow what this flush raises."""

    name = "add_rollback"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        must_be_awaitable(file, node)
        attempt = _try_around(file, node)
        return _rolled_back(file, attempt, attempt.handlers, _session_of(file, node))


class RollBackInHandler(Codemod):
    """Roll back first of all in the handler that stands there: what it swallows comes from elsewhere."""

    name = "roll_back_in_handler"

    def changes(self, file: File, repair: Repair) -> Changes:
        start, _ = file.place(repair)
        handlers = file.within(start, start, cst.ExceptHandler)
        handler = next((one for one in handlers if file.start(one) == start), None)
        attempt = None if handler is None else file.parent(handler)
        if handler is None or not isinstance(attempt, cst.Try):
            raise Refused("no `except` swallows the error there")
        must_be_awaitable(file, handler)
        return _rolled_back(file, attempt, [handler], session_in_reach(file, handler.body))


def _rolled_back(
    file: File,
    attempt: cst.Try | cst.TryStar,
    handlers: Sequence[cst.ExceptHandler | cst.ExceptStarHandler],
    session: str,
) -> Changes:
    if session.split(".")[0] in _bound_in(file, attempt.body):
        raise Refused(f"the handler may be reached before there is a `{session}`")
    edits = []
    for handler in handlers:
        if not isinstance(handler.body, cst.IndentedBlock) or _leaves(handler.body.body):
            continue
        first = handler.body.body[0]
        at, indentation = statement_before(file, first)
        edits.append(insertion(at, f"await {session}.rollback(){file.newline}{indentation}"))
    if not edits:
        raise Refused("no handler swallows the error there")
    return Changes.of(edits)


def _try_around(file: File, node: cst.CSTNode) -> cst.Try | cst.TryStar:
    below: cst.CSTNode = node
    for one in file.ancestors(node):
        if isinstance(one, (cst.Try, cst.TryStar)) and one.body is below and one.handlers:
            return one
        if isinstance(one, cst.FunctionDef):
            break
        below = one
    raise Refused("no `except` swallows the error there")


def _session_of(file: File, node: cst.CSTNode) -> str:
    call = node.expression if isinstance(node, cst.Await) else node
    if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute):
        if call.func.attr.value in (
            "flush",
            "commit",
            "execute",
            "scalars",
            "scalar",
            "merge",
            "get",
            "delete",
        ):
            if isinstance(call.func.value, (cst.Name, cst.Attribute)):
                return file.code(call.func.value)
    return session_in_reach(file, node)


def _bound_in(file: File, block: cst.BaseSuite) -> set[str]:
    """The names that a block gives a value, itself or by `with … as`."""
    assigned = [
        target.target
        for one in file.nodes(block, cst.Assign)
        for target in one.targets
        if file.statement(target) in block.body
    ]
    opened = [one.asname.name for one in file.nodes(block, cst.WithItem) if one.asname is not None]
    return {one.value for one in (*assigned, *opened) if isinstance(one, cst.Name)}


def _leaves(body: Sequence[cst.BaseStatement]) -> bool:
    last = body[-1]
    return isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], cst.Raise)
