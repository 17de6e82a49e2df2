"""What makes a blocking call not block: a thread of its own for the route, or an async engine."""

from __future__ import annotations

from asyncsqla_lint.findings import Fix
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.program import Attribute, Call, Expression, Name
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.names import External, ImportBinding, Module, Scope, Variable
from asyncsqla_lint.rules.repairs.base import first_of, one_unsafe, repair, unsafe
from asyncsqla_lint.rules.repairs.engines import async_engine_arguments
from asyncsqla_lint.rules.repairs.written import node_of
from asyncsqla_lint.semantics.engine_events import LoopBlocked

_ROUTES = tuple(
    f"fastapi.{owner}.{method}"
    for owner in ("FastAPI", "APIRouter")
    for method in ("get", "post", "put", "patch", "delete", "head", "options", "api_route")
)


def unblocked(event: LoopBlocked) -> Fix | None:
    function = event.frame.function
    if function is None or not function.is_async:
        return None
    plain = None
    if function.decorated_by(*_ROUTES):
        named = Site(function.module, function.header.name_span)
        plain = one_unsafe("make_plain", named, "Declare the route with `def`: it runs in a thread")
    return first_of(plain, _async_engine(event, function))


def _async_engine(event: LoopBlocked, function: FunctionInfo) -> Fix | None:
    """The engine, where nothing but coroutines uses it; what follows from that is for later passes."""
    made = event.made_at
    call = None if made is None else node_of(made)
    if made is None or not isinstance(call, Call):
        return None
    found = _engine(function, made.module, call, 0)
    if found is None:
        return None
    variable, engine = found
    index = function.index
    for module in index.each_text():
        if _imports(module, variable):
            return None
    site = Site(variable.module, engine.span)
    arguments = async_engine_arguments("create_engine")
    return unsafe("Use `create_async_engine`", [repair("make_engine_async", site, **arguments)])


def _engine(function: FunctionInfo, module: Module, call: Call, depth: int) -> tuple[Variable, Call] | None:
    """The variable that holds the engine on which a session (or connection) is made, and its making."""
    index = function.index
    scope: Scope = function if module is function.module else None
    named: list[Expression] = [*call.arguments[:1]]
    named += [keyword.value for keyword in call.keywords if keyword.name == "bind"]
    named.append(call.function.value if isinstance(call.function, Attribute) else call.function)
    for node in named:
        if not isinstance(node, (Name, Attribute)) or depth > 3:
            continue
        variable = index.resolve(module, node, scope)
        if not isinstance(variable, Variable) or not isinstance(variable.value, Call):
            continue
        maker = index.resolve(variable.module, variable.value.function, variable.scope)
        if isinstance(maker, External) and maker.name == "sqlalchemy.create_engine":
            return variable, variable.value
        found = _engine(function, variable.module, variable.value, depth + 1)
        if found is not None:
            return found
    return None


def _imports(module: Module, variable: Variable) -> bool:
    """Does a module take anything of the variable's module by its name?"""
    if module is variable.module:
        return False
    last = variable.module.name.rpartition(".")[2]
    return any(
        isinstance(one, ImportBinding)
        and (one.name == variable.name or one.name == last or one.module.rpartition(".")[2] == last)
        for bindings in module.names.bindings.values()
        for one in bindings
    )
