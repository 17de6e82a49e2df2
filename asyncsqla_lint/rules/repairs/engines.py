"""Engines, their URLs and pools, and the factories on them."""

from __future__ import annotations

from collections.abc import Sequence

from asyncsqla_lint.findings import Fix, Repair
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.knowledge.dialects import Dialects
from asyncsqla_lint.knowledge.drivers import Where, replacement
from asyncsqla_lint.program import AnnotatedAssign, Assign, Attribute, Call, Name, end_of, start_of
from asyncsqla_lint.project.classes import ClassInfo
from asyncsqla_lint.project.functions import FunctionInfo
from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.project.names import External, ImportBinding
from asyncsqla_lint.project.walking import calls, walk
from asyncsqla_lint.rules.repairs.applications import lifespans_with
from asyncsqla_lint.rules.repairs.base import first_of, repair, safe, unsafe
from asyncsqla_lint.rules.repairs.written import Texts, node_of
from asyncsqla_lint.semantics.engine_events import EngineAbandoned, EngineCreated
from asyncsqla_lint.semantics.events import BindMismatched
from asyncsqla_lint.semantics.listening import ListenerMisplaced
from asyncsqla_lint.semantics.urls import Address

ASYNCIO = "sqlalchemy.ext.asyncio"


def replace_text(event: EngineCreated, old: str, new: str) -> Repair | None:
    """In the one literal of all that reach the call which holds it, wherever that is written."""
    found = Texts(event.index, old).of(event.record.site, event.frame)
    return repair("replace_in_text", found[0], old=old, new=new) if len(found) == 1 else None


def rename_dialect(event: EngineCreated, old: str, new: str) -> Fix | None:
    made = replace_text(event, f"{old}://", f"{new}://")
    return None if made is None else safe(f"Write `{new}`", [made])


def driver_swap(event: EngineCreated, url: Address, meant: Sequence[str]) -> Fix | None:
    if not meant:
        return None
    name = f"{url.backend}+{meant[0]}"
    made = replace_text(event, f"{url.name}://", f"{name}://")
    return None if made is None else unsafe(f"Use `{name}`", [made])


def one_of_both(event: EngineCreated, url: Address, known: Dialects) -> Fix | None:
    """An async engine where the code around is asynchronous; else a sync driver, for this engine alone."""
    function = event.frame.function
    names = event.frame.module.names.bindings.values()
    imports = (one for bindings in names for one in bindings if isinstance(one, ImportBinding))
    if function.is_async if function is not None else any(one.module == ASYNCIO for one in imports):
        return async_engine(event.record.site, event.record.maker)
    if known.is_async_under_sync(url.backend) is not False:
        return None
    name = url.backend
    return unsafe(f"Read the URL with `{name}`", [repair("set_drivername", event.record.site, name=name)])


_ASYNC_MAKERS = {"create_engine": "create_async_engine", "engine_from_config": "async_engine_from_config"}


def async_engine(site: Site, maker: str) -> Fix | None:
    if maker not in _ASYNC_MAKERS:
        return None
    arguments = async_engine_arguments(maker)
    return unsafe(f"Use `{arguments['name']}`", [repair("replace_callee", site, **arguments)])


def async_engine_arguments(maker: str) -> dict[str, str | list[str] | bool]:
    return {"name": _ASYNC_MAKERS[maker], "from": ASYNCIO, "drop": "future"}


def rename_argument(
    event: EngineCreated, driver: str, key: str, value: str | None, where: Where
) -> Fix | None:
    meant = replacement(driver, key, where, value)
    if meant is None or (value is None and where == "connect_args" and key in ("ssl", "sslmode")):
        return None  # what is an SSL context to one driver is a word to the other
    old, new = (f"{key}=", f"{meant}=") if where == "query" else (key, meant)
    made = replace_text(event, old, new)
    if made is None and where == "query":
        made = replace_text(event, key, meant)  # `url.update_query_dict({"sslmode": …})`
    if made is None:
        return None
    # Another file's URL may be read by another driver too.
    decide = safe if made.path == event.record.site.module.path else unsafe
    return decide(f"Write `{meant}`", [made])


