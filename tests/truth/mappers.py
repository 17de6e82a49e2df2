"""What the mapping itself decides: `lazy=`, inheritance, proxies."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectin_polymorphic

from truth.facts import a_session, fact
from truth.models import Animal, Author, Dog, Node, Post, User


@fact
async def dynamic_rel() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return user.posts_dynamic.all()


@fact
async def write_only_ok() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        return len((await session.scalars(user.posts_write_only.select())).all())


@fact
async def joined_inheritance_subclass_column() -> object:
    async with a_session() as session:
        animal = await session.scalar(select(Animal))
        return animal.breed


@fact
async def joined_inheritance_selectin_polymorphic_ok() -> object:
    async with a_session() as session:
        animal = await session.scalar(select(Animal).options(selectin_polymorphic(Animal, [Dog])))
        return animal.breed


@fact
async def lazy_selectin_self_referential_depth() -> object:
    async with a_session() as session:
        node = await session.get(Node, 1)
        return node.children[0].children


@fact
async def association_proxy_read() -> object:
    async with a_session() as session:
        user = await session.get(Author, 1)
        return list(user.titles)


@fact
async def hybrid_read() -> object:
    async with a_session() as session:
        user = await session.get(Author, 1)
        return user.number_of_posts


@fact
async def lazy_immediate_ok() -> object:
    async with a_session() as session:
        user = await session.get(Author, 1)
        return len(user.posts_immediate)


@fact
async def lazy_noload() -> object:
    async with a_session() as session:
        user = await session.get(Author, 1)
        return user.posts_noload


@fact
async def lazy_raise_on_sql() -> object:
    async with a_session() as session:
        user = await session.get(Author, 1)
        return user.posts_raise_on_sql


@fact
async def lazy_raise() -> object:
    async with a_session() as session:
        user = await session.get(Author, 1)
        return user.posts_raise


@fact
async def lazy_raise_write() -> None:
    async with a_session() as session:
        user = await session.get(Author, 1)
        user.posts_raise.append(Post())


@fact
async def refresh_named_on_lazy_raise_ok() -> object:
    async with a_session() as session:
        user = await session.get(Author, 1)
        await session.refresh(user, ["posts_raise"])
        return len(user.posts_raise)
