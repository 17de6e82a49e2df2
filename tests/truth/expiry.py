"""What expires an instance, and what reads it again."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from truth.facts import a_session, fact
from truth.models import User


@fact
async def expired_after_commit() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.commit()
        return user.name


@fact
async def expired_after_commit_pk() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.commit()
        return user.id


@fact
async def expired_after_rollback_even_with_eoc_false() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        await session.rollback()
        return user.name


@fact
async def eoc_false_after_commit_ok() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        await session.commit()
        return user.name


@fact
async def eoc_false_add_commit_server_default() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = User(id=5)
        session.add(user)
        await session.commit()
        return user.created


@fact
async def flush_onupdate_access() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        user.name = "z"
        await session.flush()
        return user.updated


@fact
async def commit_onupdate_access_eoc_false() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        user.name = "z"
        await session.commit()
        return user.updated


@fact
async def session_begin_block_then_access() -> object:
    async with a_session() as session:
        async with session.begin():
            user = await session.get(User, 1)
        return user.name


@fact
async def refresh_no_attrs_then_rel() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.refresh(user)
        return user.posts


@fact
async def refresh_attr_ok() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.refresh(user, ["posts"])
        return len(user.posts)


@fact
async def refresh_keeps_selectin_option() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(selectinload(User.posts)))
        await session.refresh(user)
        return len(user.posts)


@fact
async def refresh_after_commit_keeps_selectin_option() -> object:
    async with a_session() as session:
        user = await session.scalar(select(User).options(selectinload(User.posts)))
        await session.commit()
        await session.refresh(user)
        return len(user.posts)


@fact
async def bulk_update_synchronize_then_access() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        await session.execute(update(User).values(name="q"))
        return user.name


@fact
async def bulk_update_fetch_expr() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        await session.execute(update(User).where(User.id == 1).values(name=func.lower("Q")))
        return user.name


@fact
async def savepoint_rollback_expire() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        with suppress(ValueError):
            async with session.begin_nested():
                user.name = "x"
                raise ValueError
        return user.name


@fact
async def savepoint_rollback_unmodified() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        with suppress(ValueError):
            async with session.begin_nested():
                session.add(User(id=77))
                await session.flush()
                raise ValueError
        return user.name


@fact
async def savepoint_release_does_not_expire() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        async with session.begin_nested():
            session.add(User(id=78))
        return user.name


@fact
async def sync_callback_repr_after_commit() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.commit()
        return f"{user}"


@fact
async def delete_flush_access() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 2)
        await session.delete(user)
        await session.commit()
        return user.name


@fact
async def refresh_other_attr_then_rel() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.refresh(user, ["name"])
        return user.posts


@fact
async def expire_all_then_column() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        session.expire_all()
        return user.name


@fact
async def added_then_refresh_then_rel() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = User(id=22)
        session.add(user)
        await session.commit()
        await session.refresh(user)
        return user.posts


@fact
async def column_only_select_rows_after_commit_ok() -> object:
    async with a_session() as session:
        result = (await session.execute(select(User.id, User.name))).first()
        await session.commit()
        return result.name


@fact
async def bulk_scalars_generator_lazy_consumption_after_commit() -> object:
    async with a_session() as session:
        result = await session.scalars(select(User))
        await session.commit()
        return [user.name for user in result]


@fact
async def refresh_replays_only_options_of_first_load() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.scalar(select(User).options(selectinload(User.posts)))
        node = len(user.posts)
        await session.refresh(user)
        return (node, len(user.posts))


@fact
async def failed_flush_expires_everything() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 2)
        session.add(User(id=1))
        try:
            await session.flush()
        except IntegrityError:
            await session.rollback()
        return user.name


@fact
async def assign_same_pk_dml_update_expires_onupdate() -> object:
    async with a_session(expire_on_commit=False) as session:
        user = await session.get(User, 1)
        await session.execute(update(User).where(User.id == 1).values(name="k"))
        return user.updated


@fact
async def deleted_object_stays_readable() -> object:
    async with a_session() as session:
        user = await session.get(User, 2)
        await session.delete(user)
        await session.commit()
        return user.name


@fact
async def refresh_named_leaves_other_columns_expired() -> object:
    async with a_session() as session:
        user = await session.get(User, 1)
        await session.commit()
        await session.refresh(user, ["posts"])
        return (user.id, user.name)
