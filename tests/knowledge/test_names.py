from __future__ import annotations

import pytest

from asyncsqla_lint.knowledge.names import canonical
from asyncsqla_lint.knowledge.releases import RELEASES, Release


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        ("sqlalchemy.ext.asyncio.session.AsyncSession", "sqlalchemy.ext.asyncio.AsyncSession"),
        ("sqlalchemy.ext.asyncio.AsyncSession", "sqlalchemy.ext.asyncio.AsyncSession"),
        (
            "sqlalchemy.ext.asyncio.session.AsyncSession.execute",
            "sqlalchemy.ext.asyncio.AsyncSession.execute",
        ),
        ("sqlalchemy.ext.asyncio.engine.create_async_engine", "sqlalchemy.ext.asyncio.create_async_engine"),
        ("sqlalchemy.orm.strategy_options.selectinload", "sqlalchemy.orm.selectinload"),
        ("sqlalchemy.orm.session.sessionmaker", "sqlalchemy.orm.sessionmaker"),
        ("sqlalchemy.future.select", "sqlalchemy.select"),
        ("sqlalchemy.sql.expression.select", "sqlalchemy.select"),
        ("sqlalchemy.sql.func", "sqlalchemy.func"),
        ("sqlalchemy.engine.create_engine", "sqlalchemy.create_engine"),
        ("sqlalchemy.pool.impl.NullPool", "sqlalchemy.NullPool"),
        ("sqlalchemy.types.INTEGER", "sqlalchemy.INTEGER"),
        ("sqlalchemy.INT", "sqlalchemy.INTEGER"),
        ("sqlalchemy.no.such.thing", "sqlalchemy.no.such.thing"),
        ("sqlalchemy", "sqlalchemy"),
        ("sqlmodel.create_engine", "sqlalchemy.create_engine"),
        ("sqlmodel.main.SQLModel", "sqlmodel.SQLModel"),
        ("sqlmodel.sql.expression.select", "sqlmodel.select"),
        ("myapp.db.AsyncSession", "myapp.db.AsyncSession"),
        ("", ""),
    ],
)
def test_canonical(dotted: str, expected: str, release: Release) -> None:
    assert canonical(dotted, release) == expected


@pytest.mark.parametrize("release", RELEASES)
def test_a_canonical_name_is_its_own(release: Release) -> None:
    from asyncsqla_lint.knowledge.names import aliases

    for names in aliases(release).values():
        for name in names.values():
            assert canonical(name, release) == name
