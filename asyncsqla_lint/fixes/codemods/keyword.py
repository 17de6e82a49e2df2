"""Keyword arguments of a call: set one, drop some."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, list_of, text_of
from asyncsqla_lint.fixes.edits import Changes, Edit, Import, insertion, removed, trimmed
from asyncsqla_lint.fixes.layout import lines_opened, one_more
from asyncsqla_lint.fixes.tree import Refused


class SetKeyword(Codemod):
    """Give a call `name=value`: the argument that is there gets the value, else it is added at the end.
    With `from` the value is a name to be imported from there.
    """

    name = "set_keyword"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        value, module = text_of(repair, "value"), text_of(repair, "from")
        imports: tuple[Import, ...] = ()
        if module:
            value, imports = file.imports.reference(module, value, call)
        return Changes.of(with_keyword(file, call, text_of(repair, "name"), value), imports)


class RemoveKeywords(Codemod):
    """Drop keyword arguments of a call."""

    name = "remove_keywords"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        names = list_of(repair, "names")
        return Changes.of(without_arguments(file, call, [arg for arg in call.args if _name(arg) in names]))


class RemoveItems(Codemod):
    """Drop keyword arguments from the dictionary that a call unpacks, and nothing else reads."""

    name = "remove_items"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        names = list_of(repair, "names")
        edits: list[Edit] = []
        for argument in call.args:
            if argument.star == "**":
                edits += _without_items(file, _dictionary(file, argument.value), names)
        if not edits:
            raise Refused("the arguments are not written there")
        return Changes.of(edits)


def _dictionary(file: File, value: cst.BaseExpression) -> cst.BaseExpression:
    """The display that a local name is bound to, if all that happens to it is to be unpacked there."""
    if not isinstance(value, cst.Name):
        return value
    scope = file.function(value)
    bound: list[cst.BaseExpression] = []
    for use in file.nodes(scope or file.module, cst.Name):
        if use.value != value.value or use is value:
            continue
        holder = file.parent(use)
        statement = file.parent(holder) if isinstance(holder, cst.AssignTarget) else holder
        if isinstance(statement, (cst.Assign, cst.AnnAssign)) and statement.value not in (None, use):
            assert statement.value is not None
            bound.append(statement.value)
        elif not (isinstance(holder, cst.Subscript) and isinstance(file.parent(holder), cst.AssignTarget)):
            raise Refused(f"`{value.value}` is used elsewhere too")
    if len(bound) != 1 or scope is None:
        raise Refused("the arguments are not written there")
    return bound[0]


def _without_items(file: File, value: cst.BaseExpression, names: Sequence[str]) -> list[Edit]:
    if isinstance(value, cst.Call):
        dropped = [one for one in value.args if _name(one) in names]
        return without_arguments(file, value, dropped) if dropped else []
    if not isinstance(value, cst.Dict):
        return []
    extents = [file.extent(one) for one in value.elements]
    wrong = {
        at
        for at, one in enumerate(value.elements)
        if isinstance(one, cst.DictElement) and file.code(one.key).strip("\"'") in names
    }
    return removed(extents, wrong, file.end(value) - 1)


def with_keyword(file: File, call: cst.Call, name: str, value: str) -> list[Edit]:
    for argument in call.args:
        if _name(argument) == name:
            return list(trimmed(file.code(argument.value), value, file.start(argument.value)))
    if any(argument.star == "**" and _is_from_callers(file, argument.value) for argument in call.args):
        raise Refused(f"the callers may give `{name}` themselves")
    return with_argument(file, call, f"{name}={value}")


def _is_from_callers(file: File, value: cst.BaseExpression) -> bool:
    """`**options` of a function that takes `**options`."""
    function = file.function(value)
    given = None if function is None else function.params.star_kwarg
    return given is not None and isinstance(value, cst.Name) and given.name.value == value.value


def with_argument(file: File, call: cst.Call, text: str) -> list[Edit]:
    """One more argument after the others, on a line of its own where they have theirs."""
    close = file.end(call) - 1
    if not call.args:
        return [insertion(close, text)]
    last = call.args[-1]
    end = file.end(last.value)
    if last.value.rpar:
        end = file.outer(last.value)[1]
    if (
        last.keyword is None
        and last.star == ""
        and isinstance(last.value, cst.GeneratorExp)
        and len(call.args) == 1
    ):
        raise Refused("a bare generator takes no argument beside it")
    start = file.start(last)
    if last.star == "**":
        # A keyword before `**more`, which may hold whatever it likes.
        own_line = not file.text[file.line_start(start) : start].strip()
        return [insertion(start, f"{text},{file.newline + file.indentation(start) if own_line else ' '}")]
    if len(file.text[file.outer(call.func)[1] : close].splitlines()) == 1:
        opened = lines_opened(file, call, text)
        if opened:
            return opened
    return [one_more(file, start, end, [text])]


def without_arguments(file: File, call: cst.Call, dropped: Sequence[cst.Arg]) -> list[Edit]:
    """Each with its comma, and with its line where it has one of its own."""
    if not dropped:
        raise Refused("the arguments are not written there")
    extents = [(file.start(one), file.outer(one.value)[1]) for one in call.args]
    return removed(extents, {call.args.index(one) for one in dropped}, file.end(call) - 1)


def _name(argument: cst.Arg) -> str:
    return "" if argument.keyword is None else argument.keyword.value
