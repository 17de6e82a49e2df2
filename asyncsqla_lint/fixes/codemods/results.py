"""Results and statements: what stands between executing and fetching."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File
from asyncsqla_lint.fixes.edits import Changes, insertion
from asyncsqla_lint.fixes.tree import Refused

_FETCHES = frozenset(
    "all fetchall one one_or_none scalar_one scalar_one_or_none fetchmany partitions first scalar".split()
)


_WHOLE = frozenset(
    "list tuple set frozenset sorted iter enumerate dict sum max min any all zip map filter".split()
)


def iterated(file: File, node: cst.BaseExpression) -> cst.BaseExpression:
    """What is iterated: the argument of `list(…)`, the value that a tuple of targets unpacks."""
    if (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Name)
        and node.func.value in _WHOLE
        and node.args
    ):
        return node.args[-1 if node.func.value in ("map", "filter") else 0].value
    if isinstance(node, (cst.Tuple, cst.List)):
        assign = file.around(node, cst.Assign)
        if assign is not None and any(target.target is node for target in assign.targets):
            return assign.value
    return node


class AddUnique(Codemod):
    """`result.all()` → `result.unique().all()`; a result that is iterated gets it too."""

    name = "add_unique"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        result = iterated(file, node)
        if (
            isinstance(node, cst.Call)
            and isinstance(node.func, cst.Attribute)
            and node.func.attr.value in _FETCHES
        ):
            result = node.func.value
        start, end = file.outer(result)
        if isinstance(result, cst.Await) and not result.lpar:
            return Changes.of([insertion(start, "("), insertion(end, ").unique()")])
        if not isinstance(result, (cst.Await, cst.Call, cst.Name, cst.Attribute, cst.Subscript)):
            raise Refused("it is not clear what the result is")
        return Changes.of([insertion(end, ".unique()")])


class WrapText(Codemod):
    """`execute("select 1")` → `execute(text("select 1"))`."""

    name = "wrap_text"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        given = [one for one in call.args if one.keyword is None or one.keyword.value == "statement"]
        if not given or given[0].star:
            raise Refused("the statement is not written there")
        name, imports = file.imports.reference(
            "sqlalchemy", "text", call, also=("sqlalchemy.sql", "sqlmodel")
        )
        value = given[0].value
        if value.lpar:
            return Changes.of([insertion(file.outer(value)[0], name)], imports)
        start, end = file.extent(value)
        return Changes.of([insertion(start, f"{name}("), insertion(end, ")")], imports)
