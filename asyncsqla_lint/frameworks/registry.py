"""Registers what frameworks mean. One line for each file of this folder that has a framework in it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.frameworks import (
    advanced_alchemy,
    aiogram,
    aiohttp,
    alembic,
    arq,
    dataloaders,
    dependency_injector,
    discord,
    dishka,
    fastapi,
    fastapi_users,
    graphene,
    litestar,
    marshmallow,
    model_factories,
    msgspec,
    outcomes,
    pages,
    pydantic,
    pytest_fixtures,
    quart,
    rendered,
    sanic,
    sqlmodel,
    starlette,
    strawberry,
    telegram,
)

FRAMEWORKS: dict[str, Callable[[Meanings], None]] = {
    "pydantic": pydantic.register,
    "sqlmodel": sqlmodel.register,
    "fastapi": fastapi.register,
    "fastapi-users": fastapi_users.register,
    "starlette": starlette.register,
    "advanced-alchemy": advanced_alchemy.register,
    "litestar": litestar.register,
    "aiogram": aiogram.register,
    "python-telegram-bot": telegram.register,
    "discord": discord.register,
    "arq": arq.register,
    "alembic": alembic.register,
    "aiohttp": aiohttp.register,
    "quart": quart.register,
    "sanic": sanic.register,
    "dataloaders": dataloaders.register,
    "dependency-injector": dependency_injector.register,
    "dishka": dishka.register,
    "fastapi-pagination": pages.register,
    "msgspec": msgspec.register,
    "outcomes": outcomes.register,
    "marshmallow": marshmallow.register,
    "jinja": rendered.register,
    "strawberry": strawberry.register,
    "graphene": graphene.register,
    "factories": model_factories.register,
    "pytest": pytest_fixtures.register,
}
_BUILT_ON = {
    "advanced-alchemy": ("pydantic", "msgspec"),
    "fastapi": ("pydantic", "starlette", "jinja"),
    "fastapi-users": ("fastapi", "pydantic", "starlette", "jinja"),
    "fastapi-pagination": ("fastapi", "pydantic", "starlette", "jinja"),
    "litestar": ("starlette", "jinja"),
    "quart": ("jinja",),
    "sanic": ("jinja",),
    "starlette": ("jinja",),
    "sqlmodel": ("pydantic",),
}


def register(meanings: Meanings, wanted: Collection[str] = ()) -> None:
    """Those in `wanted`, and what they are built on; all, if none is named: imports tell them apart."""
    needed = {*wanted, *(base for name in wanted for base in _BUILT_ON.get(name, ()))}
    for name, explain in FRAMEWORKS.items():
        if not wanted or name in needed:
            explain(meanings)
