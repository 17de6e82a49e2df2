"""What keeps an engine from being made: a driver of the other kind, a dialect that is none, an unfit pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from asyncsqla_lint.flow.callables import ExternalValue
from asyncsqla_lint.flow.values import UNKNOWN, Constant, Value, alternatives
from asyncsqla_lint.knowledge.dialects import Dialects, dialects
from asyncsqla_lint.semantics.urls import Address, addresses

if TYPE_CHECKING:
    from asyncsqla_lint.semantics.engines import EngineRecord

SIZES = ("pool_size", "max_overflow", "pool_timeout", "pool_use_lifo")


class Misfit(Struct, frozen=True):
    """A pool that an async engine cannot use, or, with `words`, one that does not take them."""

    pool: str
    words: tuple[str, ...] = ()
    url: Address | None = None  # whose default pool it is
    is_sure: bool = True


def fails(record: EngineRecord, release: str) -> bool:
    """May the call that makes it raise? Then there is nothing to dispose, and one finding is enough."""
    if not record.is_async or not record.maker:
        return False
    known = dialects(release)
    urls, _ = addresses(record.url)
    if isinstance(record.url, Constant) and record.url.value and not urls:
        return True  # `ArgumentError: Could not parse SQLAlchemy URL`; an empty default is one to be replaced
    if any(known.is_async(url.name) is False or meant(url, known) is not None for url in urls):
        return True
    return misfit(record, known) is not None


def meant(url: Address, known: Dialects) -> str | None:
    """The dialect whose name was misspelt; None when the name is right, or like none."""
    if known.is_known(url.name):
        return None
    turned = f"{url.driver}+{url.backend}"
    return turned if url.driver and known.is_known(turned) else known.suggest(url.name)


def misfit(record: EngineRecord, known: Dialects) -> Misfit | None:
    given = record.options.get("poolclass")
    pools = () if given is None else tuple(_pool(one) for one in alternatives(given))
    if given is not None and _is_perhaps(given):
        return None
    for pool in pools:
        row = known.pools.get(pool or "")
        if pool is not None and row is not None and not row.fits_async:
            return Misfit(pool)
    urls, is_whole = addresses(record.url)
    for url in urls:
        for pool in pools or (_default(url, known),):
            if pool is None:
                continue
            wrong = tuple(
                word
                for word in SIZES
                if word in record.options
                and not _is_perhaps(record.options[word])
                and known.engine_takes(url.name, pool, word, under_async=True) is False
            )
            if wrong:
                sure = is_whole and len(urls) == 1 and len(pools) < 2
                return Misfit(pool, wrong, None if pools else url, sure)
    return None


def _is_perhaps(value: Value) -> bool:
    """Do only some paths give it?"""
    found = alternatives(value)
    return len(found) > 1 and UNKNOWN in found


def _pool(value: Value) -> str | None:
    return value.name.rpartition(".")[2] if isinstance(value, ExternalValue) else None


def _default(url: Address, known: Dialects) -> str | None:
    memory = url.is_memory
    return None if memory is None else known.pool_of(url.name, under_async=True, memory=memory)
