"""Instances without a session."""

from __future__ import annotations

from truth.facts import a_session, database, fact
from truth.models import User


@fact
async def detached_lazy() -> object:
    async with database() as (_, sessions):
        async with sessions() as session:
            user = await session.get(User, 1)
        return user.posts


@fact
async def detached_expired_col() -> object:
    async with database() as (_, sessions):
        async with sessions() as session:
            user = await session.get(User, 1)
            await session.commit()
        return user.name


@fact
async def detached_loaded_col_ok() -> object:
    async with database() as (_, sessions):
        async with sessions() as session:
            user = await session.get(User, 1)
        return user.name


@fact
async def expunge_then_lazy() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        session.expunge(user)
        return user.posts


@fact
async def close_then_loaded_column_ok() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.close()
        return user.name