def drop_arguments(event: EngineCreated, names: Sequence[str]) -> Fix | None:
    """From the call, or from the dictionary of this call's own that is unpacked there."""
    call = node_of(event.record.site)
    written = {one.name for one in call.keywords} if isinstance(call, Call) else set()
    listed = ", ".join(f"`{name}`" for name in names)
    codemod = "remove_keywords" if written >= set(names) else "remove_items"
    # What another caller's URL needs is not left out without a look.
    function = event.frame.function
    given = {one.name for one in function.header.parameters} if function is not None else set()
    url = call.arguments[0] if isinstance(call, Call) and call.arguments else None
    is_own = codemod == "remove_keywords" and not (isinstance(url, Name) and url.id in given)
    decide = safe if is_own else unsafe
    return decide(f"Leave out {listed}", [repair(codemod, event.record.site, names=list(names))])


def fitting_pool(site: Site, pool: str | None) -> Fix | None:
    if pool == "SingletonThreadPool":
        return drop_keywords(site, ["poolclass"])
    return safe("Use `AsyncAdaptedQueuePool`", [repair("replace_pool", site)])


def drop_keywords(site: Site, names: Sequence[str]) -> Fix | None:
    listed = ", ".join(f"`{name}`" for name in names)
    return safe(f"Leave out {listed}", [repair("remove_keywords", site, names=list(names))])


def dispose(event: EngineAbandoned) -> Fix | None:
    """At the end of whoever makes it, of the object that holds it, or of the application."""
    site = event.record.site
    if event.how == "module":
        return _at_the_end(event, site)
    return first_of(_finally(event, site), _with_its_owner(event, site))


def _finally(event: EngineAbandoned, site: Site) -> Fix | None:
    """In the coroutine that has it: where it is made, or where a helper gives it."""
    owner = event.frame.function
    if owner is None or not owner.is_async:
        return None
    if _is_inside(site, owner):
        return unsafe("Dispose it in a `finally`", [repair("dispose_finally", site)])
    for node in walk(owner.body):
        if isinstance(node, (Assign, AnnotatedAssign)) and isinstance(node.value, Call):
            called = event.index.resolve(owner.module, node.value.function, owner)
            method = _ended_by(called, site)
            # Where the object is closed already, that does not end this engine.
            if method and not (isinstance(called, ClassInfo) and method in owner.header.mentions):
                given = Site(owner.module, node.value.span)
                wanted = repair("dispose_finally", given, method=method)
                return unsafe(f"`{method}()` in a `finally` of `{owner.qualname}`", [wanted])
    return None


def _ended_by(called: object, site: Site) -> str:
    """How to end what a call gives: an engine that a helper makes, or the object that holds it."""
    if isinstance(called, FunctionInfo):
        return "dispose" if _is_inside(site, called) and _gives(called, site) else ""
    if not isinstance(called, ClassInfo):
        return ""
    maker = called.members["__init__"].function if "__init__" in called.members else None
    if maker is None or not _is_inside(site, maker):
        return ""
    closing = [one for one in _closing(called) if "dispose" in one.header.mentions]
    return closing[0].name if len(closing) == 1 else ""


def _is_inside(site: Site, function: FunctionInfo) -> bool:
    start, end = start_of(function.span), end_of(function.span)
    return function.module is site.module and start <= start_of(site.span) < end


def _gives(helper: FunctionInfo, site: Site) -> bool:
    """Does it return the engine that it makes, and nothing else?"""
    names = {
        target.id
        for node in walk(helper.body)
        if isinstance(node, Assign) and node.value.span == site.span
        for target in node.targets
        if isinstance(target, Name)
    }
    return not helper.is_async and all(
        one.id in names if isinstance(one, Name) else one is not None and one.span == site.span
        for one in helper.returned
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


def sync_target(event: ListenerMisplaced) -> Fix | None:
    attribute = _SYNC_ATTRIBUTES.get(event.target)
    if event.listener or event.is_class or attribute is None:
        return None
    return safe(f"Listen on `.{attribute}`", [repair("append_attribute", event.site, attribute=attribute)])


_SYNC_ATTRIBUTES = {
    "AsyncEngine": "sync_engine",
    "AsyncConnection": "sync_connection",
    "AsyncSession": "sync_session",
}


def scope(site: Site) -> Fix | None:
    return safe("Scope it by `asyncio.current_task`", [repair("set_scope", site)])


def async_factory(event: BindMismatched) -> Fix | None:
    new = {"sessionmaker": "async_sessionmaker", "Session": "AsyncSession"}.get(event.name.rpartition(".")[2])
    if event.is_async or new is None:
        return None
    arguments: dict[str, str | list[str] | bool] = {
        "name": new,
        "from": "sqlalchemy.ext.asyncio",
        "drop": "class_",
    }
    return safe(f"Use `{new}`", [repair("replace_callee", event.site, **arguments)])
