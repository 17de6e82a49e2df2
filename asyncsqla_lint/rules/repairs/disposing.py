"""Where an engine that nobody disposes is to end."""

from __future__ import annotations

from asyncsqla_lint.findings import Fix
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.program import (
    AnnotatedAssign,
    Assign,
    Attribute,
    Await,
    Call,
    Function,
    Name,
    Return,
    end_of,
    start_of,
)
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.names import External
from asyncsqla_lint.project.walking import calls, walk
from asyncsqla_lint.rules.repairs.applications import lifespans_with
from asyncsqla_lint.rules.repairs.base import first_of, repair, unsafe
from asyncsqla_lint.rules.repairs.written import function_around
from asyncsqla_lint.semantics.engine_events import EngineAbandoned


def dispose(event: EngineAbandoned) -> Fix | None:
    """At the end of whoever makes it, of the object that holds it, or of the application."""
    site = event.record.site
    if event.how in ("module", "script"):
        return _at_the_end(event, site)
    return first_of(_finally(event, site), _with_its_owner(event, site))


def _finally(event: EngineAbandoned, site: Site) -> Fix | None:
    """In the coroutine that makes it; or in the one that has it, where a helper gives it."""
    maker = function_around(site)
    if maker is not None and maker.is_async and not _gives(site, maker):
        return unsafe("Dispose it in a `finally`", [repair("dispose_finally", site)])
    owner = event.frame.function
    if owner is None or not owner.is_async:
        return None
    for node in walk(owner.body):
        if not isinstance(node, (Assign, AnnotatedAssign)) or node.value is None:
            continue
        given = node.value.value if isinstance(node.value, Await) else node.value
        if isinstance(given, Call):
            method = _ended_by(event.index.resolve(owner.module, given.function, owner), site, owner)
            if method:
                wanted = repair("dispose_finally", Site(owner.module, node.value.span), method=method)
                return unsafe(f"`{method}()` in a `finally` of `{owner.qualname}`", [wanted])
    return None


def _ended_by(called: object, site: Site, user: FunctionInfo) -> str:
    """How to end what a call gives: an engine that a helper makes, or the object that holds it."""
    if isinstance(called, FunctionInfo):
        return "dispose" if _is_inside(site, called) and _gives(site, called.header) else ""
    if not isinstance(called, ClassInfo) or "__init__" not in called.members:
        return ""
    maker = called.members["__init__"].function
    closing = [one.name for one in _closing(called) if "dispose" in one.header.mentions]
    if maker is None or not _is_inside(site, maker) or len(closing) != 1:
        return ""
    # Where the object is closed already, that does not end this engine.
    return "" if closing[0] in user.header.mentions else closing[0]


def _is_inside(site: Site, function: FunctionInfo) -> bool:
    start, end = start_of(function.span), end_of(function.span)
    return function.module is site.module and start <= start_of(site.span) < end


def _gives(site: Site, maker: Function) -> bool:
    """Does it return the engine that it makes, on every way?"""
    program = site.module.program
    body = program.bodies[program.functions.index(maker)]
    names = {
        target.id
        for node in walk(body)
        if isinstance(node, Assign) and node.value.span == site.span
        for target in node.targets
        if isinstance(target, Name)
    }
    returned = [node.value for node in walk(body) if isinstance(node, Return)]
    return bool(returned) and all(
        one.id in names if isinstance(one, Name) else one is not None and one.span == site.span
        for one in returned
    )


def _with_its_owner(event: EngineAbandoned, site: Site) -> Fix | None:
    """`self.engine` goes when the object is closed, if there is one way to close it."""
    for function in event.index.functions_of(site.module):
        cls = function.owner
        if cls is None or not _is_inside(site, function):
            continue
        closing = _closing(cls)
        name = _held_as(function, site)
        if len(closing) == 1 and name:
            at = Site(closing[0].module, closing[0].header.name_span)
            wanted = repair("dispose_at_end", at, target=f"self.{name}")
            return unsafe(f"Dispose it in `{closing[0].qualname}`", [wanted])
    return None


def _closing(cls: ClassInfo) -> list[FunctionInfo]:
    found = (cls.members[name].function for name in _CLOSING if name in cls.members)
    return [one for one in found if one is not None and one.is_async]


_CLOSING = ("close", "aclose", "dispose", "disconnect", "shutdown", "stop", "teardown", "__aexit__")


def _held_as(function: FunctionInfo, site: Site) -> str:
    """`engine` of `self.engine = create_async_engine(…)`."""
    for node in walk(function.body):
        if isinstance(node, (Assign, AnnotatedAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, Assign) else node.target
            if node.value.span == site.span and isinstance(target, Attribute):
                return target.name
    return ""


def _at_the_end(event: EngineAbandoned, site: Site) -> Fix | None:
    """A module's engine: after the `yield` of the one lifespan, or when the one `main` is done."""
    name = next(
        (
            statement.targets[0].id
            for statement in site.module.program.statements
            if isinstance(statement, Assign)
            and statement.value.span == site.span
            and isinstance(statement.targets[0], Name)
        ),
        "",
    )
    if not name:
        return None
    of_module: dict[str, str | list[str] | bool] = {"target": name, "from": site.module.name}
    lifespans = lifespans_with(event.index, site.module)
    if len(lifespans) == 1:
        at = Site(lifespans[0].module, lifespans[0].header.name_span)
        message = f"Dispose it at the end of `{lifespans[0].name}`"
        return unsafe(message, [repair("dispose_after_yield", at, **of_module)])
    main = _main(event.index, site.module)
    if lifespans or main is None:
        return None
    at = Site(main.module, main.header.name_span)
    return unsafe(f"Dispose it when `{main.name}` is done", [repair("dispose_around", at, **of_module)])


def _main(index: Index, module: Module) -> FunctionInfo | None:
    """What the module itself hands to `asyncio.run`, if that is one thing."""
    found: set[FunctionInfo] = set()
    for node in calls((module.program.statements, *module.program.bodies)):
        called = index.resolve(module, node.function)
        if not isinstance(called, External) or called.name != "asyncio.run" or not node.arguments:
            continue
        given = node.arguments[0]
        main = index.resolve(module, given.function) if isinstance(given, Call) else None
        if isinstance(main, FunctionInfo):
            found.add(main)
    return found.pop() if len(found) == 1 else None


def sync_dispose(site: Site) -> Fix | None:
    return unsafe("Use `await engine.dispose()`", [repair("dispose_async", site)])
