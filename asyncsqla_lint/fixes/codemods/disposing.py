"""Engines: disposed by whoever makes them, on every path."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.edits import Changes, Edit, Import, insertion
from asyncsqla_lint.fixes.nesting import nested, siblings, with_its_comments
from asyncsqla_lint.fixes.statements import at_the_end, enclosing, statement_after, statement_before
from asyncsqla_lint.fixes.tree import Refused


class DisposeFinally(Codemod):
    """What follows the making of an engine goes into a `try`, whose `finally` disposes it.

    With `method` it is the object that holds the engine, and is closed.
    """

    name = "dispose_finally"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        must_be_awaitable(file, node)
        statement = enclosing(file, node)
        method = text_of(repair, "method") or "dispose"
        if isinstance(statement, cst.With) and method == "dispose":
            return Changes.of(_named(file, statement, node))
        name = _assigned_name(statement, node)
        rest = siblings(file, statement)
        dispose = f"await {name}.{method}()"
        if not rest:
            return Changes.of([at_the_end(file, [statement], dispose)])
        last = rest[-1]
        if isinstance(last, cst.Try) and last.finalbody is not None and len(rest) == 1:
            return Changes.of(_into_finally(file, last.finalbody, dispose))
        done = next((n for n, one in enumerate(rest) if file.code(one).strip() == dispose), None)
        if done is None and any(_disposes(file, one, dispose) for one in rest):
            raise Refused("a `finally` further in disposes it already: that one has to come out here")
        if done is None or _is_named(file, rest[done + 1 :], name):
            return Changes.of(nested(file, rest, "try:", "finally:", dispose))
        if not done:
            raise Refused("nothing stands between the engine and its dispose")
        # It is disposed already, unless something goes wrong: what comes after stays where it is.
        lines, line = with_its_comments(file, rest[done], dispose)
        return Changes.of([*nested(file, rest[:done], "try:", "finally:", *lines), line])


class DisposeAtEnd(Codemod):
    """`await target.dispose()` as the last thing that a method does. The place is that of its name."""

    name = "dispose_at_end"

    def changes(self, file: File, repair: Repair) -> Changes:
        function = _function(file, repair)
        if not isinstance(function.body, cst.IndentedBlock):
            raise Refused("the method has no lines of its own")
        return Changes.of([at_the_end(file, function.body.body, _dispose(file, repair, function)[0])])


class DisposeAround(Codemod):
    """All that a function does goes into a `try`, whose `finally` disposes. The place is that of its name."""

    name = "dispose_around"

    def changes(self, file: File, repair: Repair) -> Changes:
        function = _function(file, repair)
        dispose, imports = _dispose(file, repair, function)
        if not isinstance(function.body, cst.IndentedBlock):
            raise Refused("the function has no lines of its own")
        body = list(function.body.body)
        if function.get_docstring() is not None:
            body = body[1:]
        if len(body) == 1 and isinstance(body[0], cst.Try) and body[0].finalbody is not None:
            return Changes.of(_into_finally(file, body[0].finalbody, dispose), imports)
        if not body:
            raise Refused("the function does nothing")
        return Changes.of(nested(file, body, "try:", "finally:", dispose), imports)


class DisposeAfterYield(Codemod):
    """`yield` → `try: yield finally: await target.dispose()`: of a lifespan, by the place of its name."""

    name = "dispose_after_yield"

    def changes(self, file: File, repair: Repair) -> Changes:
        function = _function(file, repair)
        dispose, imports = _dispose(file, repair, function)
        yields = [one for one in file.nodes(function.body, cst.Yield) if file.function(one) is function]
        if len(yields) != 1:
            raise Refused("it yields in several places")
        statement = enclosing(file, yields[0])
        block = file.parent(statement)
        holder = None if block is None else file.parent(block)
        if isinstance(holder, cst.Try) and holder.body is block and holder.finalbody is not None:
            return Changes.of(_into_finally(file, holder.finalbody, dispose), imports)
        rest = siblings(file, statement)
        return Changes.of(nested(file, [statement, *rest], "try:", "finally:", dispose), imports)


class DisposeAsync(Codemod):
    """`engine.sync_engine.dispose()` → `await engine.dispose()`."""

    name = "dispose_async"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        must_be_awaitable(file, call)
        inner = call.func.value if isinstance(call.func, cst.Attribute) else None
        if not isinstance(inner, cst.Attribute) or inner.attr.value != "sync_engine":
            raise Refused("the engine is not named there")
        start, end = file.outer(inner.value)[1], file.end(inner)
        return Changes.of([insertion(file.start(call), "await "), Edit(start, end, "")])


def _disposes(file: File, part: cst.BaseStatement, dispose: str) -> bool:
    finals = file.nodes(part, cst.Finally)
    return any(file.code(line).strip() == dispose for final in finals for line in final.body.body)


def _is_named(file: File, statements: Sequence[cst.BaseStatement], name: str) -> bool:
    return any(one.value == name for part in statements for one in file.nodes(part, cst.Name))


def _function(file: File, repair: Repair) -> cst.FunctionDef:
    owner = file.parent(file.at(*file.place(repair), cst.Name))
    if not isinstance(owner, cst.FunctionDef) or owner.asynchronous is None:
        raise Refused("no coroutine function is defined there")
    return owner


def _dispose(file: File, repair: Repair, function: cst.FunctionDef) -> tuple[str, list[Import]]:
    target, module = text_of(repair, "target"), text_of(repair, "from")
    imports: list[Import] = []
    if module and module != text_of(repair, "module"):
        target, wanted = file.imports.model(module, target, function)
        imports += wanted
    text = f"await {target}.dispose()"
    if text in file.code(function):
        raise Refused("the function disposes it already")
    return text, imports


def _into_finally(file: File, final: cst.Finally, dispose: str) -> Sequence[Edit]:
    if not isinstance(final.body, cst.IndentedBlock):
        raise Refused("the `finally` has no lines of its own")
    if dispose in file.code(final):  # behind what may raise, in a `try` of its own
        return nested(file, final.body.body, "try:", "finally:", dispose)
    at, deeper = statement_after(file, final.body.body[-1])
    return [insertion(at, f"{file.newline}{deeper}{dispose}")]


def _named(file: File, block: cst.With, node: cst.BaseExpression) -> list[Edit]:
    """`async with create_async_engine(url).connect()`: the engine gets a name, and an end."""
    function = file.function(node)
    taken = {one.value for one in file.nodes(function or file.module, cst.Name)}
    name = next(one for one in ("engine", "own_engine", "engine_") if one not in taken)
    items = [item.item for item in block.items]
    if not any(one in items for one in file.ancestors(node)):
        raise Refused("the engine is bound to no name there")
    _, indentation = statement_before(file, block)
    edits = nested(file, [block], "try:", "finally:", f"await {name}.dispose()")
    first, *others = edits
    made = f"{indentation}{name} = {file.code(node)}{file.newline}"
    return [insertion(first.start, made + first.text), Edit(*file.outer(node), name), *others]


def _assigned_name(statement: cst.CSTNode, node: cst.BaseExpression) -> str:
    targets: Sequence[cst.BaseExpression] = ()
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        only = statement.body[0]
        if isinstance(only, cst.Assign) and only.value is node:
            targets = [one.target for one in only.targets]
        elif isinstance(only, cst.AnnAssign) and only.value is node:
            targets = [only.target]
    if len(targets) == 1 and isinstance(targets[0], cst.Name):
        return targets[0].value
    raise Refused("the engine is bound to no name there")
