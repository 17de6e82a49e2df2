"""Programs are put together, damaged, fixed, and run: they print what they printed before the damage."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import types
import warnings
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import clear_mappers

from fixes.conftest import Linter

HEADER = """
import asyncio

from sqlalchemy import ForeignKey, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, {orm}mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")
    pages: Mapped[list["Page"]] = relationship(order_by="Page.id")


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))


engine = create_async_engine("sqlite+aiosqlite://")
factory = async_sessionmaker(engine{expire})


async def seed() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with factory() as session:
        first = Author(id=1, name="Ann", books=[Book(id=1, title="One", pages=[Page(id=1), Page(id=2)])])
        session.add_all([first, Author(id=2, name="Bo", books=[Book(id=2, title="Two"), Book(id=3, title="Three")])])
        await session.commit()
"""
FOOTER = """

async def main() -> None:
    try:
        await seed()
{calls}
    finally:
        await engine.dispose()
"""


@dataclass(frozen=True)
class Step:
    """One function of the program: `{}` marks where the damage goes, with what stands there before and after."""

    body: str
    right: str
    wrong: str

    def written(self, number: int, damaged: bool) -> str:
        piece = self.wrong if damaged else self.right
        body = self.body.replace("{}", piece).replace("@", str(number))
        lines = "\n".join(f"    {line}" if line else "" for line in body.strip("\n").splitlines())
        return f"\n\nasync def step_{number}(session: AsyncSession) -> None:\n{lines}\n"


EAGER = ".options(selectinload(Author.books))"
STEPS = [
    Step(
        "authors = (await session.scalars(select(Author){}.order_by(Author.id))).all()\n"
        "for author in authors:\n    print(author.name, [book.title for book in author.books])",
        EAGER,
        "",
    ),
    Step(
        "statement = (\n    select(Author)\n    {}.where(Author.name != 'x')\n    .order_by(Author.id)\n)\n"
        "for author in await session.scalars(statement):\n    print(len(author.books))",
        ".options(selectinload(Author.books))\n    ",
        "",
    ),
    Step(
        "result = await session.execute(select(Book){}.order_by(Book.id).limit(2))\n"
        "print([(book.title, book.author.name) for book in result.scalars()])",
        ".options(joinedload(Book.author))",
        "",
    ),
    Step(
        "author = await session.get(Author, 1{})\nif author is not None:\n    print(len(author.books))",
        ", options=[selectinload(Author.books)]",
        "",
    ),
    Step(
        "rows = await session.scalars(select(Author).options(selectinload(Author.books){}).order_by(Author.id))\n"
        "print([len(book.pages) for author in rows for book in author.books])",
        ".selectinload(Book.pages)",
        "",
    ),
    Step(
        "author = Author(id=10 + @, name='New')\nsession.add(author)\nawait session.flush()\n{}print(len(author.books))\n"
        "await session.rollback()",
        'await session.refresh(author, ["books"])\n',
        "",
    ),
    Step(
        "print(await session.scalar({}))",
        "text('select count(*) from books')",
        "'select count(*) from books'",
    ),
    Step(
        "print({}.all())",
        "(await session.scalars(select(Book.title).order_by(Book.id)))",
        "await session.scalars(select(Book.title).order_by(Book.id))",
    ),
    Step(
        "session.add(Author(id=100 + @, name='Late'))\n{}session.commit()\n"
        "async with factory() as other:\n    print(await other.scalar(select(func.count(Author.id)).where(Author.id == 100 + @)))",
        "await ",
        "",
    ),
    Step(
        "authors = (await session.scalars(select(Author).options(joinedload(Author.books)).order_by(Author.id))){}.all()\n"
        "print([len(author.books) for author in authors])",
        ".unique()",
        "",
    ),
    Step(
        "{}with session.begin_nested():\n    print(await session.scalar(select(func.count(Book.id))))",
        "async ",
        "",
    ),
    Step("{}session.expunge_all()\nprint('done @')", "", "await "),
    Step(
        "{}\nprint(books, authors)",
        "books = await session.scalar(select(func.count(Book.id)))\n"
        "authors = await session.scalar(select(func.count(Author.id)))",
        "books, authors = await asyncio.gather(\n"
        "    session.scalar(select(func.count(Book.id))),\n"
        "    session.scalar(select(func.count(Author.id))),  # both\n)",
    ),
    Step(
        "{}",
        "for key in (1, 2):\n    print((await session.get_one(Book, key)).title)",
        "for book in await asyncio.gather(*[session.get_one(Book, key) for key in (1, 2)]):\n    print(book.title)",
    ),
    Step(
        "{}print('closed')",
        "async with factory() as other:\n    print(await other.scalar(select(func.count(Page.id))))\n",
        "other = factory()  # by hand\n# how many\nprint(await other.scalar(select(func.count(Page.id))))\n"
        "await other.close()\n",
    ),
    Step(
        "{}\nprint(count)",
        "count = await session.scalar(select(func.count(Book.id)))\nprint(len((await session.scalars(select(Author))).all()))",
        "counting = asyncio.create_task(session.scalar(select(func.count(Book.id))))\n"
        "print(len((await session.scalars(select(Author))).all()))\ncount = await counting",
    ),
    Step("{}for title in await session.scalars(select(Book.title)):\n    print(title)", "", "async "),
]

# A program takes a second: what fails is reported as it was found.
bounded = {
    "deadline": None,
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
    "suppress_health_check": [HealthCheck.too_slow],
}
programs = st.lists(st.tuples(st.sampled_from(STEPS), st.booleans()), min_size=1, max_size=5)


def written(steps: list[tuple[Step, bool]], damaged: bool, expires: bool) -> str:
    names = "joinedload, selectinload, "
    functions = [step.written(number, damaged and hurt) for number, (step, hurt) in enumerate(steps)]
    body = "".join(functions)
    if not damaged:
        orm = names
    else:
        orm = "".join(f"{name}, " for name in ("joinedload", "selectinload") if f"{name}(" in body)
    calls = "\n".join(
        f"        async with factory() as session:\n            await step_{number}(session)"
        for number in range(len(steps))
    )
    expire = "" if damaged and expires else ", expire_on_commit=False"
    return HEADER.format(orm=orm, expire=expire) + body + FOOTER.format(calls=calls)


def printed(text: str) -> str:
    output = io.StringIO()
    module = types.ModuleType("generated_program")  # annotations are looked up in `sys.modules`
    sys.modules[module.__name__] = module
    try:
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            exec(compile(text, "program.py", "exec"), vars(module))
            asyncio.run(module.main())
    finally:
        del sys.modules[module.__name__]
        clear_mappers()
    return output.getvalue()


@settings(max_examples=30, **bounded)
@given(steps=programs, expires=st.booleans())
def test_fixed_programs_do_what_they_did_before_the_damage(
    linter: Linter, steps: list[tuple[Step, bool]], expires: bool
) -> None:
    right = written(steps, False, False)
    after, outcome = linter.fixed(written(steps, True, expires))
    assert not outcome.unsettled
    assert [finding.message for finding in outcome.left.findings] == []
    assert printed(after) == printed(right)
    again, second = linter.fixed(after)
    assert again == after and not second.changes


@settings(max_examples=10, **bounded)
@given(steps=programs)
def test_sound_programs_stay_as_they_are(linter: Linter, steps: list[tuple[Step, bool]]) -> None:
    right = written(steps, False, False)
    after, _ = linter.fixed(right)
    assert after == right
