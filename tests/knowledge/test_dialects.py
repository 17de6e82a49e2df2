"""The table against what was seen of real engines: which URL is async, which pool it gets."""

from __future__ import annotations

import pytest

from asyncsqla_lint.knowledge.dialects import dialects, misspellings, third_party
from asyncsqla_lint.knowledge.releases import RELEASES, Release

both = pytest.mark.parametrize("release", RELEASES)

ASYNC = (
    "postgresql+asyncpg",
    "postgresql+psycopg",
    "postgresql+psycopg_async",
    "mysql+aiomysql",
    "mysql+asyncmy",
    "mariadb+asyncmy",
    "sqlite+aiosqlite",
    "oracle+oracledb",
    "mssql+aioodbc",
    "cockroachdb+asyncpg",
)
SYNC = (
    "postgresql+psycopg2",
    "mysql+pymysql",
    "mysql+mysqldb",
    "sqlite",
    "sqlite+pysqlite",
    "duckdb",
    "redshift",
)
UNKNOWN = ("postgres", "postgres+asyncpg", "nosuchdb", "postgresql+nosuchdriver", "snowflake")


@both
def test_which_url_is_async(release: Release) -> None:
    known = dialects(release)
    assert {name: known.is_async(name) for name in ASYNC} == dict.fromkeys(ASYNC, True)
    assert {name: known.is_async(name) for name in SYNC} == dict.fromkeys(SYNC, False)
    assert {name: known.is_async(name) for name in UNKNOWN} == dict.fromkeys(UNKNOWN)


def test_what_2_1_changed() -> None:
    old, new = dialects("2.0"), dialects("2.1")
    assert (old.is_async("postgresql"), new.is_async("postgresql")) == (False, True)
    assert (old.default_driver("postgresql"), new.default_driver("postgresql")) == ("psycopg2", "psycopg")
    assert (old.default_driver("oracle"), new.default_driver("oracle")) == ("cx_oracle", "oracledb")
    assert (old.is_async("mssql+mssqlpython"), new.is_async("mssql+mssqlpython")) == (None, False)
    assert old.dialects["postgresql+asyncpg"].fallback
    assert not new.dialects["postgresql+asyncpg"].fallback


@both
def test_async_drivers_under_create_engine(release: Release) -> None:
    known = dialects(release)
    assert known.is_async_under_sync("postgresql+asyncpg") is True
    assert known.is_async_under_sync("sqlite+aiosqlite") is True
    assert known.is_async_under_sync("postgresql+psycopg") is False
    assert known.is_async_under_sync("oracle+oracledb") is False
    assert known.is_async_under_sync("cockroachdb+asyncpg") is True
    assert known.is_async_under_sync("cockroachdb+psycopg") is False
    assert known.is_async_under_sync("nosuchdb") is None


@both
def test_pools(release: Release) -> None:
    known = dialects(release)
    assert known.pool_of("sqlite+aiosqlite", under_async=True) == "AsyncAdaptedQueuePool"
    assert known.pool_of("sqlite+aiosqlite", under_async=True, memory=True) == "StaticPool"
    assert known.pool_of("sqlite", under_async=False, memory=True) == "SingletonThreadPool"
    assert known.pool_of("postgresql+asyncpg", under_async=True) == "AsyncAdaptedQueuePool"
    assert known.pool_of("nosuchdb", under_async=True) is None
    assert not known.pools["QueuePool"].fits_async
    assert not known.pools["SingletonThreadPool"].fits_async
    assert known.pools["NullPool"].fits_async
    assert not known.pools["AsyncAdaptedQueuePool"].fits_sync


@both
def test_engine_keywords(release: Release) -> None:
    known = dialects(release)

    def takes(pool: str, keyword: str) -> bool | None:
        return known.engine_takes("postgresql+asyncpg", pool, keyword, under_async=True)

    assert takes("AsyncAdaptedQueuePool", "pool_size") is True
    assert takes("NullPool", "pool_size") is False
    assert takes("StaticPool", "max_overflow") is False
    assert takes("NullPool", "pool_pre_ping") is True
    assert takes("NullPool", "echo") is True
    assert takes("NullPool", "json_serializer") is True
    assert takes("NullPool", "async_creator") is True
    assert takes("NullPool", "server_side_cursors") is False
    assert takes("NullPool", "fast_executemany") is False
    assert takes("MyPool", "pool_size") is None
    assert known.engine_takes("mssql+aioodbc", "NullPool", "fast_executemany", under_async=True) is True


@both
@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("postgres", "postgresql"),
        ("postgres+asyncpg", "postgresql+asyncpg"),
        ("postgresql+asyncpgg", "postgresql+asyncpg"),
        ("mysql+mysqlclient", "mysql+mysqldb"),
        ("postgresql+psycopg3", "postgresql+psycopg"),
        ("postgresql+psycopg2-binary", "postgresql+psycopg2"),
        ("sqlite+aoisqlite", "sqlite+aiosqlite"),
        ("postgresql", None),
        ("postgresql+asyncpg", None),
        ("cockroachdb+asyncpg", None),
        ("nosuchdb+driver", None),
        ("postgresql+pglite", None),
        ("", None),
    ],
)
def test_suggestions(wrong: str, right: str | None, release: Release) -> None:
    assert dialects(release).suggest(wrong) == right


@both
def test_async_drivers_to_propose(release: Release) -> None:
    known = dialects(release)
    assert known.async_drivers("postgresql")[0] == "asyncpg"
    assert known.async_drivers("sqlite")[0] == "aiosqlite"
    assert known.async_drivers("nosuchdb") == ()


def test_hand_kept_tables_agree_with_the_generated_ones() -> None:
    for release in RELEASES:
        known = dialects(release)
        assert not third_party().keys() & known.dialects.keys()
        assert not misspellings().backends.keys() & known.dialects.keys()
        backends = {name.partition("+")[0] for name in (*known.dialects, *third_party())}
        drivers = {name.partition("+")[2] for name in known.dialects}
        assert set(misspellings().backends.values()) <= backends
        assert set(misspellings().drivers.values()) <= drivers
