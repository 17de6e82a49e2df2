"""Fixes write as the file is written: its comments, quotes, line endings, indents and habits stay."""

from __future__ import annotations

from textwrap import dedent

import pytest

from fixes.conftest import Linter

IMPORTS = """\
import asyncio

from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload
"""
MODELS = """

class Base(DeclarativeBase): ...


class Team(Base):
    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship(back_populates="author")
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    team: Mapped[Team] = relationship()


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship(back_populates="posts")
    tags: Mapped[list["Tag"]] = relationship()


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))


"""

# Each pair: a function as it is, and as it is fixed.
PAIRS = {
    "a comment at the end of the line": (
        """
        async def f(s: AsyncSession):
            u = (await s.scalars(select(User))).one()  # why: there is one
            return u.posts
        """,
        """
        async def f(s: AsyncSession):
            u = (await s.scalars(select(User).options(selectinload(User.posts)))).one()  # why: there is one
            return u.posts
        """,
    ),
    "a chain of lines, with comments between them": (
        """
        async def f(s: AsyncSession):
            q = (
                select(User)
                # but not the old ones
                .where(User.id > 1)
                .limit(3)  # three
            )
            return [u.posts for u in await s.scalars(q)]
        """,
        """
        async def f(s: AsyncSession):
            q = (
                select(User).options(selectinload(User.posts))
                # but not the old ones
                .where(User.id > 1)
                .limit(3)  # three
            )
            return [u.posts for u in await s.scalars(q)]
        """,
    ),
    "backslashes": (
        """
        async def f(s: AsyncSession):
            q = select(User) \\
                .where(User.id > 1) \\
                .limit(3)
            return [u.posts for u in await s.scalars(q)]
        """,
        """
        async def f(s: AsyncSession):
            q = select(User) \\
                .options(selectinload(User.posts)) \\
                .where(User.id > 1) \\
                .limit(3)
            return [u.posts for u in await s.scalars(q)]
        """,
    ),
    "functions of one line": (
        """
        async def g(s: AsyncSession): s.commit()
        async def h(s: AsyncSession): s.add(User()); s.flush(); s.commit()
        """,
        """
        async def g(s: AsyncSession): await s.commit()
        async def h(s: AsyncSession): s.add(User()); await s.flush(); await s.commit()
        """,
    ),
    "options that are there, one a line, with a comment": (
        """
        async def f(s: AsyncSession):
            q = select(User).options(
                selectinload(User.posts),  # posts
            )
            for u in await s.scalars(q):
                print(u.team, [p.tags for p in u.posts])
        """,
        """
        async def f(s: AsyncSession):
            q = select(User).options(
                selectinload(User.posts).selectinload(Post.tags),  # posts
                joinedload(User.team),
            )
            for u in await s.scalars(q):
                print(u.team, [p.tags for p in u.posts])
        """,
    ),
    "options that are there, in one line": (
        """
        async def f(s: AsyncSession):
            q = select(User).options(selectinload(User.posts).load_only(Post.id))
            for u in await s.scalars(q):
                print(u.team, [p.tags for p in u.posts])
        """,
        """
        async def f(s: AsyncSession):
            q = select(User).options(selectinload(User.posts).load_only(Post.id).selectinload(Post.tags), joinedload(User.team))
            for u in await s.scalars(q):
                print(u.team, [p.tags for p in u.posts])
        """,
    ),
    "locked rows are not joined": (
        """
        async def f(s: AsyncSession):
            u = (await s.scalars(select(User).with_for_update())).one()
            return u.team
        """,
        """
        async def f(s: AsyncSession):
            u = (await s.scalars(select(User).options(selectinload(User.team)).with_for_update())).one()
            return u.team
        """,
    ),
    "nor are distinct ones, or so many of them": (
        """
        async def f(s: AsyncSession):
            q = select(User).distinct()
            for u in await s.scalars(q): print(u.team)
        async def g(s: AsyncSession):
            q = select(User).join(User.posts)
            q = q.limit(3)
            for u in await s.scalars(q): print(u.team)
        """,
        """
        async def f(s: AsyncSession):
            q = select(User).options(selectinload(User.team)).distinct()
            for u in await s.scalars(q): print(u.team)
        async def g(s: AsyncSession):
            q = select(User).options(selectinload(User.team)).join(User.posts)
            q = q.limit(3)
            for u in await s.scalars(q): print(u.team)
        """,
    ),
    "a parenthesised with": (
        """
        async def f(s: AsyncSession):
            with (
                s.begin(),  # the block
            ):
                s.add(User())
        """,
        """
        async def f(s: AsyncSession):
            async with (
                s.begin(),  # the block
            ):
                s.add(User())
        """,
    ),
    "comments between the tasks": (
        """
        async def f(s: AsyncSession):
            users, posts = await asyncio.gather(
                # the users
                s.scalars(select(User)),  # all
                s.scalars(select(Post)),
                return_exceptions=False,
            )
            await asyncio.gather(
                s.flush(),  # one
                s.commit(),  # two
            )
            return users, posts
        """,
        """
        async def f(s: AsyncSession):
            users, posts = (
                # the users
                await s.scalars(select(User)),  # all
                await s.scalars(select(Post)),
            )
            await s.flush()  # one
            await s.commit()  # two
            return users, posts
        """,
    ),
    "blocks that go one step in, but for the lines of a string": (
        '''
        async def f():
            e = create_async_engine("postgresql+asyncpg://x")  # keep
            text = """
        one
            two
        """
            # connect
            c = await e.connect()  # by hand

            # say it
            await c.execute(select(User))
            print(text)
            await c.close()
            return text
        ''',
        '''
        async def f():
            e = create_async_engine("postgresql+asyncpg://x")  # keep
            try:
                text = """
        one
            two
        """
                # connect
                async with e.connect() as c:  # by hand

                    # say it
                    await c.execute(select(User))
                    print(text)
                return text
            finally:
                await e.dispose()
        ''',
    ),
    "a dispose that moves takes along what is said of it": (
        """
        async def f(url: str):
            e = create_async_engine(url)

            # ask
            async with e.begin() as c:
                await c.execute(select(User))

            # and go
            await e.dispose()  # at last

            print("gone")
        """,
        """
        async def f(url: str):
            e = create_async_engine(url)

            try:
                # ask
                async with e.begin() as c:
                    await c.execute(select(User))
            finally:
                # and go
                await e.dispose()  # at last

            print("gone")
        """,
    ),
    "a commit, beside the writes that a handler looks after": (
        """
        async def f(maker: async_sessionmaker[AsyncSession]):
            async with maker() as s:
                try:
                    s.add(Team(id=1))
                    print("added")
                except ValueError:
                    print("no")
        """,
        """
        async def f(maker: async_sessionmaker[AsyncSession]):
            async with maker() as s:
                try:
                    s.add(Team(id=1))
                    print("added")
                    await s.commit()
                except ValueError:
                    print("no")
        """,
    ),
    "what is loaded for who asks is left to who calls": (
        """
        async def load(s: AsyncSession, with_posts: bool = False):
            q = select(User)
            if with_posts:
                q = q.options(selectinload(User.posts))
            return (await s.scalars(q)).one()


        async def f(s: AsyncSession):
            return (await load(s)).posts
        """,
        """
        async def load(s: AsyncSession, with_posts: bool = False):
            q = select(User)
            if with_posts:
                q = q.options(selectinload(User.posts))
            return (await s.scalars(q)).one()


        async def f(s: AsyncSession):
            return (await load(s)).posts
        """,
    ),
    "a keyword that the callers may give": (
        """
        def engine_of(url: str, **options):
            return create_async_engine(url, **options)


        def open_session(url: str, **options):
            maker = async_sessionmaker(engine_of(url), **options)
            return maker()


        async def f():
            async with open_session("sqlite+aiosqlite://", expire_on_commit=True) as s:
                user = await s.get_one(User, 1)
                await s.commit()
                await s.refresh(user)
                return user.id
        """,
    )
    * 2,
    "a match statement": (
        """
        async def f(s: AsyncSession, x):
            match x:
                case 1: s.commit()
                case [2, *_]:
                    print((await s.get(User, 1)).posts)
        """,
        """
        async def f(s: AsyncSession, x):
            match x:
                case 1: await s.commit()
                case [2, *_]:
                    print((await s.get(User, 1, options=[selectinload(User.posts)])).posts)
        """,
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_rest_of_the_file_stays(name: str, linter: Linter) -> None:
    before, expected = map(dedent, PAIRS[name])
    after, outcome = linter.fixed(IMPORTS + MODELS + before)
    assert after == IMPORTS + MODELS + expected
    assert not outcome.unsettled


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings(ending: str, linter: Linter) -> None:
    before, expected = map(dedent, PAIRS["blocks that go one step in, but for the lines of a string"])
    text = (IMPORTS + MODELS + before).replace("\n", ending)
    assert linter.fixed(text)[0] == (IMPORTS + MODELS + expected).replace("\n", ending)


def test_a_file_without_a_final_newline(linter: Linter) -> None:
    text = IMPORTS + MODELS + "async def f(s: AsyncSession):\n    s.commit()"
    assert linter.fixed(text)[0] == text.replace("s.commit()", "await s.commit()")


def test_tabs(linter: Linter) -> None:
    before = """\
        async def f(s: AsyncSession):
            u = User()
            s.add(u)
            if u:
                await s.flush()
                return u.posts
    """
    text = (IMPORTS + MODELS + dedent(before)).replace("    ", "\t")
    assert linter.fixed(text)[0] == text.replace(
        "\t\treturn", '\t\tawait s.refresh(u, ["posts"])\n\t\treturn'
    )


def test_single_quotes(linter: Linter) -> None:
    before = "async def f(s: AsyncSession):\n    u = User()\n    s.add(u)\n    await s.flush()\n    return u.posts\n"
    text = (IMPORTS + MODELS).replace('"', "'") + before
    assert linter.fixed(text)[0] == text.replace(
        "    return", "    await s.refresh(u, ['posts'])\n    return"
    )


def test_an_import_for_type_checking_is_none_at_run_time(linter: Linter) -> None:
    text = (
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
        + IMPORTS.replace(", joinedload", "").replace(", selectinload", "")
        + "\nif TYPE_CHECKING:\n    from sqlalchemy.orm import selectinload\n"
        + MODELS
        + "async def f(s: AsyncSession):\n    return (await s.get_one(User, 1)).posts\n"
    )
    after, _ = linter.fixed(text)
    assert "    selectinload,\n)\n" in after.split("if TYPE_CHECKING")[0]


def test_imports_that_grow_too_long_get_lines(linter: Linter) -> None:
    short = IMPORTS.replace(", joinedload", "").replace(", selectinload", "")
    text = short + MODELS + "async def f(s: AsyncSession):\n    return (await s.get_one(User, 1)).posts\n"
    assert (
        "from sqlalchemy.orm import (\n    DeclarativeBase,\n    Mapped,\n    mapped_column,\n    relationship,\n"
        "    selectinload,\n)\n"
    ) in linter.fixed(text)[0]


def test_arguments_that_grow_too_long_get_lines(linter: Linter) -> None:
    text = (
        "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker\n\n\n"
        "def factory(engine):\n"
        "    return async_sessionmaker(autoflush=False, bind=engine, class_=AsyncSession)  # ours\n\n\n"
        "def other(engine_of_the_application):\n"
        "    return async_sessionmaker(autoflush=False, bind=engine_of_the_application, class_=AsyncSession)\n"
    )
    assert linter.fixed(text)[0].split("\n\n\n", 1)[1] == (
        "def factory(engine):\n"
        "    return async_sessionmaker(\n"
        "        autoflush=False, bind=engine, class_=AsyncSession, expire_on_commit=False\n"
        "    )  # ours\n\n\n"
        "def other(engine_of_the_application):\n"
        "    return async_sessionmaker(\n"
        "        autoflush=False,\n"
        "        bind=engine_of_the_application,\n"
        "        class_=AsyncSession,\n"
        "        expire_on_commit=False,\n"
        "    )\n"
    )
