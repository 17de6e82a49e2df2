"""Reading results."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from truth.facts import a_session, database, fact
from truth.models import Post, User


@fact
async def joinedload_no_unique() -> None:
    async with a_session() as session:
        (await session.execute(select(User).options(joinedload(User.posts)))).scalars().all()


@fact
async def joinedload_no_unique_scalar_one() -> None:
    async with a_session() as session:
        (await session.execute(select(User).options(joinedload(User.posts)))).scalar_one()


@fact
async def joinedload_session_scalar() -> object:
    async with a_session() as session:
        return await session.scalar(select(User).options(joinedload(User.posts)))


@fact
async def joinedload_session_scalars_all() -> object:
    async with a_session() as session:
        return (await session.scalars(select(User).options(joinedload(User.posts)))).all()


@fact
async def joinedload_session_get_ok() -> object:
    async with a_session() as session:
        return len((await session.get(User, 1, options=[joinedload(User.posts)])).posts)


@fact
async def joinedload_scalar_m2o_ok() -> object:
    async with a_session() as session:
        return len((await session.execute(select(Post).options(joinedload(Post.author)))).scalars().all())


@fact
async def scalars_twice() -> object:
    async with a_session() as session:
        result = await session.execute(select(User))
        a = result.scalars().all()
        b = result.scalars().all()
        return (len(a), len(b))


@fact
async def result_after_session_close() -> object:
    async with database() as (_, sessions):
        async with sessions() as session:
            result = await session.execute(select(User))
        return len(result.all())


@fact
async def stream_after_session_close() -> object:
    async with database() as (_, sessions):
        async with sessions() as session:
            result = await session.stream(select(User))
        return len(await result.all())


@fact
async def execute_str() -> None:
    async with a_session() as session:
        await session.execute("select 1")


@fact
async def yield_per_joined() -> None:
    async with a_session() as session:
        (
            await session.execute(select(User).options(joinedload(User.posts)).execution_options(yield_per=1))
        ).unique().scalars().all()


@fact
async def contains_eager_collection_needs_unique() -> object:
    async with a_session() as session:
        return len(
            (await session.execute(select(User).join(User.posts).options(contains_eager(User.posts))))
            .scalars()
            .all()
        )


@fact
async def joinedload_scalars_first_needs_no_unique() -> object:
    async with a_session() as session:
        return len(
            (await session.execute(select(User).options(joinedload(User.posts)))).scalars().first().posts
        )


@fact
async def joinedload_one_or_none() -> object:
    async with a_session() as session:
        return (
            (await session.execute(select(User).where(User.id == 1).options(joinedload(User.posts))))
            .scalars()
            .one_or_none()
        )
