"""`await session.refresh(obj)` before the statement that reads what is not there."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from asyncsqla_lint.findings import Repair
from asyncsqla_lint.fixes.codemod import Codemod, File, list_of, text_of
from asyncsqla_lint.fixes.codemods.awaiting import must_be_awaitable
from asyncsqla_lint.fixes.edits import Changes, insertion
from asyncsqla_lint.fixes.statements import statement_before
from asyncsqla_lint.fixes.tree import Refused

# What is called on sessions and on little else.
_OF_SESSIONS = frozenset(
    "add add_all flush commit rollback refresh merge get get_one scalars scalar execute delete expire "
    "begin_nested "
    "expunge stream stream_scalars".split()
)
# A set has these too, or a unit of work, which cannot refresh.
_OF_OTHERS = frozenset("add get commit rollback flush delete".split())


class AddRefresh(Codemod):
    """Refresh the instance whose attribute is read here (or the `instance` that is handed over): its
    `attributes`, or its columns when none are named.
    """

    name = "add_refresh"
    merges = True

    def changes(self, file: File, repair: Repair) -> Changes:
        node = file.expression(repair)
        known = text_of(repair, "instance")
        instance = _handed(node, known) if known else _instance(node, text_of(repair, "name"))
        must_be_awaitable(file, node)
        _must_be_bound_before(file, node, instance)
        name = file.code(instance)
        session = session_in_reach(file, node, name)
        attributes = list_of(repair, "attributes")
        given = f", [{', '.join(_quoted(file, one) for one in attributes)}]" if attributes else ""
        at, indentation = statement_before(file, node)
        text = f"await {session}.refresh({name}{given}){file.newline}{indentation}"
        function = file.function(node)
        where = "" if function is None else file.start(function)
        return Changes.of([insertion(at, text)], purpose=f"refresh {name} in {where}")


def _instance(node: cst.BaseExpression, name: str) -> cst.BaseExpression:
    """`obj` of `obj.posts`, of `obj.method()`, of `print(obj)` where `name` is its `__str__`."""
    found: cst.BaseExpression | None = None
    called = node.func if isinstance(node, cst.Call) else node
    if isinstance(called, cst.Attribute) and called.attr.value == name:
        found = called.value
    elif name.startswith("__") and isinstance(node, cst.Call):
        named = [one.value for one in node.args if _is_dotted(one.value) and not one.star]
        found = named[0] if len(named) == 1 else None
    elif name.startswith("__"):
        found = node
    if found is None or not _is_dotted(found):
        raise Refused("the instance has no name there")
    return found


def _handed(node: cst.BaseExpression, name: str) -> cst.Name:
    """`pet` itself, or the one argument of a call that is `pet`."""
    values = [one.value for one in node.args] if isinstance(node, cst.Call) else [node]
    found = [one for one in values if isinstance(one, cst.Name) and one.value == name]
    if len(found) != 1:
        raise Refused(f"`{name}` is not what is handed over")
    return found[0]


def _is_dotted(node: cst.BaseExpression) -> bool:
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name)


def _must_be_bound_before(file: File, node: cst.CSTNode, instance: cst.BaseExpression) -> None:
    """A name that the statement itself binds (a comprehension's) means nothing before it."""
    must_not_be_of_a_loop(file, node, instance)
    root = _root(instance)
    for walrus in file.nodes(file.statement(node), cst.NamedExpr):
        if isinstance(walrus.target, cst.Name) and walrus.target.value == root.value:
            raise Refused(f"`{root.value}` is bound in the same statement")


def must_not_be_of_a_loop(file: File, node: cst.CSTNode, instance: cst.BaseExpression) -> None:
    """What a loop or a comprehension gives would be asked for one by one: a query each."""
    root = _root(instance).value
    for one in file.ancestors(node):
        targets: list[cst.BaseExpression] = []
        if isinstance(one, cst.BaseComp):
            targets = [clause.target for clause in file.nodes(one, cst.CompFor)]
        elif isinstance(one, cst.For):
            targets = [one.target]
        elif isinstance(one, cst.FunctionDef):
            break
        if any(name.value == root for target in targets for name in file.nodes(target, cst.Name)):
            raise Refused("it would ask the database once for each element of the loop")


def _root(instance: cst.BaseExpression) -> cst.Name:
    root = instance
    while isinstance(root, (cst.Attribute, cst.Subscript)):
        root = root.value
    if not isinstance(root, cst.Name):
        raise Refused("the instance has no name there")
    return root


def _quoted(file: File, text: str) -> str:
    quote = "'" if file.text.count("'") > 2 * file.text.count('"') else '"'
    return f"{quote}{text}{quote}"


# --- the session ---------------------------------------------------------------------------------------


def session_in_reach(file: File, node: cst.CSTNode, instance: str = "") -> str:
    """How the function around calls its session: as the instance's session
    where that shows, else the only one.
    """
    function = file.function(node)
    if not isinstance(function, cst.FunctionDef):
        raise Refused("no session is in reach")
    before = file.start(node)
    found: dict[str, None] = {}
    for name, call in _session_calls(file, function):
        if file.start(call) > before:
            continue
        if instance and any(file.code(argument.value) == instance for argument in call.args):
            return name
        found[name] = None
    if not found:
        found.update(dict.fromkeys(_named_sessions(file, function, before)))
    if not found:
        found.update(dict.fromkeys(_held_sessions(file, function)))
    if len(found) != 1:
        raise Refused("no session is in reach" if not found else "it is not clear whose session to use")
    return next(iter(found))


def _session_calls(file: File, function: cst.FunctionDef) -> Iterator[tuple[str, cst.Call]]:
    """`session.add(…)` in this function itself, the sure words first: `add` is a set's method too."""
    calls = [call for call in file.nodes(function.body, cst.Call) if file.function(call) is function]
    names = {name for call in calls if (name := _receiver(file, call, _OF_SESSIONS - _OF_OTHERS))}
    called = {name for call in calls if (name := _receiver(file, call, _OF_SESSIONS - {"add", "get"}))}
    names |= {name for name in called if _is_session_by_name(name)}
    known = set(_named_sessions(file, function, file.end(function)))
    for call in calls:
        name = _receiver(file, call, _OF_SESSIONS)
        if name and (name in names or name in known) and not _is_connection(name):
            yield name, call


def _receiver(file: File, call: cst.Call, methods: frozenset[str]) -> str:
    if (
        isinstance(call.func, cst.Attribute)
        and call.func.attr.value in methods
        and _is_dotted(call.func.value)
    ):
        return file.code(call.func.value).removesuffix(".sync_session")
    return ""


def _is_session_by_name(name: str) -> bool:
    last = name.rpartition(".")[2].lower()
    return "session" in last or last in ("db", "s")


def _is_connection(name: str) -> bool:
    return name.rpartition(".")[2].lower() in ("conn", "connection", "result", "engine")


def _named_sessions(file: File, function: cst.FunctionDef, before: int) -> Iterator[str]:
    """Parameters annotated as sessions, and what `async with … as session` binds around the place."""
    for parameter in file.nodes(function.params, cst.Param):
        if parameter.annotation is not None and "Session" in file.code(parameter.annotation):
            yield parameter.name.value
    for statement in file.nodes(function.body, cst.With):
        if statement.asynchronous is None or not file.start(statement) < before <= file.end(statement):
            continue
        for item in statement.items:
            if item.asname is not None and isinstance(item.asname.name, cst.Name):
                name = item.asname.name.value
                if _is_session_by_name(name):
                    yield name


def _held_sessions(file: File, function: cst.FunctionDef) -> Iterator[str]:
    """`self.session`, as the constructor of the method's class has it from a parameter annotated as one."""
    cls = file.around(function, cst.ClassDef)
    methods = () if cls is None else [one for one in cls.body.body if isinstance(one, cst.FunctionDef)]
    own = function.params.params[0].name.value if function in methods and function.params.params else ""
    for method in methods if own == "self" else ():
        if method.name.value == "__init__":
            given = set(_named_sessions(file, method, 0))
            for one in file.nodes(method.body, cst.Assign):
                target = one.targets[0].target
                if isinstance(one.value, cst.Name) and one.value.value in given and _is_dotted(target):
                    yield file.code(target)
