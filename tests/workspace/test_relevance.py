"""What matters is closed over the import graph: upwards from the seeds, then downwards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncsqla_lint.workspace.relevance import (
    has_coroutine,
    is_seed,
    names_async_api,
    names_driver,
    reachable,
    relevant,
)

NODES = st.integers(0, 9).map(str)
GRAPHS = st.dictionaries(NODES, st.frozensets(NODES, max_size=4), max_size=10)


def paths(start: str, graph: dict[str, frozenset[str]]) -> set[str]:
    """Everything that can be reached, by the definition and nothing else."""
    reached = {start}
    while True:
        more = {target for node in reached for target in graph.get(node, ())} - reached
        if not more:
            return reached
        reached |= more


@given(GRAPHS, *[st.frozensets(NODES, max_size=3)] * 4)
def test_checked_imports_a_seed_and_has_a_coroutine_or_leads_to_the_async_api(
    graph: dict[str, frozenset[str]],
    seeds: frozenset[str],
    async_api: frozenset[str],
    coroutines: frozenset[str],
    drivers: frozenset[str],
) -> None:
    found = relevant(seeds, graph, async_api, coroutines, drivers)
    nodes = {
        *graph,
        *seeds,
        *drivers,
        *async_api,
        *coroutines,
        *(n for nodes in graph.values() for n in nodes),
    }
    upwards = {node for node in nodes if paths(node, graph) & seeds} | drivers
    assert found.checked == {node for node in upwards if node in coroutines or paths(node, graph) & async_api}
    assert found.known == {target for node in upwards for target in paths(node, graph)}


@given(GRAPHS)
def test_no_seed_no_file(graph: dict[str, frozenset[str]]) -> None:
    assert relevant((), graph, graph, graph).known == frozenset()


def test_a_long_chain_is_no_deep_recursion() -> None:
    chain = {str(number): [str(number + 1)] for number in range(50_000)}
    assert len(reachable(["0"], chain)) == 50_001


@pytest.mark.parametrize(
    "source",
    [
        b"import sqlalchemy as sa",
        b"from sqlmodel import Field",
        b"from flask_sqlalchemy import SQLAlchemy",
        b"from advanced_alchemy.repository import SQLAlchemyAsyncRepository",
        b"import_module('sqlalchemy')",
    ],
)
def test_seeds(source: bytes) -> None:
    assert is_seed(source)
    assert not names_driver(source)


@pytest.mark.parametrize("source", [b"", b"import asyncio", b"SELECT * FROM alchemy", b"\xff\x00"])
def test_others_are_none(source: bytes) -> None:
    assert not is_seed(source)
    assert not names_driver(source)


def test_a_blocking_driver_is_seen() -> None:
    assert names_driver(b"import psycopg2")
    assert not is_seed(b"import psycopg2")


@pytest.mark.parametrize(
    "source",
    [
        b"from sqlalchemy.ext import asyncio",
        b"from sqlalchemy.ext.asyncio import AsyncSession",
        b"from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig",
        b"URL = 'postgresql+asyncpg://'",
        b"URL = 'sqlite+aiosqlite://'",
    ],
)
def test_async_api(source: bytes) -> None:
    assert names_async_api(source)
    assert not names_async_api(b"import asyncio, sqlalchemy\nasync def main(): ...\n")


def test_coroutines() -> None:
    assert has_coroutine(b"if True:\n    async  def main(): ...\n")
    assert has_coroutine(b"async \\\n  def main(): ...\n")
    assert not has_coroutine(b"import asyncio\nasync_def = 1\n")
