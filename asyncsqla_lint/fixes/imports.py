"""What a file has imported, under which names; and where a new import belongs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Union

import libcst as cst
from libcst.helpers import get_full_name_for_node
from msgspec import Struct

from asyncsqla_lint.fixes.edits import Edit, Import, insertion
from asyncsqla_lint.fixes.tree import Refused, Tree

_Imported = Union[cst.Import, cst.ImportFrom]
_FUNCTIONS = (cst.FunctionDef, cst.Lambda)
_SCOPES = (cst.FunctionDef, cst.Lambda, cst.ClassDef)


class Bound(Struct, frozen=True):
    """A name that an import binds at run time, for the whole module."""

    name: str
    module: str
    member: str  # "" when the name is the module itself
    level: int


class Statement(Struct, frozen=True):
    """One import statement at the top level."""

    node: _Imported
    line: cst.SimpleStatementLine
    start: int
    end: int  # of its last line, the line ending included


class Imports:
    """`package` is the dotted package that the file's relative imports start from ("" when not known)."""

    def __init__(self, tree: Tree, package: str = "") -> None:
        self._tree = tree
        self._package = package
        self._known_scopes: dict[str, set[cst.CSTNode]] = {}

    # --- what is there ---------------------------------------------------------------------------

    @cached_property
    def statements(self) -> list[Statement]:
        found = []
        for line in self._saying("import"):
            if not isinstance(line, cst.SimpleStatementLine):
                continue
            for node in line.body:
                if isinstance(node, (cst.Import, cst.ImportFrom)):
                    start, end = self._tree.extent(line)
                    found.append(Statement(node, line, start, end))
        return found

    def _saying(self, word: str) -> Iterator[cst.CSTNode]:
        """The module's statements that say it; no definitions."""
        tree = self._tree
        for number, one in enumerate(tree.stretches):
            if not one.is_definition and word in tree.text[one.start : one.end]:
                yield from tree.statements_in(number)

    @cached_property
    def bound(self) -> list[Bound]:
        return [one for statement in self.statements for one in _bound(statement.node)]

    def _scopes(self, name: str) -> set[cst.CSTNode]:
        """In which scopes a name means something else than a module's
        import: functions, or the module itself.
        """
        tree = self._tree
        if name not in self._known_scopes:
            found = self._known_scopes[name] = set()
            for node in tree.around_bindings(name):
                if name in self._bindings(node):
                    kinds = _FUNCTIONS if isinstance(node, cst.Param) else _SCOPES
                    scopes = (one for one in tree.ancestors(node) if isinstance(one, kinds))
                    found.add(next(scopes, tree.module))
        return self._known_scopes[name]

    def _bindings(self, node: cst.CSTNode) -> list[str]:
        if isinstance(node, cst.Param):
            return [node.name.value]
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            return [node.name.value]
        if isinstance(node, (cst.AssignTarget, cst.NamedExpr, cst.For, cst.CompFor)):
            return _names(node.target)
        if isinstance(node, cst.AnnAssign):
            return _names(node.target)
        if isinstance(node, cst.AsName):
            return [] if isinstance(self._tree.parent(node), cst.ImportAlias) else _names(node.name)
        if isinstance(node, (cst.Import, cst.ImportFrom)):
            inside = next((one for one in self._tree.ancestors(node) if isinstance(one, _SCOPES)), None)
            return [one.name for one in _bound(node)] if inside is not None else []
        return []

    def _taken(self, name: str, at: cst.CSTNode) -> bool:
        """Does the name, read at that place, mean something else than the module's import of it?"""
        scopes = self._scopes(name)
        if self._tree.module in scopes:
            return True
        around = [one for one in self._tree.ancestors(at) if isinstance(one, _FUNCTIONS)]
        return any(one in scopes for one in around)

    def absolute(self, bound: Bound) -> str:
        """The dotted module that an import statement means."""
        if not bound.level:
            return bound.module
        base = self._package.split(".") if self._package else []
        kept = base[: len(base) - (bound.level - 1)] if bound.level > 1 else base
        return ".".join([*kept, *([bound.module] if bound.module else [])])

    # --- naming ----------------------------------------------------------------------------------

    def reference(
        self, module: str, member: str, at: cst.CSTNode, *, also: Sequence[str] = ()
    ) -> tuple[str, tuple[Import, ...]]:
        """How to write `member` of `module` at a place of this file, and what has to be imported for it.

        `also` are modules that offer the same object; an import of it from there will do.
        """
        for one in self.bound:
            if (
                one.member == member
                and self.absolute(one) in (module, *also)
                and not self._taken(one.name, at)
            ):
                return one.name, ()
        for one in self.bound:
            full = f"{self.absolute(one)}.{one.member}" if one.member else one.module
            is_it = full == module or (full in also and one.member)
            if is_it and not self._taken(one.name, at):
                return f"{one.name}.{member}", ()
        through = self._through_package(module, member, at)
        if through is not None:
            return through, ()
        style = self._style(module)
        alias = member
        others = {one.name for one in self.bound}
        if self._is_known(member) or member in others:
            alias = f"sqlalchemy_{member}" if module.startswith("sqlalchemy") else f"{member}_"
            while self._is_known(alias) or alias in others:
                alias += "_"
        return alias, (_import(style, member, alias),)

    def model(self, module: str, name: str, at: cst.CSTNode) -> tuple[str, tuple[Import, ...]]:
        """How to write a class of the project here. A package may offer it again, so its name counts."""
        root = module.split(".")[0]
        for one in self.bound:
            known = self.absolute(one)
            if (
                one.member == name
                and not self._taken(one.name, at)
                and (one.level or known.split(".")[0] == root)
            ):
                return one.name, ()
        if name in self._for_types:
            # It stands there to keep modules from importing each other in a circle.
            raise Refused(f"`{name}` is imported for type checking only")
        return self.reference(module, name, at)

    def _is_known(self, name: str) -> bool:
        """Is the name something else anywhere? Class bodies have their own."""
        return any(not isinstance(scope, cst.ClassDef) for scope in self._scopes(name))

    @cached_property
    def _for_types(self) -> frozenset[str]:
        """Names imported under `if TYPE_CHECKING:`."""
        found: set[str] = set()
        for node in self._saying("TYPE_CHECKING"):
            if isinstance(node, cst.If) and (get_full_name_for_node(node.test) or "").endswith(
                "TYPE_CHECKING"
            ):
                for one in self._tree.nodes(node.body, cst.ImportFrom):
                    found.update(bound.name for bound in _bound(one))
        return frozenset(found)

    def _through_package(self, module: str, member: str, at: cst.CSTNode) -> str | None:
        """`import sqlalchemy as sa` gives `sa.text`, but `sa.orm` only once something imports it."""
        loaded = {self.absolute(one) for one in self.bound if one.member}
        loaded |= {one.module for one in self.bound if not one.member}
        for one in self.bound:
            if one.member or self._taken(one.name, at):
                continue
            if module == one.module:
                return f"{one.name}.{member}"
            if module.startswith(f"{one.module}.") and any(
                each == module or each.startswith(f"{module}.") for each in loaded
            ):
                return f"{one.name}.{module[len(one.module) + 1 :]}.{member}"
        return None

    def _style(self, module: str) -> tuple[str, int]:
        """As this file names that module already: relative or absolute."""
        for one in self.bound:
            if one.member and one.level and self.absolute(one) == module:
                return one.module, one.level
        if self._package and (module == self._package or module.startswith(f"{self._package}.")):
            if any(one.level for one in self.bound) and not any(
                not one.level and one.module.split(".")[0] == self._package.split(".")[0]
                for one in self.bound
            ):
                return module[len(self._package) + 1 :], 1
        return module, 0

    # --- adding ----------------------------------------------------------------------------------

    def added(self, wanted: Iterable[Import]) -> list[Edit]:
        """The edits that import all of these: into a statement that is there, else as a new one."""
        edits: list[Edit] = []
        by_module: dict[tuple[int, str], list[Import]] = {}
        for one in sorted(set(wanted)):
            by_module.setdefault((one.level, one.module), []).append(one)
        fresh: dict[int, list[str]] = {}
        for (level, module), names in sorted(by_module.items()):
            statement = self._existing(level, module) if names[0].name else None
            if statement is not None:
                edits.append(self._extended(statement, names))
                continue
            line = _line(level, module, names)
            at, text = self._new(level, module, line)
            fresh.setdefault(at, []).append(text)
        edits += [insertion(at, "".join(lines)) for at, lines in fresh.items()]
        return edits

    def _existing(self, level: int, module: str) -> Statement | None:
        for statement in self.statements:
            node = statement.node
            if (
                isinstance(node, cst.ImportFrom)
                and not isinstance(node.names, cst.ImportStar)
                and len(node.relative) == level
                and (get_full_name_for_node(node.module) if node.module else "") == module
            ):
                return statement
        return None

    def _extended(self, statement: Statement, wanted: Sequence[Import]) -> Edit:
        node = statement.node
        assert isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar)
        tree = self._tree
        first, last = node.names[0], node.names[-1]
        start, end = tree.start(first), tree.end(last)
        texts = [tree.code(alias) for alias in node.names]
        texts = [text.rstrip().rstrip(",").rstrip() for text in texts]
        keys = [_sort_key(text) for text in texts]
        ordered = keys == sorted(keys)
        new = [one.name + (f" as {one.alias}" if one.alias else "") for one in wanted]
        new = [text for text in new if text not in texts]
        inner = tree.text[tree.start(node) : end]
        if node.lpar is not None and ("\n" in inner or "\r" in inner):
            return self._into_lines(node, texts, keys, new, ordered)
        merged = sorted([*texts, *new], key=_sort_key) if ordered else [*texts, *new]
        head = tree.text[tree.line_start(start) : start]
        tail = tree.text[end : tree.line_end(end)]
        comment = tail.lstrip().startswith("#")
        if (
            node.lpar is None
            and not comment
            and len(head) + len(", ".join(merged)) + len(tail) > tree.line_length
        ):
            # Too long for its line: into parentheses, a name a line.
            pad = tree.newline + tree.indentation(start) + tree.indent
            body = "".join(f"{pad}{text}," for text in merged)
            return Edit(start, end, f"({body}{tree.newline}{tree.indentation(start)})")
        return Edit(start, end, ", ".join(merged))

    def _into_lines(
        self,
        node: cst.ImportFrom,
        texts: list[str],
        keys: list[tuple[int, str]],
        new: list[str],
        ordered: bool,
    ) -> Edit:
        tree = self._tree
        assert not isinstance(node.names, cst.ImportStar)
        text = new[0] if len(new) == 1 else None
        if text is not None:
            place = next((n for n, key in enumerate(keys) if ordered and key > _sort_key(text)), None)
            if place is not None:
                at = tree.start(node.names[place])
                own_line = not tree.text[tree.line_start(at) : at].strip()
                follow = tree.newline + tree.indentation(at) if own_line else " "
                return insertion(at, f"{text},{follow}")
        added = sorted(new, key=_sort_key)
        last = node.names[-1]
        at = tree.start(last) + len(texts[-1])
        own_line = not tree.text[tree.line_start(tree.start(last)) : tree.start(last)].strip()
        lead = tree.newline + tree.indentation(tree.start(last)) if own_line else " "
        return insertion(at, "".join(f",{lead}{one}" for one in added))

    def _new(self, level: int, module: str, line: str) -> tuple[int, str]:
        """Where a new statement goes: among the imports of its kind, sorted as they are."""
        tree = self._tree
        newline = tree.newline
        kind = self._kind(level, module)
        blocks = [
            (self._kind_of(statement), statement)
            for statement in self.statements
            if not self._is_late(statement)
        ]
        same = [statement for one, statement in blocks if one == kind]
        # Which packages are third-party is not known here; those of one name stand together in any case.
        near = [one for one in same if _module_of(one.node).split(".")[0] == module.split(".")[0]]
        if near or same:
            return self._sorted_into(near or same, level, module, line)
        earlier = [s for one, s in blocks if one < kind]
        if earlier:
            return self._after(earlier[-1]), newline + line + newline
        if blocks:
            return tree.line_start(self._own_start(blocks[0][1])), line + newline + newline
        return self._top(), line + newline + newline

    def _kind_of(self, statement: Statement) -> int:
        node = statement.node
        return self._kind(len(node.relative) if isinstance(node, cst.ImportFrom) else 0, _module_of(node))

    def _sorted_into(self, block: Sequence[Statement], level: int, module: str, line: str) -> tuple[int, str]:
        key = _statement_key(level, module)
        for statement in block:
            node = statement.node
            if (
                isinstance(node, cst.ImportFrom)
                and _statement_key(len(node.relative), _module_of(node)) > key
            ):
                return self._tree.line_start(self._own_start(statement)), line + self._tree.newline
        return self._after(block[-1]), line + self._tree.newline

    def _own_start(self, statement: Statement) -> int:
        return self._tree.start(statement.node)

    def _after(self, statement: Statement) -> int:
        tree = self._tree
        end = tree.end(statement.line)
        stop = tree.line_end(end)
        return min(stop + _ending(tree.text, stop), len(tree.text))

    def _is_late(self, statement: Statement) -> bool:
        """An import below other code: no model for where imports go."""
        return any(one.is_definition for one in self._tree.stretches[: self._tree.number(statement.start)])

    def _top(self) -> int:
        """Below the docstring; else where the first statement begins, its comments above."""
        tree = self._tree
        body = chain.from_iterable(map(tree.statements_in, range(len(tree.stretches))))
        first = next(body, None)
        if isinstance(first, cst.SimpleStatementLine) and isinstance(first.body[0], cst.Expr):
            if isinstance(first.body[0].value, (cst.SimpleString, cst.ConcatenatedString)):
                first = next(body, None)
        if first is None:
            return len(tree.text)
        at = tree.line_start(tree.start(first))
        decorators = getattr(first, "decorators", ())
        return tree.line_start(tree.start(decorators[0])) if decorators else at

    def _kind(self, level: int, module: str) -> int:
        """isort's sections: future, standard library, third party, first party, relative."""
        if level:
            return 4
        root = module.split(".")[0]
        if root == "__future__":
            return 0
        if root in sys.stdlib_module_names:
            return 1
        if self._package and root == self._package.split(".")[0]:
            return 3
        return 2


