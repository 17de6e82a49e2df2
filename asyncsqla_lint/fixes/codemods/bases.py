"""Classes: their bases, and what their attributes are declared as."""

from __future__ import annotations

import re

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.keyword import with_keyword
from asyncsqla_lint.fixes.edits import Changes, Edit, Import, insertion, trimmed
from asyncsqla_lint.fixes.tree import Refused


class AddBase(Codemod):
    """Make a class inherit from `name` of `from`, before its other bases. The place is that of its name."""

    name = "add_base"

    def changes(self, file: File, repair: Repair) -> Changes:
        start, end = file.place(repair)
        owner = file.parent(file.at(start, end, cst.Name))
        name, imports = file.imports.reference(text_of(repair, "from"), text_of(repair, "name"), file.module)
        if isinstance(owner, cst.ClassDef):
            if owner.bases:
                return Changes.of([insertion(file.start(owner.bases[0]), f"{name}, ")], imports)
            if isinstance(owner.lpar, cst.LeftParen):
                return Changes.of([insertion(file.end(owner.lpar), name)], imports)
            return Changes.of([insertion(end, f"({name})")], imports)
        raise Refused("no class is defined there")


class AddClassKeyword(Codemod):
    """`declarative_base()` → `declarative_base(cls=AsyncAttrs)`."""

    name = "add_class_keyword"

    def changes(self, file: File, repair: Repair) -> Changes:
        call = file.node(repair, cst.Call)
        name, imports = file.imports.reference(text_of(repair, "from"), text_of(repair, "name"), call)
        if any(one.keyword is not None and one.keyword.value == "cls" for one in call.args):
            raise Refused("the base has a class of its own")
        return Changes.of(with_keyword(file, call, "cls", name), imports)


class MakeWriteOnly(Codemod):
    """`DynamicMapped[T]`, `lazy="dynamic"` → `WriteOnlyMapped[T]`, `lazy="write_only"`. The place is the declaration."""

    name = "make_write_only"

    def changes(self, file: File, repair: Repair) -> Changes:
        start, end = file.place(repair)
        edits: list[Edit] = []
        imports: list[Import] = []
        for node in file.everything():
            if not start <= file._places.extents.get(node, (-1, -1))[0] < end:
                continue
            if isinstance(node, cst.Name) and node.value == "DynamicMapped":
                name, wanted = file.imports.reference("sqlalchemy.orm", "WriteOnlyMapped", node)
                edits += trimmed(node.value, name, file.start(node))
                imports += wanted
            elif isinstance(node, cst.Arg) and node.keyword is not None and node.keyword.value == "lazy":
                text = file.code(node.value)
                if text.strip("\"'") == "dynamic":
                    edits += trimmed(text, text.replace("dynamic", "write_only"), file.start(node.value))
        if not edits:
            raise Refused("the declaration is not written there")
        return Changes.of(edits, imports)


class ReplaceInText(Codemod):
    """In the string that reaches a call, `old` becomes `new`: a URL's driver, an argument of its query.

    The string stands in the call, or is bound to a name of the same file that the call uses.
    """

    name = "replace_in_text"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        old, new = text_of(repair, "old"), text_of(repair, "new")
        found = _strings(file, node, old)
        seen: set[str] = set()
        waiting = [node]
        while not found and waiting:
            names = {one.value for part in waiting for one in file.nodes(part, cst.Name)} - seen
            seen |= names
            waiting = [value for name in sorted(names) for value in _bound_to(file, name)]
            found = [text for value in waiting for text in _strings(file, value, old)]
        if len(found) != 1:
            raise Refused(f"`{old}` is not written there" if not found else f"`{old}` is written in several places")
        start, end = file.extent(found[0])
        text = file.text[start:end]
        at = _index(text, old)
        return Changes.of(trimmed(old, new, start + at))


def _strings(file: File, node: cst.CSTNode, old: str) -> list[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    for one in file.nodes(node, cst.CSTNode):  # type: ignore[type-abstract]  # any kind will do
        if isinstance(one, (cst.SimpleString, cst.FormattedStringText)) and _index(file.code(one), old) >= 0:
            found.append(one)
    return found


def _index(text: str, old: str) -> int:
    match = re.search(rf"(?<![\w+]){re.escape(old)}", text)
    return -1 if match is None else match.start()


def _bound_to(file: File, name: str) -> list[cst.BaseExpression]:
    """What is assigned to a name anywhere in the file, keyword arguments and parameters' defaults included."""
    found: list[cst.BaseExpression] = []
    for one in file.everything():
        if isinstance(one, cst.Assign) and any(_names(target.target, name) for target in one.targets):
            found.append(one.value)
        elif isinstance(one, cst.AnnAssign) and one.value is not None and _names(one.target, name):
            found.append(one.value)
        elif isinstance(one, cst.Param) and one.name.value == name and one.default is not None:
            found.append(one.default)
        elif isinstance(one, cst.FunctionDef) and one.name.value == name:
            found += [value.value for value in file.nodes(one.body, cst.Return) if value.value is not None]
    return found


def _names(target: cst.BaseExpression, name: str) -> bool:
    if isinstance(target, cst.Attribute):
        return target.attr.value == name
    return isinstance(target, cst.Name) and target.value == name
