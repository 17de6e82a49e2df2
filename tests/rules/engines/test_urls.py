"""URLs as values: what is known of one, and that SQLAlchemy reads it alike."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from asyncsqla_lint.flow.strings import text
from asyncsqla_lint.flow.values import NONE, UNKNOWN, Constant, union
from asyncsqla_lint.semantics.urls import UrlValue, addresses, parse

WHOLE = (
    "postgresql+asyncpg://app:secret@localhost:5432/app?ssl=require&command_timeout=5",
    "sqlite+aiosqlite://",
    "sqlite+aiosqlite:///:memory:",
    "sqlite:///app.db",
    "mysql+aiomysql://app@db.internal/app?charset=utf8mb4",
    "postgresql://",
)


@pytest.mark.parametrize("url", WHOLE)
def test_a_literal_is_read_as_sqlalchemy_reads_it(url: str) -> None:
    (address,), is_whole = addresses(Constant(url))
    meant = make_url(url)
    assert is_whole
    assert address.name == meant.drivername
    assert address.database == (meant.database or "")
    assert dict(address.query) == dict(meant.query)


@pytest.mark.parametrize(
    "parts",
    [
        ["postgresql", None, "://app@localhost/app"],
        [None, "://app@localhost/app"],
        ["sqlite+", None, ":///app.db"],
        [None],
        ["not a url"],
        [""],
        ["://"],
    ],
)
def test_an_unknown_driver_is_unknown(parts: list[str | None]) -> None:
    found, is_whole = addresses(text(parts))
    assert not found
    assert not is_whole


def test_unknown_parts_after_the_driver_hide_nothing_else() -> None:
    (address,), is_whole = addresses(text(["postgresql+asyncpg://", None, "@", None, "/app?sslmode=", None]))
    assert is_whole
    assert (address.name, address.database, address.query) == (
        "postgresql+asyncpg",
        "app",
        (("sslmode", None),),
    )


def test_one_of_several_is_not_the_whole() -> None:
    found, is_whole = addresses(union((Constant("sqlite:///app.db"), UNKNOWN)))
    assert [address.name for address in found] == ["sqlite"]
    assert not is_whole


@pytest.mark.parametrize(
    ("database", "query", "memory"),
    [
        (NONE, (), True),
        (Constant(":memory:"), (), True),
        (Constant("file:x?mode=memory"), (), True),
        (Constant("app.db"), (), False),
        (UNKNOWN, (), None),
    ],
)
def test_sqlite_without_a_file(database: Constant, query: tuple[()], memory: bool | None) -> None:
    (address,), _ = addresses(UrlValue(Constant("sqlite+aiosqlite"), database, query))
    assert address.is_memory is memory


def test_a_url_needs_its_scheme() -> None:
    assert parse((None, "sqlite://")) is None
