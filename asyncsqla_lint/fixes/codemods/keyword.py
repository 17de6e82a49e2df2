"""Keyword arguments of a call: set one, drop some."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, list_of, text_of
from asyncsqla_lint.fixes.edits import Changes, Edit, insertion, trimmed
from asyncsqla_lint.fixes.tree import Refused


class SetKeyword(Codemod):
    """Give a call `name=value`: the argument that is there gets the value, else it is added at the end."""

    name = "set_keyword"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        return Changes.of(with_keyword(file, call, text_of(repair, "name"), text_of(repair, "value")))


class RemoveKeywords(Codemod):
    """Drop keyword arguments of a call."""

    name = "remove_keywords"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        names = list_of(repair, "names")
        return Changes.of(without_arguments(file, call, [arg for arg in call.args if _name(arg) in names]))


def with_keyword(file: File, call: cst.Call, name: str, value: str) -> list[Edit]:
    for argument in call.args:
        if _name(argument) == name:
            return list(trimmed(file.code(argument.value), value, file.start(argument.value)))
    return with_argument(file, call, f"{name}={value}")


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
    own_line = not file.text[file.line_start(start) : start].strip()
    lead = file.newline + file.indentation(start) if own_line else " "
    before = last if last.star == "**" else None
    if before is not None:
        # A keyword before `**more`, which may hold whatever it likes.
        return [insertion(start, f"{text},{lead}")]
    return [insertion(end, f",{lead}{text}")]


def without_arguments(file: File, call: cst.Call, dropped: Sequence[cst.Arg]) -> list[Edit]:
    """Each with its comma, and with its line where it has one of its own."""
    if not dropped:
        raise Refused("the arguments are not written there")
    edits = []
    places = [file.start(argument) for argument in call.args]
    close = file.end(call) - 1
    for argument in dropped:
        index = call.args.index(argument)
        start = places[index]
        if index + 1 < len(call.args):
            edits.append(Edit(start, places[index + 1], ""))
            continue
        kept = [one for one in call.args[:index] if one not in dropped]
        if not kept:
            edits.append(Edit(start, close if len(dropped) == len(call.args) else _end(file, argument), ""))
            continue
        # The last one takes the comma before it along; a trailing comma stays for the new last one.
        end = _end(file, argument)
        edits.append(
            Edit(_end(file, kept[-1]), end, "") if kept[-1] is call.args[index - 1] else Edit(start, end, "")
        )
    return edits


def _end(file: File, argument: cst.Arg) -> int:
    return file.outer(argument.value)[1]


def _name(argument: cst.Arg) -> str:
    return "" if argument.keyword is None else argument.keyword.value
