"""Reading what a query did, or did not, load."""

from __future__ import annotations

import gc

from sqlalchemy import insert, inspect

from truth.facts import a_session, fact
from truth.models import Item, Post, User


@fact
async def lazy_collection() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return user.posts


@fact
async def lazy_scalar() -> object:
    async with a_session() as session:
        post = await session.get(Post, 1)
        return post.author


@fact
async def m2o_in_identity_map_ok() -> object:
    async with a_session() as session:
        # The identity map is weak: it forgets what nobody holds.
        _held = await session.get(User, 1)
        post = await session.get(Post, 1)
        return post.author.name


@fact
async def deferred_col() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return user.biography


@fact
async def property_transitive() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return user.number_of_posts


@fact
async def awaitable_attrs_no_mixin() -> None:
    async with a_session() as session:
        user = await session.get(User, 1)
        await user.awaitable_attrs.posts


@fact
async def awaitable_attrs_ok() -> object:
    async with a_session() as session:
        item = await session.get(Item, 1)
        return len(await item.awaitable_attrs.subs)


@fact
async def awaitable_attrs_not_awaited() -> None:
    async with a_session() as session:
        item = await session.get(Item, 1)
        for _ in item.awaitable_attrs.subs:
            pass


@fact
async def run_sync_lazy_ok() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return await session.run_sync(lambda sync_session: len(user.posts))


@fact
async def pydantic_like_getattr() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return {k: getattr(user, k) for k in ("id", "posts")}


@fact
async def m2o_null_fk_no_io() -> object:
    async with a_session() as session:
        post = await session.get(Post, 9)
        return post.author


@fact
async def m2o_target_loaded_but_not_referenced() -> object:
    """identity map is weak: the target was loaded and dropped"""
    async with a_session() as session:
        await session.get(User, 1)
        gc.collect()
        post = await session.get(Post, 1)
        return post.author


@fact
async def merge_returns_unloaded_rel() -> object:
    async with a_session() as session:
        user = await session.merge(User(id=1))
        return user.posts


@fact
async def insert_returning_instance_rel() -> object:
    async with a_session() as session:
        user = await session.scalar(insert(User).values(id=20, name="r").returning(User))
        return user.posts


@fact
async def is_none_test_on_unloaded_m2o() -> object:
    async with a_session() as session:
        post = await session.get(Post, 1)
        return post.author is None


@fact
async def fk_column_read_ok() -> object:
    async with a_session() as session:
        post = await session.get(Post, 1)
        return post.user_id


@fact
async def hasattr_on_unloaded() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return hasattr(user, "posts")


@fact
async def inspect_unloaded_ok() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return "posts" in inspect(user).unloaded


@fact
async def dict_guard_ok() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return user.__dict__.get("posts")
