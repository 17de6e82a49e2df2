"""`awaitable_attrs`: a lazy load that is awaited where it is read."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.awaiting import awaited, must_be_awaitable
from asyncsqla_lint.fixes.codemods.refresh import must_not_be_of_a_loop
from asyncsqla_lint.fixes.edits import Changes, insertion
from asyncsqla_lint.fixes.tree import Refused


class UseAwaitableAttributes(Codemod):
    """`user.posts` → `await user.awaitable_attrs.posts`."""

    name = "use_awaitable_attrs"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.node(repair, cst.Attribute)
        if node.attr.value != text_of(repair, "name"):
            raise Refused("the attribute is not read there")
        if isinstance(file.parent(node), (cst.AssignTarget, cst.AugAssign, cst.AnnAssign, cst.Del)):
            raise Refused("it is assigned there")
        must_be_awaitable(file, node)
        must_not_be_of_a_loop(file, node, node.value)
        return Changes.of([*awaited(file, node), insertion(file.outer(node.value)[1], ".awaitable_attrs")])
