"""Legacy queries: `select()` says what `session.query()` and dynamic collections said."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, text_of
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.codemods.refresh import session_in_reach
from asyncsqla_lint.fixes.codemods.results import iterated
from asyncsqla_lint.fixes.edits import Changes, Edit, insertion
from asyncsqla_lint.fixes.queries import chain
from asyncsqla_lint.fixes.tree import Refused

_KEEPS = frozenset(
    "filter filter_by where order_by options join outerjoin limit offset group_by having distinct "
    "with_for_update "
    "select_from execution_options".split()
)
_ENDS = frozenset({"all", "first", "one", "one_or_none"})
# Between `query(…)` and `.count()`: what leaves one row of the query one row of the table.
_COUNTS_ROWS = frozenset({"filter", "filter_by", "where"})


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
            whole = links[0][1]
            text = f"{session}.get({arguments})"
            if not isinstance(file.parent(whole), cst.Await):
                text = f"await {text}"
            if isinstance(file.parent(whole), (cst.Attribute, cst.Subscript)):
                text = f"({text})"
            return Changes.of([Edit(*file.extent(whole), text)])
        end = next((n for n, name in enumerate(names) if name not in _KEEPS), len(names))
        if names[end:] == ["count"] and _COUNTS_ROWS.issuperset(names[:end]) and _is_entity(query.args[0]):
            func, more = file.imports.reference("sqlalchemy", "func", query, also=("sqlmodel",))
            return Changes.of(
                _counted(file, attribute, query, links[end][1], select, func), [*imports, *more]
            )
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
        return Changes.of([*edits, *_without_await(file, links[end][1])], imports)


def _without_await(file: File, call: cst.Call) -> list[Edit]:
    """What was awaited was the end of the chain, which is no coroutine any more."""
    outer = file.parent(call)
    return [Edit(file.start(outer), file.outer(call)[0], "")] if isinstance(outer, cst.Await) else []


def _counted(
    file: File, attribute: cst.Attribute, query: cst.Call, count: cst.Call, select: str, func: str
) -> list[Edit]:
    """`session.query(User).filter(…).count()`
    → `await session.scalar(select(func.count()).select_from(User).filter(…))`.
    """
    assert isinstance(count.func, cst.Attribute)
    is_awaited = isinstance(file.parent(count), cst.Await)
    scalar = f"{'' if is_awaited else 'await '}{file.code(attribute.value)}.scalar("
    start, opened = file.start(query), file.end(attribute)
    return [
        Edit(start, opened, f"{scalar}{select}({func}.count()).select_from"),
        Edit(file.outer(count.func.value)[1], file.end(count), ")"),
    ]


def _is_entity(argument: cst.Arg) -> bool:
    """`User`, not `User.name` nor `func.count()`."""
    return isinstance(argument.value, cst.Name) and argument.value.value[:1].isupper()
