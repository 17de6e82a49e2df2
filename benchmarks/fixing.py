"""What fixing costs beside checking: a generated project, in seconds of processor time and peak memory.

python benchmarks/fixing.py 400000            about so many lines; every tenth module has defects
python benchmarks/fixing.py 60000 --every 1   every module has
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS = """\
from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")
"""
HEADER = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from shop.models import Author, Book
"""
SOUND = """

async def titles_{0}(session: AsyncSession, least: int) -> dict[str, int]:
    statement = select(Author).where(Author.id > least).options(selectinload(Author.books))
    counts: dict[str, int] = {{}}
    for author in await session.scalars(statement):
        for book in author.books:
            if book.title:
                counts[book.title] = counts.get(book.title, 0) + {0}
    return counts


async def rename_{0}(session: AsyncSession, key: int, title: str) -> str:
    book = await session.get(Book, key, options=[joinedload(Book.author)])
    if book is None:
        raise LookupError(key)
    book.title = title.strip()
    await session.flush()
    return f"{{book.author.name}}: {{book.title}}"
"""
BROKEN = """

async def newest_{0}(session: AsyncSession) -> list[str]:
    found = (await session.scalars(select(Author).order_by(Author.id).limit({0}))).all()
    session.flush()
    await session.execute("select {0}")
    return [f"{{author.name}} {{len(author.books)}}" for author in found]
"""
FUNCTIONS = 10  # of sound ones to a module, in pairs


def generate(place: Path, lines: int, every: int) -> int:
    package = place / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODELS)
    sound = HEADER + "".join(map(SOUND.format, range(FUNCTIONS)))
    broken = sound + BROKEN.format(1) + BROKEN.format(2)
    made = MODELS.count("\n")
    number = 0
    while made < lines:
        module = sound if number % every else broken
        (package / f"service_{number}.py").write_text(module)
        made += module.count("\n")
        number += 1
    return made


def measured(place: Path, *arguments: str) -> tuple[float, float, float, str]:
    """Seconds, processor seconds and the peak of the largest process in megabytes."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "asyncsqla_lint",
            "check",
            "--no-cache",
            "--jobs=1",
            "--quiet",
            *arguments,
            ".",
        ],
        cwd=place,
        capture_output=True,
        text=True,
        env={**os.environ},
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = (done.stderr or done.stdout).strip().splitlines()[-1:]
    return time.perf_counter() - started, spent, after.ru_maxrss / 1024, "".join(last)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lines", type=int, nargs="?", default=400_000)
    parser.add_argument("--every", type=int, default=10, metavar="N", help="each Nth module has defects")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        made = generate(place, options.lines, options.every)
        for name, arguments in (("check", ()), ("fix", ("--fix", "--unsafe-fixes")), ("check again", ())):
            seconds, spent, peak, last = measured(place, *arguments)
            print(f"{made:,} lines: {name:12} {seconds:7.1f} s {spent:7.1f} s of CPU {peak:7.0f} MB  {last}")


if __name__ == "__main__":
    main()
