"""One name for every way to import the same object."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from .releases import NEWEST, Release, table

Aliases = dict[str, dict[str, str]]  # module → name → the name it goes by


class _SqlModel(Struct, frozen=True):
    aliases: Aliases


@lru_cache
def aliases(release: Release = NEWEST) -> Aliases:
    return table(f"aliases-{release}.json", Aliases)


@lru_cache
def sqlmodel_aliases() -> Aliases:
    return table("sqlmodel.json", _SqlModel).aliases


def canonical(dotted: str, release: Release = NEWEST) -> str:
    """`sqlalchemy.orm.strategy_options.selectinload` → `sqlalchemy.orm.selectinload`.

    An attribute of what goes by another name follows it (`….session.AsyncSession.execute`); what is
    neither SQLAlchemy's nor SQLModel's is returned as it came.
    """
    if dotted.startswith("sqlalchemy."):
        return _canonical(dotted, aliases(release))
    if dotted.startswith("sqlmodel."):
        return _canonical(dotted, sqlmodel_aliases())
    return dotted


def _canonical(dotted: str, known: Aliases) -> str:
    module, _, name = dotted.rpartition(".")
    found = known.get(module, {}).get(name)
    if found is not None:
        return found
    if module in known or "." not in module:
        return dotted
    owner = _canonical(module, known)
    return dotted if owner == module else f"{owner}.{name}"
