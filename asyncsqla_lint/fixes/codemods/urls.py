"""Database URLs: the driver they name, the arguments in their query."""

from __future__ import annotations

import re

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.edits import Changes, insertion, trimmed
from asyncsqla_lint.fixes.tree import Refused


class ReplaceInText(Codemod):
    """In the string that stands there, `old` becomes `new`: a URL's driver, an argument of its query."""

    name = "replace_in_text"

    def changes(self, file: File, repair: Repair) -> Changes:
        old, new = text_of(repair, "old"), text_of(repair, "new")
        start, end = file.place(repair)
        found = _strings(file, start, end, old)
        if not found and old.endswith("://"):
            # `URL.create("postgresql")` names the driver alone.
            old, new = old.removesuffix("://"), new.removesuffix("://")
            found = _strings(file, start, end, old)
        if len(found) != 1:
            raise Refused(
                f"`{old}` is not written there" if not found else f"`{old}` is written in several places"
            )
        first, _ = file.extent(found[0])
        return Changes.of(trimmed(old, new, first + _index(file.code(found[0]), old)))


class SetDrivername(Codemod):
    """`create_engine(URL)` → `create_engine(make_url(URL).set(drivername="sqlite"))`."""

    name = "set_drivername"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        url = _url(file, call)
        start, end = file.outer(url)
        driver = f'.set(drivername="{text_of(repair, "name")}")'
        if isinstance(url, cst.Call) and _called(url) in ("make_url", "set"):
            return Changes.of([insertion(end, driver)])
        make_url, imports = file.imports.reference(
            "sqlalchemy", "make_url", call, also=("sqlalchemy.engine", "sqlalchemy.engine.url")
        )
        return Changes.of([insertion(start, f"{make_url}("), insertion(end, f"){driver}")], imports)


def _url(file: File, call: cst.Call) -> cst.BaseExpression:
    """The argument that is the URL: of `engine_from_config`, where its dictionary is written there."""
    if not call.args or call.args[0].star or call.args[0].keyword not in (None,):
        named = [one.value for one in call.args if one.keyword is not None and one.keyword.value == "url"]
        if len(named) == 1:
            return named[0]
        raise Refused("the URL is not written there")
    first = call.args[0].value
    if _called(call) != "engine_from_config":
        return first
    if isinstance(first, cst.Dict):
        for element in first.elements:
            if isinstance(element, cst.DictElement) and file.code(element.key).strip("\"'").endswith(".url"):
                return element.value
    raise Refused("the URL is not written there")


def _called(call: cst.Call) -> str:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value
    return call.func.value if isinstance(call.func, cst.Name) else ""


def _strings(file: File, start: int, end: int, old: str) -> list[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    for one in file.everything():
        if isinstance(one, (cst.SimpleString, cst.FormattedStringText)):
            first, last = file.extent(one)
            if start <= first and last <= end and _index(file.code(one), old) >= 0:
                found.append(one)
    return found


def _index(text: str, old: str) -> int:
    match = re.search(rf"(?<![\w+]){re.escape(old)}", text)
    return -1 if match is None else match.start()
