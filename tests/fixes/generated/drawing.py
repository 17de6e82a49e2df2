"""A program drawn by chance: as it should be, and damaged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from fixes.generated.pieces import ONCE, STEPS, Piece

# What a program imports of what it uses, so that a fix has to add the rest.
_NAMES = {
    "sqlalchemy": ("ForeignKey", "event", "func", "select", "text"),
    "sqlalchemy.exc": ("IntegrityError",),
    "sqlalchemy.ext.asyncio": ("AsyncAttrs", "AsyncSession", "async_sessionmaker", "create_async_engine"),
    "sqlalchemy.orm": (
        *(
            "DeclarativeBase",
            "DynamicMapped",
            "Mapped",
            "WriteOnlyMapped",
            "defer",
            "joinedload",
            "load_only",
        ),
        *("mapped_column", "relationship", "selectinload", "sessionmaker", "undefer"),
    ),
    "sqlalchemy.pool": ("QueuePool",),
}
_PROGRAM = """
{imports}

{url}
opened: list[object] = []


{base}


class Author(Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    bio: Mapped[str] = mapped_column(deferred=True, default="unknown")
    books: Mapped[list["Book"]] = relationship(back_populates="author", order_by="Book.id")
    notes: {notes}["Note"] = relationship({lazy})


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


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))


{engine}
{factory}


{listener}


async def seed() -> None:
{creation}
    async with factory() as session:
        books = [Book(id=1, title="One", pages=[Page(id=1), Page(id=2)])]
        session.add(Author(id=1, name="Ann", books=books))
        session.add(Author(id=2, name="Bo", books=[Book(id=2, title="Two"), Book(id=3, title="Three")]))
        session.add(Note(id=1, author_id=1))
        await session.commit()
{steps}

async def work() -> None:
    await seed()
{calls}


async def main() -> None:
{ending}


if __name__ == "__main__":
    asyncio.run(main())
"""


@dataclass(frozen=True)
class Drawn:
    right: str
    damaged: str
    codes: frozenset[str]  # what the damage may be called


def draw(random: Random) -> Drawn:
    steps = [random.choice(STEPS) for _ in range(random.randint(1, 5))]
    styles = [random.choice((_function, _method, _method, _nested)) for _ in steps]
    wrong: dict[int, str] = {}
    for number, step in enumerate(steps):
        if step.wrong and random.random() < 0.6:
            wrong[number] = random.choice(step.wrong)
    once: dict[str, str] = {}
    for name, one in ONCE.items():
        if random.random() < 0.15:
            once[name] = random.choice(one.wrong)
    codes = {code for number in wrong for code in steps[number].code.split()}
    codes |= {code for name in once for code in ONCE[name].code.split()}
    return Drawn(_written(steps, styles, {}, {}), _written(steps, styles, wrong, once), frozenset(codes))


def _written(steps: list[Piece], styles: list[_Style], wrong: dict[int, str], once: dict[str, str]) -> str:
    texts = {name: one.text.replace("{}", once.get(name, one.right)) for name, one in ONCE.items()}
    texts["creation"], texts["ending"] = _indented(texts["creation"]), _indented(texts["ending"])
    pieces: list[str] = []
    for number, step in enumerate(steps):
        text = step.text.replace("{}", wrong.get(number, step.right)).replace("@", str(number))
        pieces.append(styles[number](number, text))
    calls = "".join(
        f"    async with factory() as session:\n        await step_{number}(session)\n"
        for number in range(len(steps))
    )
    # One old use makes the whole relationship an old one; where all are new, so is the relationship.
    is_old = any("author.notes.all()" in text for text in pieces)
    texts["notes"] = "DynamicMapped" if is_old else "WriteOnlyMapped"
    body = _PROGRAM.format(
        imports="{imports}", steps="".join(pieces), calls=calls.rstrip("\n"), lazy="", **texts
    )
    return body.replace("{imports}", _imports(body)).lstrip("\n")


def _imports(body: str) -> str:
    lines = ["import asyncio\n"]
    for module, names in _NAMES.items():
        used = [name for name in names if re.search(rf"\b{name}\b", body)]
        if used:
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join(lines)


def _indented(text: str, by: int = 4) -> str:
    return "\n".join(" " * by + line if line else "" for line in text.strip("\n").splitlines())


# --- how a step is written -------------------------------------------------------------------------


def _function(number: int, text: str) -> str:
    return f"\n\nasync def step_{number}(session: AsyncSession) -> None:\n{_indented(text)}\n"


def _method(number: int, text: str) -> str:
    body = re.sub(r"\bsession\.", "self.session.", text).replace("(session)", "(self.session)")
    return (
        f"\n\nclass Step{number}:\n    def __init__(self, session: AsyncSession) -> None:\n"
        f"        self.session = session\n\n    async def run(self) -> None:\n{_indented(body, 8)}\n\n\n"
        f"async def step_{number}(session: AsyncSession) -> None:\n    await Step{number}(session).run()\n"
    )


def _nested(number: int, text: str) -> str:
    return (
        f"\n\nasync def step_{number}(session: AsyncSession) -> None:\n    if session.is_active:\n"
        f"        try:\n{_indented(text, 12)}\n        finally:\n            print('step {number}')\n"
    )


_Style = type(_function)
