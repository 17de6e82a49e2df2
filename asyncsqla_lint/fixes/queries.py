"""How a query is written: its chain of methods, its loader options, what would forbid a join."""

from __future__ import annotations

import libcst as cst

from asyncsqla_lint.fixes.tree import Tree

# Under these a join for the sake of loading is refused by databases, or changes which rows come.
_NO_JOINS = frozenset(
    "with_for_update yield_per distinct group_by from_statement union union_all partitions".split()
)


def chain(tree: Tree, call: cst.BaseExpression) -> list[tuple[str, cst.Call]]:
    """The methods that are called on a call's result, one on the other."""
    found: list[tuple[str, cst.Call]] = []
    below: cst.CSTNode = call
    while True:
        attribute = tree.parent(below)
        if not isinstance(attribute, cst.Attribute) or attribute.value is not below:
            return found
        outer = tree.parent(attribute)
        if not isinstance(outer, cst.Call) or outer.func is not attribute:
            return found
        found.append((attribute.attr.value, outer))
        below = outer


def alias_maker(tree: Tree, value: cst.BaseExpression) -> str:
    """What gave one entity this name: a parameter or an attribute may stand for many."""
    if not isinstance(value, cst.Name):
        return ""
    for one in tree.nodes(tree.module, cst.Assign):
        if any(
            isinstance(each.target, cst.Name) and each.target.value == value.value for each in one.targets
        ):
            made = last_name(one.value.func) if isinstance(one.value, cst.Call) else ""
            return made if made in ("aliased", "with_polymorphic") else ""
    return ""


def joins_hurt(tree: Tree, call: cst.Call, links: list[tuple[str, cst.Call]]) -> bool:
    methods = {name for name, _ in links}
    keywords = {keyword_of(argument) for _, link in links for argument in link.args}
    statement = tree.statement(call)
    function = tree.function(call)
    if isinstance(statement, cst.SimpleStatementLine):
        for small in statement.body:
            if isinstance(small, cst.Return) and not isinstance(small.value, cst.Await):
                return True  # whoever gets the statement may lock, stream or limit it
            targets = [one.target for one in small.targets] if isinstance(small, cst.Assign) else []
            names = {target.value for target in targets if isinstance(target, cst.Name)}
            if names and function is not None:
                for one in tree.nodes(function, cst.Call):
                    receiver = one.func.value if isinstance(one.func, cst.Attribute) else None
                    while isinstance(receiver, cst.Call) and isinstance(receiver.func, cst.Attribute):
                        receiver = receiver.func.value
                    if isinstance(receiver, cst.Name) and receiver.value in names:
                        methods.add(last_name(one.func))
                        keywords.update(keyword_of(argument) for argument in one.args)
    if methods & _NO_JOINS or "yield_per" in keywords:
        return True
    limited = methods & {"limit", "offset", "fetch", "slice"}
    return bool(limited and methods & {"join", "outerjoin", "join_from", "outerjoin_from", "select_from"})


def loaded_on_demand(tree: Tree, call: cst.Call, links: list[tuple[str, cst.Call]], attribute: str) -> bool:
    """`if with_posts: statement = statement.options(…)`: who builds the query leaves it to the caller."""
    function = tree.function(call)
    if function is None:
        return False
    own, around = {link for _, link in links}, set(tree.ancestors(call))
    for one in tree.nodes(function, cst.Call):
        if last_name(one.func) != "options" or one in own:
            continue
        if any(isinstance(test, cst.If) and test not in around for test in tree.ancestors(one)):
            if any(
                f".{tree.code(named)}".endswith(f".{attribute}") for named in tree.nodes(one, cst.Attribute)
            ):
                return True
    return False


def last_name(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def keyword_of(argument: cst.Arg) -> str:
    return "" if argument.keyword is None else argument.keyword.value


def links_of(option: cst.BaseExpression) -> list[cst.Call]:
    """`selectinload(A.b).joinedload(B.c)`: its calls, in order. `Load(A)` and `orm` are no links."""
    found: list[cst.Call] = []
    node: cst.BaseExpression | None = option
    while isinstance(node, cst.Call):
        name = last_name(node.func)
        if name != "Load":
            found.append(node)
        node = node.func.value if isinstance(node.func, cst.Attribute) else None
    return found[::-1]


def attribute_of(link: cst.Call) -> str:
    """`b` of `selectinload(A.b)`; "" when it is not written so."""
    if len(link.args) < 1 or link.args[0].keyword is not None or link.args[0].star:
        return ""
    value = link.args[0].value
    while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        value = value.func.value  # `A.b.of_type(C)`, `A.b.and_(…)`
    return value.attr.value if isinstance(value, cst.Attribute) else ""
