"""A fact is a coroutine function that does one thing; what comes of it is its outcome.

    python -m truth.facts        prints every outcome of the SQLAlchemy at hand, as JSON

The facts are grouped in the modules of FACTS. An outcome is `ok -> value` or the error, with the classes of
the warnings behind it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import re
import sys
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

FACTS = (
    "awaiting",
    "detached",
    "engines",
    "expiry",
    "loading",
    "mappers",
    "objects",
    "options",
    "results",
    "tasks",
    "transactions",
)
SECONDS = 20
SHOWN = 100
# What differs from run to run.
PASSING = ((r"0x[0-9a-f]+", "0x…"), (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>"))

Fact = Callable[[], Awaitable[object]]
_facts: list[Fact] = []
_unwarned: set[Fact] = set()


def fact(function: Fact) -> Fact:
    _facts.append(function)
    return function


def fact_but_for_warnings(function: Fact) -> Fact:
    """A fact of cancelled tasks: when their connections are collected, and warned about, is up to chance."""
    _unwarned.add(function)
    return fact(function)


@asynccontextmanager
async def database(**options: Any) -> AsyncIterator[tuple[AsyncEngine, async_sessionmaker[AsyncSession]]]:
    """An engine in memory with `models.rows()`, and a session factory with these options."""
    engine = create_async_engine("sqlite+aiosqlite://")
    await _fill(engine)
    try:
        yield engine, async_sessionmaker(engine, **options)
    finally:
        await engine.dispose()


@asynccontextmanager
async def a_session(**options: Any) -> AsyncIterator[AsyncSession]:
    async with database(**options) as (_, sessions), sessions() as session:
        yield session


@asynccontextmanager
async def file_engine(**options: Any) -> AsyncIterator[AsyncEngine]:
    """An engine on a new file, which unlike memory has a pool of several connections."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{uuid.uuid4().hex}.db", **options)
    await _fill(engine)
    try:
        yield engine
    finally:
        await engine.dispose()


async def _fill(engine: AsyncEngine) -> None:
    from truth import models

    async with engine.begin() as connection:
        await connection.run_sync(models.metadata.create_all)
    async with AsyncSession(engine) as session:
        session.add_all(models.rows())
        await session.commit()


async def outcome(function: Fact) -> str:
    gc.collect()  # nothing of the fact before
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            said = f"ok -> {await asyncio.wait_for(function(), SECONDS)!r}"
        except BaseException as error:
            said = _said(error)
        gc.collect()
    # A lazy load outside a greenlet leaves SQLAlchemy's own coroutine behind: no await that a program forgot.
    told = [warning for warning in caught if "'Connection.cursor'" not in str(warning.message)]
    classes = {warning.category.__name__ for warning in told} - {"SADeprecationWarning"}
    if function in _unwarned:
        classes.clear()
    for pattern, instead in PASSING:
        said = re.sub(pattern, instead, said)
    return " + ".join([said, *sorted(classes)])


def _said(error: BaseException) -> str:
    while hasattr(error, "exceptions"):
        error = error.exceptions[0]
    name, original = type(error).__name__, getattr(error, "orig", None)
    # Which of two tasks finds the other at work is up to chance, and with it the methods that are named.
    if name in ("MissingGreenlet", "IllegalStateChangeError"):
        return name
    if type(original).__name__ == "MissingGreenlet":
        return f"{name}(orig=MissingGreenlet)"
    return f"{name}: {str(error).splitlines()[0][:SHOWN].strip()}"


async def _outcomes() -> dict[str, str]:
    for module in FACTS:
        importlib.import_module(f"truth.{module}")
    gc.freeze()  # what is imported by now need not be looked at again before and after each fact
    return {function.__name__: await outcome(function) for function in _facts}


def main() -> None:
    logging.disable(logging.CRITICAL)  # the pool tells of the connections that some facts leak
    json.dump(asyncio.run(_outcomes()), sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    # Not `main()`: the facts register with the module that they import.
    importlib.import_module("truth.facts").main()
