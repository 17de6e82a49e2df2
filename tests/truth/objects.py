"""New instances, and changes to what was not loaded."""

from __future__ import annotations

from truth.facts import a_session, fact
from truth.models import Post, Profile, User


@fact
async def new_obj_collection_after_flush() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = User(id=7)
        session.add(user)
        await session.flush()
        return user.posts


@fact
async def new_obj_collection_touched_before_flush() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = User(id=7, posts=[])
        session.add(user)
        await session.flush()
        return user.posts


@fact
async def new_obj_scalar_rel_after_flush() -> object:
    async with a_session(expire_on_commit=False) as session:
        post = Post(id=7, user_id=1)
        session.add(post)
        await session.flush()
        return post.author


@fact
async def transient_collection_ok() -> object:
    user = User()
    return user.posts


@fact
async def append_to_unloaded_collection() -> None:
    async with a_session() as session:
        user = await session.get(User, 1)
        user.posts.append(Post())


@fact
async def assign_to_unloaded_collection() -> None:
    async with a_session() as session:
        user = await session.get(User, 1)
        user.posts = [Post()]


@fact
async def assign_to_unloaded_scalar_m2o() -> None:
    async with a_session() as session:
        post = await session.get(Post, 1)
        post.author = User(id=9)
        await session.flush()


@fact
async def assign_to_unloaded_uselist_false_o2o() -> None:
    async with a_session() as session:
        user = await session.get(User, 1)
        user.profile = Profile(id=9)


@fact
async def backref_append_via_child_ok() -> None:
    async with a_session() as session:
        user = await session.get(User, 1)
        post = Post(author=user)
        session.add(post)
        await session.flush()


@fact
async def set_scalar_to_none_then_flush() -> None:
    """setting child.author=persistent with unloaded collection does not load"""
    async with a_session() as session:
        post = await session.get(Post, 1)
        _held = await session.get(User, 1)
        post.author = None
        await session.flush()


@fact
async def del_persist_children_unloaded() -> None:
    async with a_session() as session:
        user = await session.get(User, 2)
        await session.delete(user)
        await session.flush()


@fact
async def added_with_children_commit_eoc_false_ok() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = User(id=21, posts=[Post()])
        session.add(user)
        await session.commit()
        return len(user.posts)


@fact
async def unloaded_scalar_one_to_one_set_then_flush() -> object:
    async with a_session() as session:
        user = await session.get(User, 2)
        user.profile = Profile(id=30)
        await session.flush()
        return "ok"
