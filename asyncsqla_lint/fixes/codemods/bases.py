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
    """`DynamicMapped[T]`, `lazy="dynamic"` → `WriteOnlyMapped[T]`,
    `lazy="write_only"`. The place is the declaration.
    """

    name = "make_write_only"
    together = True

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
        found = _reaching(file, node, old)
        if not found and old.endswith("://"):
            # `URL.create("postgresql")` names the driver alone.
            old, new = old.removesuffix("://"), new.removesuffix("://")
            found = [one for one in _reaching(file, node, old) if file.code(one)[1:-1] == old]
        if len(found) != 1:
            raise Refused(
                f"`{old}` is not written there" if not found else f"`{old}` is written in several places"
            )
        start, end = file.extent(found[0])
        text = file.text[start:end]
        at = _index(text, old)
        return Changes.of(trimmed(old, new, start + at))


def _reaching(file: File, node: cst.CSTNode, old: str) -> list[cst.CSTNode]:
    """The strings that hold `old`, in the node or in what its names are bound to, nearest first."""
    found = _strings(file, node, old)
    seen: set[str] = set()
    waiting: list[cst.CSTNode] = [node]
    while not found and waiting:
        bound: list[cst.CSTNode] = []
        for part in waiting:
            for name in file.nodes(part, cst.Name):
                if name.value not in seen:
                    seen.add(name.value)
                    bound += _bound_to(file, name)
        waiting = bound
        found = [text for value in waiting for text in _strings(file, value, old)]
    return list(dict.fromkeys(found))


def _strings(file: File, node: cst.CSTNode, old: str) -> list[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    for one in file.nodes(node, cst.CSTNode):  # type: ignore[type-abstract]  # any kind will do
        if isinstance(one, (cst.SimpleString, cst.FormattedStringText)) and _index(file.code(one), old) >= 0:
            found.append(one)
    return found


def _index(text: str, old: str) -> int:
    match = re.search(rf"(?<![\w+]){re.escape(old)}", text)
    return -1 if match is None else match.start()


def _bound_to(file: File, name: cst.Name) -> list[cst.BaseExpression]:
    """What is assigned to the name: in the function that reads it, else at the top level or in a class."""
    local: list[cst.BaseExpression] = []
    outer: list[cst.BaseExpression] = []
    mine = file.function(name)
    for one in file.everything():
        values: list[cst.BaseExpression] = []
        if isinstance(one, cst.Assign) and any(_names(target.target, name.value) for target in one.targets):
            values = [one.value]
        elif isinstance(one, cst.AnnAssign) and one.value is not None and _names(one.target, name.value):
            values = [one.value]
        elif isinstance(one, cst.FunctionDef) and one.name.value == name.value:
            values = [each.value for each in file.nodes(one.body, cst.Return) if each.value is not None]
        if not values:
            continue
        theirs = file.function(one)
        if theirs is mine and mine is not None:
            local += values
        elif theirs is None or _is_attribute(one):
            outer += values
    return local or outer


def _is_attribute(node: cst.CSTNode) -> bool:
    """`self.url = …` is seen from every method."""
    if isinstance(node, cst.Assign):
        return any(isinstance(target.target, cst.Attribute) for target in node.targets)
    return isinstance(node, cst.AnnAssign) and isinstance(node.target, cst.Attribute)


def _names(target: cst.BaseExpression, name: str) -> bool:
    if isinstance(target, cst.Attribute):
        return target.attr.value == name
    return isinstance(target, cst.Name) and target.value == name
