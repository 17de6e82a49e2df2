"""Registers what frameworks mean. One line for each file of this folder."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.frameworks import (
    advanced_alchemy,
    fastapi,
    jinja,
    litestar,
    pydantic,
    pytest_fixtures,
    sqlmodel,
    strawberry,
)


def register(meanings: Meanings) -> None:
    pydantic.register(meanings)
    sqlmodel.register(meanings)
    fastapi.register(meanings)
    advanced_alchemy.register(meanings)
    litestar.register(meanings)
    jinja.register(meanings)
    strawberry.register(meanings)
    pytest_fixtures.register(meanings)
