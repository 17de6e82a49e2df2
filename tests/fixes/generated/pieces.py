"""What the programs are made of: pieces that are right, and the ways in which each can be wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """`{}` in `text` marks where the damage goes; `@` stands for the number of a step."""

    code: str  # the rule that says so
    text: str
    right: str
    wrong: tuple[str, ...]


def piece(code: str, text: str, right: str, *wrong: str) -> Piece:
    return Piece(code, text, right, wrong)


# --- what stands once in a program -----------------------------------------------------------------

URL = piece(
    "ASQ102 ASQ108",
    'URL = "{}:///app.db"',
    "sqlite+aiosqlite",
    "sqlite",
    "sqlite+aiosqllite",
    "sqlite+pysqlite",
)
POOL = piece("ASQ104", "engine = create_async_engine(URL{})", "", ", poolclass=QueuePool")
FACTORY = piece(
    "ASQ304 ASQ211",
    "factory = {}",
    "async_sessionmaker(engine, expire_on_commit=False)",
    "async_sessionmaker(engine)",
    "sessionmaker(engine, expire_on_commit=False)",
    "sessionmaker(engine, class_=AsyncSession)",
)
BASE = piece("ASQ309", "class Base({}DeclarativeBase):\n    pass", "AsyncAttrs, ", "")
LISTENER = piece(
    "ASQ109",
    '@event.listens_for({}, "connect")\ndef connected(connection, record) -> None:\n    opened.append(record)',
    "engine.sync_engine",
    "engine",
)
CREATION = piece(
    "ASQ111 ASQ401 ASQ404 ASQ407",
    "{}",
    "async with engine.begin() as connection:\n    await connection.run_sync(Base.metadata.create_all)",
    "async with engine.begin() as connection:\n    Base.metadata.create_all(connection)",
    "async with engine.begin() as connection:\n    connection.run_sync(Base.metadata.create_all)",
    "with engine.begin() as connection:\n    await connection.run_sync(Base.metadata.create_all)",
    "async with engine.begin() as connection:\n    await connection.run_sync(Base.metadata.create_all())",
    "Base.metadata.create_all(engine)",
)
ENDING = piece(
    "ASQ105 ASQ401",
    "{}",
    "try:\n    await work()\nfinally:\n    await engine.dispose()",
    "await work()",
    "try:\n    await work()\nfinally:\n    engine.dispose()",
)
ONCE = {
    "url": URL,
    "engine": POOL,
    "factory": FACTORY,
    "base": BASE,
    "listener": LISTENER,
    "creation": CREATION,
    "ending": ENDING,
}

# --- steps: each becomes a function that is given a session ----------------------------------------

EAGER = ".options(selectinload(Author.books))"
STEPS = [
    piece(
        "ASQ301",
        "authors = (await session.scalars(select(Author){}.order_by(Author.id))).all()\n"
        "for author in authors:\n    print(author.name, [book.title for book in author.books])",
        EAGER,
        "",
    ),
    piece(
        "ASQ301",
        "statement = (\n    select(Author)\n    {}.where(Author.name != 'x')\n    .order_by(Author.id)\n)\n"
        "for author in await session.scalars(statement):\n    print(len(author.books))",
        ".options(selectinload(Author.books))\n    ",
        "",
    ),
    piece(
        "ASQ301",
        "result = await session.execute(select(Book){}.order_by(Book.id).limit(2))\n"
        "print([(book.title, book.author.name) for book in result.scalars()])",
        ".options(joinedload(Book.author))",
        "",
    ),
    piece(
        "ASQ301",
        "author = await session.get(Author, 1{})\nif author is not None:\n    print(len(author.books))",
        ", options=[selectinload(Author.books)]",
        "",
    ),
    piece(
        "ASQ301",
        "rows = await session.scalars(select(Author).options(selectinload(Author.books){}).order_by(Author.id))\n"
        "print([len(book.pages) for author in rows for book in author.books])",
        ".selectinload(Book.pages)",
        "",
    ),
    piece(
        "ASQ301",
        "query = select(Book){}\nquery = query.where(Book.id < 3).order_by(Book.id)\n"
        "for book in (await session.execute(query)).scalars().all():\n"
        "    print(book.author.name, len(book.pages))",
        ".options(joinedload(Book.author), selectinload(Book.pages))",
        ".options(joinedload(Book.author))",
        ".options(selectinload(Book.pages))",
        "",
    ),
    piece(
        "ASQ301",
        "author = Author(id=10 + @, name='New')\nsession.add(author)\nawait session.flush()\n"
        "{}print(len(author.books))\nawait session.rollback()",
        'await session.refresh(author, ["books"])\n',
        "",
    ),
    piece(
        "ASQ311",
        "author = await session.get_one(Author, 1{})\nauthor.books.append(Book(title='More'))\n"
        "print(len(author.books))\nawait session.rollback()",
        ", options=[selectinload(Author.books)]",
        "",
    ),
    piece(
        "ASQ303",
        "async with factory() as other:\n    author = await other.get_one(Author, 1{})\n"
        "print(author.name, len(author.books))",
        ", options=[selectinload(Author.books)]",
        "",
    ),
    piece(
        "ASQ303",
        "async with factory() as other:\n"
        "    books = (await other.scalars(select(Book){}.order_by(Book.id))).all()\n"
        "for book in books:\n    print(book.author.name)",
        ".options(joinedload(Book.author))",
        "",
    ),
    piece(
        "ASQ305",
        "for author in await session.scalars(select(Author){}.order_by(Author.id)):\n    print(author.bio)",
        ".options(undefer(Author.bio))",
        "",
        ".options(load_only(Author.name))",
        ".options(defer(Author.bio))",
    ),
    piece(
        "ASQ306",
        "author = await session.get_one(Author, 1)\nprint(len({}))",
        "(await session.scalars(author.notes.select())).all()",
        "author.notes.all()",
    ),
    piece(
        "ASQ309",
        "author = await session.get_one(Author, 1)\nprint(len(await author.awaitable_attrs.books))",
        "",
    ),
    piece(
        "ASQ310",
        "author = await session.get_one(Author, 1)\nprint(author.name)\n"
        "again = await session.get_one(Author, 1, options=[selectinload(Author.books)]{})\n"
        "print(len(again.books))",
        ", populate_existing=True",
        "",
    ),
    piece(
        "ASQ312",
        "for author in await session.scalars(select(Author){}.order_by(Author.id)):\n    print(author.name)",
        "",
        ".options(selectinload(Author.books))",
        ".options(selectinload(Author.books).selectinload(Book.pages))",
    ),
    piece(
        "ASQ206",
        "async with factory() as other:\n    other.add(Author(id=200 + @, name='Kept'))\n{}"
        "print(await session.scalar(select(func.count(Author.id)).where(Author.id == 200 + @)))",
        "    await other.commit()\n",
        "",
    ),
    piece(
        "ASQ207",
        "session.add(Author(id=1, name='Again'))\ntry:\n    await session.flush()\n"
        "except IntegrityError:\n    {}print('taken')\n"
        "print(await session.scalar(select(func.count(Book.id))))",
        "await session.rollback()\n    ",
        "",
    ),
    piece(
        "ASQ406",
        "print({})",
        "await session.scalar(select(func.count()).select_from(Book))",
        "session.query(Book).count()",
    ),
    piece(
        "ASQ406",
        "names = {}\nprint(sorted(author.name for author in names))",
        "(await session.scalars(select(Author).where(Author.id < 3))).all()",
        "session.query(Author).filter(Author.id < 3).all()",
    ),
    piece(
        "ASQ407",
        "def counted(sync):\n    return sync.scalar(select(func.count(Page.id)))\n\nprint(await session.run_sync({}))",
        "counted",
        "counted(session)",
    ),
    piece(
        "ASQ409",
        "print(await session.scalar({}))",
        "text('select count(*) from books')",
        "'select count(*) from books'",
    ),
    piece(
        "ASQ403",
        "print({}.all())",
        "(await session.scalars(select(Book.title).order_by(Book.id)))",
        "await session.scalars(select(Book.title).order_by(Book.id))",
    ),
    piece(
        "ASQ401",
        "session.add(Author(id=100 + @, name='Late'))\n{}session.commit()\n"
        "async with factory() as other:\n"
        "    print(await other.scalar(select(func.count(Author.id)).where(Author.id == 100 + @)))",
        "await ",
        "",
    ),
    piece(
        "ASQ307",
        "query = select(Author).options(joinedload(Author.books)).order_by(Author.id)\n"
        "authors = (await session.scalars(query)){}.all()\nprint([len(author.books) for author in authors])",
        ".unique()",
        "",
    ),
    piece(
        "ASQ404",
        "{}with session.begin_nested():\n    print(await session.scalar(select(func.count(Book.id))))",
        "async ",
        "",
    ),
    piece("ASQ402", "{}session.expunge_all()\nprint('done @')", "", "await "),
    piece(
        "ASQ201",
        "{}\nprint(books, authors)",
        "books = await session.scalar(select(func.count(Book.id)))\n"
        "authors = await session.scalar(select(func.count(Author.id)))",
        "books, authors = await asyncio.gather(\n"
        "    session.scalar(select(func.count(Book.id))),\n"
        "    session.scalar(select(func.count(Author.id))),  # both\n)",
    ),
    piece(
        "ASQ201",
        "{}",
        "for key in (1, 2):\n    print((await session.get_one(Book, key)).title)",
        "for book in await asyncio.gather(*[session.get_one(Book, key) for key in (1, 2)]):\n"
        "    print(book.title)",
    ),
    piece(
        "ASQ203",
        "{}print('closed')",
        "async with factory() as other:\n    print(await other.scalar(select(func.count(Page.id))))\n",
        "other = factory()  # by hand\n# how many\nprint(await other.scalar(select(func.count(Page.id))))\n"
        "await other.close()\n",
    ),
    piece(
        "ASQ201",
        "{}\nprint(count)",
        "count = await session.scalar(select(func.count(Book.id)))\n"
        "print(len((await session.scalars(select(Author))).all()))",
        "counting = asyncio.create_task(session.scalar(select(func.count(Book.id))))\n"
        "print(len((await session.scalars(select(Author))).all()))\ncount = await counting",
    ),
    piece(
        "ASQ405",
        "{}for title in await session.scalars(select(Book.title).order_by(Book.id)):\n    print(title)",
        "",
        "async ",
    ),
    piece(
        "ASQ405",
        "{}for title in await session.stream_scalars(select(Book.title).order_by(Book.id)):\n    print(title)",
        "async ",
        "",
    ),
    piece(
        "ASQ302",
        "author = await session.get_one(Author, 2)\nauthor.name = author.name.upper()\n"
        "await session.commit()\nprint(author.name)",
        "",
    ),
]
