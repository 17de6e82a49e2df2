"""Sessions and connections that are opened by hand: `async with` closes them on every path."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, flag_of
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.edits import Changes, Edit, Import
from asyncsqla_lint.fixes.nesting import nested, siblings, without_line
from asyncsqla_lint.fixes.statements import enclosing
from asyncsqla_lint.fixes.tree import Refused

_ITERATORS = ("AsyncIterator", "AsyncGenerator", "AsyncIterable")


class OpenInBlock(Codemod):
    """`session = Session()` and what follows → `async with Session() as session:` around it.

    The place is what opens; `awaits` where that is a coroutine function of the project. What follows a
    `close()` of the same block stays outside.
    """

    name = "open_in_block"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        opened = node.expression if isinstance(node, cst.Await) else node
        outer = file.parent(opened)
        value = outer if isinstance(outer, cst.Await) else opened
        must_be_awaitable(file, value)
        statement = enclosing(file, value)
        name = _assigned(statement, value)
        rest = siblings(file, statement)
        closing = next((one for one in rest if _closes(file, one, name)), None)
        inside = rest if closing is None else rest[: rest.index(closing)]
        after = [] if closing is None else rest[rest.index(closing) + 1 :]
        if not inside:
            raise Refused("nothing is done with it")
        if any(one.value == name for part in after for one in file.nodes(part, cst.Name)):
            raise Refused("it is used again after it was closed")
        for part in inside:
            _must_stay(file, part, name)
        manager = value if flag_of(repair, "awaits") else opened
        header = f"async with {file.code(manager)} as {name}:"
        assert isinstance(statement, cst.SimpleStatementLine)
        edits = [Edit(*file.extent(statement.body[0]), header), *nested(file, inside, "")]
        if closing is not None:
            edits.append(without_line(file, closing))
        return Changes.of(edits)


class YieldFromBlock(Codemod):
    """`return factory()` of a dependency → `async with factory() as session:` and `yield session`."""

    name = "yield_from_block"

    def changes(self, file: File, repair: Repair) -> Changes:
        value = file.expression(repair)
        statement = enclosing(file, value)
        function = file.function(value)
        if not isinstance(function, cst.FunctionDef) or function.asynchronous is None:
            raise Refused("the function around it is not async")
        if not _is_dependency(file, function.name.value):
            raise Refused("the session leaves the function")
        returns = [one for one in file.nodes(function.body, cst.Return) if file.function(one) is function]
        only = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        if len(returns) != 1 or returns[0] is not only or returns[0].value is not value:
            raise Refused("it returns in several places")
        between = file.newline + file.indentation(file.start(statement)) + file.indent
        text = f"async with {file.code(value)} as session:{between}yield session"
        edits = [Edit(*file.extent(only), text)]
        imports: list[Import] = []
        given = function.returns
        if given is not None and not file.code(given.annotation).startswith(_ITERATORS):
            iterator, wanted = file.imports.reference(
                "collections.abc", "AsyncIterator", function, also=("typing",)
            )
            imports += wanted
            code = file.code(given.annotation)
            edits.append(Edit(*file.extent(given.annotation), f"{iterator}[{code}]"))
        return Changes.of(edits, imports)


def _assigned(statement: cst.CSTNode, value: cst.BaseExpression) -> str:
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        only = statement.body[0]
        target: cst.BaseExpression | None = None
        if isinstance(only, cst.Assign) and only.value is value and len(only.targets) == 1:
            target = only.targets[0].target
        elif isinstance(only, cst.AnnAssign) and only.value is value:
            target = only.target
        if isinstance(target, cst.Name):
            return target.value
    raise Refused("what is opened is bound to no name there")


def _closes(file: File, statement: cst.BaseStatement, name: str) -> bool:
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and len(statement.body) == 1
        and file.code(statement.body[0]) in (f"await {name}.close()", f"await {name}.aclose()")
    )


def _must_stay(file: File, part: cst.BaseStatement, name: str) -> None:
    """Where it goes elsewhere, the block's end would close it under others' hands."""
    for one in file.nodes(part, cst.Name):
        if one.value != name:
            continue
        holder = file.parent(one)
        if file.function(one) is not file.function(part):
            raise Refused("a function inside uses it later")
        if isinstance(holder, (cst.AssignTarget, cst.AsName, cst.NamedExpr, cst.For, cst.CompFor)):
            raise Refused("its name is bound again")
        if isinstance(holder, (cst.Return, cst.Element, cst.DictElement, cst.Assign, cst.AnnAssign)):
            raise Refused("it leaves the function")


def _is_dependency(file: File, name: str) -> bool:
    uses: list[cst.Name] = [one for one in file.nodes(file.module, cst.Name) if one.value == name]
    others: Sequence[cst.CSTNode | None] = [
        file.parent(one) for one in uses if not isinstance(file.parent(one), cst.FunctionDef)
    ]
    return bool(others) and all(_is_depends(file, one) for one in others)


def _is_depends(file: File, argument: cst.CSTNode | None) -> bool:
    call = None if argument is None else file.parent(argument)
    return (
        isinstance(argument, cst.Arg)
        and isinstance(call, cst.Call)
        and isinstance(call.func, (cst.Name, cst.Attribute))
        and file.code(call.func).rpartition(".")[2] in ("Depends", "Security", "Provide")
    )
