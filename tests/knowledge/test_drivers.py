from __future__ import annotations

import pytest

from asyncsqla_lint.knowledge.drivers import Where, drivers, replacement, takers, takes
from asyncsqla_lint.knowledge.releases import RELEASES, Release


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("name", "argument", "where", "expected"),
    [
        # As seen on PostgreSQL 15.
        ("postgresql+asyncpg", "sslmode", "query", False),
        ("postgresql+asyncpg", "channel_binding", "query", False),
        ("postgresql+asyncpg", "ssl", "query", True),
        ("postgresql+asyncpg", "server_settings", "connect_args", True),
        ("postgresql+asyncpg", "check_same_thread", "connect_args", False),
        ("postgresql+psycopg", "sslmode", "query", True),
        ("postgresql+psycopg", "channel_binding", "query", True),
        ("postgresql+psycopg", "ssl", "query", False),
        ("postgresql+psycopg", "server_settings", "connect_args", False),
        ("postgresql+psycopg", "check_same_thread", "connect_args", False),
        # What the dialects take for themselves, move or drop.
        ("postgresql+asyncpg", "prepared_statement_cache_size", "query", True),
        ("postgresql+asyncpg", "prepared_statement_name_func", "connect_args", True),
        ("mysql+aiomysql", "ssl_ca", "query", True),
        ("mysql+aiomysql", "ssl_ca", "connect_args", False),
        ("mysql+aiomysql", "charset", "query", True),
        ("sqlite+aiosqlite", "check_same_thread", "connect_args", True),
        ("sqlite+aiosqlite", "no_such_key", "query", True),
        ("sqlite+aiosqlite", "sslmode", "connect_args", False),
        ("mssql+aioodbc", "driver", "query", True),
        ("mssql+aioodbc", "anything", "connect_args", True),
        # What nobody asked is not known.
        ("oracle+oracledb", "no_such_key", "query", None),
        ("postgresql+psycopg2", "sslmode", "query", None),
        ("nosuchdb", "sslmode", "query", None),
    ],
)
def test_takes(name: str, argument: str, where: Where, expected: bool | None, release: Release) -> None:
    assert takes(name, argument, where, release) is expected


def test_a_release_took_its_own_argument_away() -> None:
    assert takes("postgresql+asyncpg", "async_fallback", "query", "2.0") is True
    assert takes("postgresql+asyncpg", "async_fallback", "query", "2.1") is False


def test_replacements() -> None:
    assert replacement("asyncpg", "sslmode", "query", "require") == "ssl"
    assert replacement("asyncpg", "sslmode", "query", "sometimes") is None
    assert replacement("asyncpg", "sslmode", "query") == "ssl"
    assert replacement("psycopg", "ssl", "query", "verify-full") == "sslmode"
    assert replacement("asyncpg", "connect_timeout", "connect_args") == "timeout"
    assert replacement("asyncpg", "connect_timeout", "query") is None
    assert replacement("asyncpg", "channel_binding", "query") is None
    assert replacement("nosuchdriver", "ssl", "query") is None


def test_who_takes_an_argument() -> None:
    assert takers("check_same_thread") == ("aiosqlite",)
    assert takers("server_settings") == ("asyncpg",)
    assert takers("nosuchargument") == ()


def test_replacements_are_arguments_of_their_drivers() -> None:
    from asyncsqla_lint.knowledge.releases import table

    for driver, rows in table("replacements.json", dict[str, dict[str, dict[str, object]]]).items():
        for word, row in rows.items():
            assert word not in drivers()[driver].arguments
            assert row["to"] in drivers()[driver].arguments
