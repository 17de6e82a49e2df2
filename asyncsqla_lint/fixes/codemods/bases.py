"""Classes: their bases, and what their attributes are declared as."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
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
        for node in file.within(start, end, cst.CSTNode):  # type: ignore[type-abstract]  # any kind will do
            if not start <= file.start(node) < end:
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
