"""Engines, their URLs and pools, and the factories on them."""

from __future__ import annotations

from collections.abc import Sequence

from asyncsqla_lint.findings import Fix, Repair
from asyncsqla_lint.flow.frames import Site
from asyncsqla_lint.knowledge.drivers import Where, replacement
from asyncsqla_lint.rules.repairs.base import repair, safe, unsafe
from asyncsqla_lint.semantics.engine_events import EngineAbandoned, EngineCreated
from asyncsqla_lint.semantics.events import BindMismatched
from asyncsqla_lint.semantics.listening import ListenerMisplaced
from asyncsqla_lint.semantics.urls import Address


def replace_scheme(site: Site, old: str, new: str) -> Repair:
    return repair("replace_in_text", site, old=f"{old}://", new=f"{new}://")


def driver_swap(site: Site, url: Address, meant: Sequence[str]) -> Fix | None:
    if not meant:
        return None
    name = f"{url.backend}+{meant[0]}"
    return unsafe(f"Use `{name}`", [replace_scheme(site, url.name, name)])


def rename_argument(
    event: EngineCreated, driver: str, key: str, value: str | None, where: Where
) -> Fix | None:
    meant = replacement(driver, key, where, value)
    if meant is None or (value is None and where == "connect_args" and key in ("ssl", "sslmode")):
        return None  # what is an SSL context to one driver is a word to the other
    site = event.record.site
    if where == "query":
        return safe(f"Write `{meant}`", [repair("replace_in_text", site, old=f"{key}=", new=f"{meant}=")])
    return safe(f"Write `{meant}`", [repair("replace_in_text", site, old=key, new=meant)])


def fitting_pool(site: Site, pool: str | None) -> Fix | None:
    if pool == "SingletonThreadPool":
        return drop_keywords(site, ["poolclass"])
    return safe("Use `AsyncAdaptedQueuePool`", [repair("replace_pool", site)])


def drop_keywords(site: Site, names: Sequence[str]) -> Fix | None:
    listed = ", ".join(f"`{name}`" for name in names)
    return safe(f"Leave out {listed}", [repair("remove_keywords", site, names=list(names))])


def dispose(event: EngineAbandoned) -> Fix | None:
    return unsafe("Dispose it in a `finally`", [repair("dispose_finally", event.record.site)])


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
