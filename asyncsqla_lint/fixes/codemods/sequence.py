"""Tasks that share a session: one after the other instead."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.codemods.eager_load import chain
from asyncsqla_lint.fixes.codemods.refresh import session_in_reach
from asyncsqla_lint.fixes.codemods.results import iterated
from asyncsqla_lint.fixes.edits import Changes, Edit, insertion
from asyncsqla_lint.fixes.statements import enclosing
from asyncsqla_lint.fixes.tree import Refused


class AwaitInSequence(Codemod):
    """`await asyncio.gather(a(), b())` → `await a(), await b()`. The
    place is the call, or one of its arguments.
    """

    name = "await_in_sequence"

    def changes(self, file: File, repair: Repair) -> Changes:
        gather = _gather(file, *file.place(repair))
        outer = file.parent(gather)
        if not isinstance(outer, cst.Await):
            raise Refused("its result is not awaited at once")
        must_be_awaitable(file, outer)
        if any(one.keyword is not None for one in gather.args):
            raise Refused("`gather` is told what to do with exceptions")
        if any(one.star == "*" for one in gather.args):
            return Changes.of(_comprehension(file, gather, outer))
        if not all(isinstance(one.value, cst.Call) for one in gather.args):
            raise Refused("it is not clear what is awaited")
        awaits = [f"await {file.code(one.value)}" for one in gather.args]
        only = _own_statement(file, outer)
        if only is not None:
            between = file.newline + file.indentation(file.start(only))
            return Changes.of([Edit(*file.extent(outer), between.join(awaits))])
        listed = _listed(file, awaits, gather)
        parent = file.parent(outer)
        bare = isinstance(parent, (cst.Assign, cst.Return)) or outer.lpar
        return Changes.of(
            [Edit(*file.extent(outer), listed if bare and "\n" not in listed else f"({listed})")]
        )


def _listed(file: File, awaits: list[str], gather: cst.Call) -> str:
    first = file.start(gather.args[0])
    if file.text[file.line_start(first) : first].strip():
        return ", ".join(awaits) + ("," if len(awaits) == 1 else "")
    pad = file.newline + file.indentation(first)
    return "".join(f"{pad}{one}," for one in awaits) + file.newline + file.indentation(file.end(gather) - 1)


def _comprehension(file: File, gather: cst.Call, outer: cst.Await) -> list[Edit]:
    """`await gather(*[f(x) for x in xs])` → `[await f(x) for x in xs]`."""
    if len(gather.args) != 1:
        raise Refused("it starts tasks of several kinds")
    value = gather.args[0].value
    extent = file.extent(outer)
    if isinstance(value, (cst.ListComp, cst.GeneratorExp)):
        if not isinstance(value.elt, cst.Call):
            raise Refused("it is not clear what is awaited")
        loop = value.for_in
        only = _own_statement(file, outer)
        if only is not None and not loop.ifs and loop.inner_for_in is None and loop.asynchronous is None:
            deeper = file.newline + file.indentation(file.start(only)) + file.indent
            header = f"for {file.code(loop.target)} in {file.code(loop.iter)}:"
            return [Edit(*extent, f"{header}{deeper}await {file.code(value.elt)}")]
        return [Edit(*extent, f"[await {file.text[file.start(value.elt) : file.end(value.for_in)]}]")]
    if isinstance(value, cst.Call) and _name(value) == "map" and len(value.args) == 2:
        function = value.args[0].value
        if isinstance(function, (cst.Name, cst.Attribute)):
            each = f"await {file.code(function)}(each)"
            return [Edit(*extent, f"[{each} for each in {file.code(value.args[1].value)}]")]
    raise Refused("it is not clear what is awaited")


def _gather(file: File, start: int, end: int) -> cst.Call:
    """The call of `gather` around the place: it may be that of an unpacked argument."""
    found: cst.Call | None = None
    for one in file.nodes(file.module, cst.Call):
        first, last = file.extent(one)
        if first <= start and end <= last and _name(one) == "gather":
            found = one
    if found is None:
        raise Refused("the tasks are not started by `gather`")
    return found


def _name(call: cst.Call) -> str:
    if isinstance(call.func, cst.Attribute):
        return call.func.attr.value
    return call.func.value if isinstance(call.func, cst.Name) else ""


def _own_statement(file: File, outer: cst.Await) -> cst.Expr | None:
    statement = enclosing(file, outer)
    parent = file.parent(outer)
    if (
        isinstance(statement, cst.SimpleStatementLine)
        and len(statement.body) == 1
        and isinstance(parent, cst.Expr)
    ):
        return parent
    return None


_KEEPS = frozenset(
    "filter filter_by where order_by options join outerjoin limit offset group_by having distinct "
    "with_for_update "
    "select_from execution_options".split()
)
_ENDS = frozenset({"all", "first", "one", "one_or_none"})


class SelectWriteOnly(Codemod):
    """`user.posts.order_by(…).all()` → `(await session.scalars(user.posts.select().order_by(…))).all()`."""

    name = "select_write_only"

    def changes(self, file: File, repair: Repair) -> Changes:
        node = iterated(file, file.expression(repair))
        attribute = next(
            (
                one
                for one in file.nodes(node, cst.Attribute)
                if one.attr.value == text_of(repair, "attribute")
            ),
            None,
        )
        if attribute is None:
            raise Refused("the collection is not named there")
        must_be_awaitable(file, attribute)
        session = session_in_reach(file, attribute)
        links = chain(file, attribute)
        end = next((n for n, (name, _) in enumerate(links) if name not in _KEEPS), len(links))
        start, last = file.extent(attribute)
        stop = last
        if end < len(links):
            name, final = links[end]
            if name not in _ENDS or not isinstance(final.func, cst.Attribute):
                raise Refused("there is no short way to say it with `select()`")
            stop = file.outer(final.func.value)[1]
        elif links:
            raise Refused("it is not clear how its rows are fetched")
        whole = end < len(links)
        opening, closing = ("(await", "))") if whole else ("await", ")")
        edits = [insertion(start, f"{opening} {session}.scalars(")]
        if stop == last:
            return Changes.of([*edits, insertion(last, f".select(){closing}")])
        return Changes.of([*edits, insertion(last, ".select()"), insertion(stop, closing)])


class QueryToSelect(Codemod):
    """`session.query(User).filter(…).all()` → `(await session.scalars(select(User).filter(…))).all()`."""

    name = "query_to_select"

    def changes(self, file: File, repair: Repair) -> Changes:
        attribute = file.node(repair, cst.Attribute)
        query = file.parent(attribute)
        if not isinstance(query, cst.Call) or query.func is not attribute or not query.args:
            raise Refused("it is not called there")
        must_be_awaitable(file, query)
        links = chain(file, query)
        names = [name for name, _ in links]
        session = file.code(attribute.value)
        select, imports = file.imports.reference(
            "sqlalchemy", "select", query, also=("sqlalchemy.future", "sqlmodel")
        )
        if names == ["get"]:
            arguments = ", ".join(file.code(one).rstrip(", ") for one in (*query.args, *links[0][1].args))
            text = f"await {session}.get({arguments})"
            whole = links[0][1]
            if isinstance(file.parent(whole), (cst.Attribute, cst.Subscript)):
                text = f"({text})"
            return Changes.of([Edit(*file.extent(whole), text)])
        end = next((n for n, name in enumerate(names) if name not in _KEEPS), len(names))
        if end == len(names) or names[end] not in _ENDS:
            raise Refused("there is no short way to say it with `select()`")
        method = "scalars" if len(query.args) == 1 and _is_entity(query.args[0]) else "execute"
        last = links[end][1]
        assert isinstance(last.func, cst.Attribute)
        stop = file.outer(last.func.value)[1]
        start = file.start(query)
        edits = [
            Edit(start, file.end(attribute), f"(await {session}.{method}({select}"),
            insertion(stop, "))"),
        ]
        return Changes.of(edits, imports)


def _is_entity(argument: cst.Arg) -> bool:
    """`User`, not `User.name` nor `func.count()`."""
    return isinstance(argument.value, cst.Name) and argument.value.value[:1].isupper()
