"""Engines, their URLs and pools, and the factories on them."""

from __future__ import annotations

from collections.abc import Sequence

from asyncsqla_lint.findings import Fix, Repair
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.knowledge.dialects import Dialects
from asyncsqla_lint.knowledge.drivers import Where, replacement
from asyncsqla_lint.program import Attribute, Call, Name
from asyncsqla_lint.project.names import ImportBinding
from asyncsqla_lint.rules.repairs.base import repair, safe, unsafe
from asyncsqla_lint.rules.repairs.written import Texts, node_of
from asyncsqla_lint.semantics.engine_events import EngineCreated
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
    if maker not in _ASYNC_MAKERS or not _is_called_by_name(site, maker):
        return None
    arguments = async_engine_arguments(maker)
    return unsafe(f"Use `{arguments['name']}`", [repair("replace_callee", site, **arguments)])


def _is_called_by_name(site: Site, maker: str) -> bool:
    """And not by way of a `partial`, whose name says nothing to change."""
    call = node_of(site)
    if not isinstance(call, Call):
        return False
    if isinstance(call.function, Attribute):
        return call.function.name == maker
    if not isinstance(call.function, Name):
        return False
    bindings = site.module.names.bindings.get(call.function.id, ())
    return call.function.id == maker or any(
        isinstance(one, ImportBinding) and one.name == maker for one in bindings
    )


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