def _import(style: tuple[str, int], member: str, alias: str) -> Import:
    module, level = style
    return Import(module, member, alias if alias != member else "", level)


def _bound(node: _Imported) -> list[Bound]:
    if isinstance(node, cst.Import):
        found = []
        for alias in node.names:
            full = get_full_name_for_node(alias.name) or ""
            if alias.asname is not None:
                found.append(Bound(_asname(alias), full, "", 0))
            else:
                found.append(Bound(full.split(".")[0], full.split(".")[0], "", 0))
                if "." in full:
                    found.append(Bound(full, full, "", 0))
        return found
    if isinstance(node.names, cst.ImportStar):
        return []
    module = (get_full_name_for_node(node.module) or "") if node.module else ""
    level = len(node.relative)
    return [
        Bound(
            _asname(alias) if alias.asname is not None else get_full_name_for_node(alias.name) or "",
            module,
            get_full_name_for_node(alias.name) or "",
            level,
        )
        for alias in node.names
    ]


def _asname(alias: cst.ImportAlias) -> str:
    assert alias.asname is not None
    return get_full_name_for_node(alias.asname.name) or ""


def _names(target: cst.CSTNode) -> list[str]:
    if isinstance(target, cst.Name):
        return [target.value]
    if isinstance(target, (cst.Tuple, cst.List)):
        return [name for element in target.elements for name in _names(element.value)]
    if isinstance(target, cst.StarredElement):
        return _names(target.value)
    return []


def _module_of(node: _Imported) -> str:
    if isinstance(node, cst.Import):
        return get_full_name_for_node(node.names[0].name) or ""
    return (get_full_name_for_node(node.module) or "") if node.module else ""


def _line(level: int, module: str, names: Sequence[Import]) -> str:
    if not names[0].name:
        return f"import {module}" + (f" as {names[0].alias}" if names[0].alias else "")
    listed = sorted((one.name + (f" as {one.alias}" if one.alias else "") for one in names), key=_sort_key)
    return f"from {'.' * level}{module} import {', '.join(listed)}"


def _statement_key(level: int, module: str) -> tuple[int, str]:
    return -level, module.lower()


def _sort_key(text: str) -> tuple[int, str]:
    """isort's order of names: constants, classes, the rest."""
    name = text.split(" ")[0]
    if name.isupper() and len(name) > 1:
        return 0, name.lower()
    return (1 if name[:1].isupper() else 2), name.lower()


def _ending(text: str, at: int) -> int:
    return 2 if text[at : at + 2] == "\r\n" else 1 if at < len(text) else 0
