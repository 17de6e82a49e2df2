"""Loader options: which reads they make safe, and when they are ignored."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import load_only, noload, raiseload, selectinload

from truth.facts import a_session, fact
from truth.models import Item, User


@fact
async def selectinload_ok() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(selectinload(User.posts)))
        return len(user.posts)


@fact
async def selectinload_backref_author_from_identity_map() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(selectinload(User.posts)))
        return user.posts[0].author.name


@fact
async def later_query_with_option_fills_unloaded_attr() -> object:
    """get loads w/o options, then second query with selectinload on same identity: gets loaded"""
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.scalar(select(User).options(selectinload(User.posts)))
        return len(user.posts)


@fact
async def get_with_options_when_in_identity_map() -> object:
    async with a_session() as session:
        _held = await session.get(User, 1)
        again = await session.get(User, 1, options=[selectinload(User.posts)])
        return again.posts


@fact
async def raiseload_option() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(raiseload(User.posts)))
        return user.posts


@fact
async def load_only_other_col() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(load_only(User.id)))
        return user.name


@fact
async def awaitable_attrs_on_lazy_raise() -> object:
    async with a_session() as session:
        item = await session.scalar(select(Item).options(raiseload(Item.subs)))
        return await item.awaitable_attrs.subs


@fact
async def get_with_for_update_honours_options() -> object:
    async with a_session() as session:
        _held = await session.get(User, 1)
        again = await session.get(User, 1, options=[selectinload(User.posts)], with_for_update=True)
        return len(again.posts)


@fact
async def get_populate_existing_honours_options() -> object:
    async with a_session() as session:
        _held = await session.get(User, 1)
        again = await session.get(User, 1, options=[selectinload(User.posts)], populate_existing=True)
        return len(again.posts)


@fact
async def get_options_when_expired_honoured() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        session.expire(user)
        again = await session.get(User, 1, options=[selectinload(User.posts)])
        return len(again.posts)


@fact
async def populate_existing_unloads_other_relationships() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(selectinload(User.posts)))
        await session.scalar(select(User).where(User.id == 1).execution_options(populate_existing=True))
        return len(user.posts)


@fact
async def with_for_update_select_keeps_loaded() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(selectinload(User.posts)))
        await session.scalar(select(User).where(User.id == 1).with_for_update())
        return len(user.posts)


@fact
async def get_with_for_update_unloads_other_relationships() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(selectinload(User.posts)))
        await session.get(User, 1, with_for_update=True)
        return len(user.posts)


@fact
async def noload_pins_empty_collection_against_later_query() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(noload(User.posts)).where(User.id == 1))
        await session.scalar(select(User).where(User.id == 1).options(selectinload(User.posts)))
        return len(user.posts)
