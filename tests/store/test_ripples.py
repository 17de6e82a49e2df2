# ruff: noqa: E501
"""Who is asked again after one edit: those whom it concerns, through however many names, and nobody else."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from asyncsqla_lint.project.index import Index
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.run import work
from asyncsqla_lint.run.cache import Cache, stored
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config

MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase):
    pass

class Pet(Base):
    __tablename__ = "pets"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    toys: Mapped[list["Toy"]] = relationship()
    __mapper_args__ = {"polymorphic_on": "kind"}

class Toy(Base):
    __tablename__ = "toys"
    id: Mapped[int] = mapped_column(primary_key=True)
    pet_id: Mapped[int] = mapped_column(ForeignKey("pets.id"))
"""
QUERIES = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from models import Pet

def everything():
    return select(Pet)

async def pets(session: AsyncSession):
    return (await session.scalars(everything())).all()
"""
SERVICE = """\
from sqlalchemy.ext.asyncio import AsyncSession
from queries import pets

async def shown(session: AsyncSession):
    return [animal.toys for animal in await pets(session)]
"""
ALIASES = "import sqlalchemy\nfrom models import Pet\nAnimal = Pet\n"
TYPED = """\
from sqlalchemy.ext.asyncio import AsyncSession
from aliases import Animal

async def toys(session: AsyncSession, one: Animal):
    await session.refresh(one)
    return one.toys

async def label(session: AsyncSession, one: Animal):
    return one.label
"""
HELPERS = """\
import sqlalchemy

def page(number):
    return number * 20

def nobody():
    return 2
"""
APART = """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from helpers import page

async def count(session: AsyncSession, limit: int = page(1)):
    return await session.scalar("select 1")

async def counted():
    async with AsyncSession() as session:
        return await count(session)
"""
BOT = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from models import Pet

COMMANDS = {}

def command(name):
    def added(function):
        COMMANDS[name] = function
        return function
    return added

async def handle(session: AsyncSession, name: str):
    for one in await session.scalars(select(Pet)):
        COMMANDS[name](one)
"""
DESK = """\
import sqlalchemy

class Desk:
    def __init__(self, model):
        self.model = model

    async def first(self, session):
        return (await session.scalars(sqlalchemy.select(self.model))).first().kind
"""
MORE = "from sqlalchemy.orm import Mapped, mapped_column, relationship\nfrom models import Base, Pet\n"
MORE += "# One of them has a backref: whether anybody says that word is asked of all.\n"
PROJECT = {
    "models.py": MODELS,
    "queries.py": QUERIES,
    "service.py": SERVICE,
    "aliases.py": ALIASES,
    "typed.py": TYPED,
    "helpers.py": HELPERS,
    "apart.py": APART,
    "more.py": MORE,
    "bot.py": BOT,
    "plugin.py": "import sqlalchemy\nfrom bot import command\n",
    "desk.py": DESK,
}
EVERYBODY = {"apart", "bot", "desk", "plugin", "queries", "service", "typed"}
# Which file says what instead, and who is asked again; files without a coroutine are never asked.
EDITS: dict[str, tuple[str, str, str, set[str]]] = {
    "a function more": (
        "queries.py",
        "def everything",
        "def nobody():\n    pass\n\ndef everything",
        {"queries", "service"},
    ),
    "an import of what another has from elsewhere": (
        "helpers.py",
        "import sqlalchemy\n",
        "import sqlalchemy\nfrom sqlalchemy import text\n",
        set(),
    ),
    "a function above one that was run": (
        "helpers.py",
        "\ndef page",
        "\ndef nowhere():\n    return 1\n\ndef page",
        set(),
    ),
    "a function that hides what one says that was run": (
        "helpers.py",
        "\ndef page",
        "\ndef number():\n    return 1\n\ndef page",
        {"apart"},
    ),
    "a body": ("apart.py", "select 1", "select 2", {"apart"}),
    "a body that another module has run": ("helpers.py", "* 20", "* 40", {"apart"}),
    "a body that nobody has run": ("helpers.py", "return 2", "return 3", set()),
    "lines above a body that was run": ("helpers.py", "\ndef page", "\n\n# pages\ndef page", set()),
    "a function inside of one that nobody has run": (
        "helpers.py",
        "    return 2",
        "    def two():\n        return 2\n    return two()",
        set(),
    ),
    "a line above a session that is made": (
        "apart.py",
        "async def counted",
        "\nasync def counted",
        {"apart"},
    ),
    "a relationship, through an alias": (
        "models.py",
        "] = relationship()",
        '] = relationship(lazy="selectin")',
        {"bot", "queries", "service", "typed"},
    ),
    "a signature behind a body that was run": (
        "queries.py",
        "def everything():",
        "async def everything():",
        {"queries", "service"},
    ),
    "a command for a table elsewhere": (
        "plugin.py",
        "import command\n",
        "import command\n@command('toys')\ndef toys(one):\n    return one.toys\n",
        {"bot", "plugin"},
    ),
    "a subclass, where one does something with those below it": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nclass Hooked:\n    def __init_subclass__(cls):\n        pass\n"
        "class Dog(Hooked):\n    pass\n",
        {"bot"},
    ),
    "a route of one's own": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nfrom fastapi import APIRouter\nrouter = APIRouter()\n"
        "@router.get('/')\ndef shown():\n    return 1\n",
        set(),
    ),
    "the first coroutine of a module, where others have some": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nfrom sqlalchemy.ext.asyncio import AsyncSession\n"
        "async def fed(session: AsyncSession):\n    return await session.get(Pet, 1)\n",
        {"more"},
    ),
    "a word that is asked of all modules together": (
        "helpers.py",
        "return 2",
        "return ContextVar",
        EVERYBODY,
    ),
    "what is kept on the application's state": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nasync def start(app):\n    app.state.pet = Pet\n",
        EVERYBODY | {"more"},
    ),
    "an alias": ("aliases.py", "Animal = Pet", "Animal = int", {"typed"}),
    "a subclass that nobody names": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nclass Dog(Pet):\n    @property\n    def label(self):\n        return self.toys\n",
        {"typed"},
    ),
    "a backref": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nfrom sqlalchemy import ForeignKey\nclass Tag(Base):\n    __tablename__ = 'tags'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    pet_id: Mapped[int] = mapped_column(ForeignKey('pets.id'))\n"
        "    pet: Mapped[Pet] = relationship(backref='label')\n",
        {"bot", "queries", "service", "typed"},
    ),
    "a new table": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nclass Owner(Base):\n    __tablename__ = 'owners'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n",
        set(),
    ),
    "what a constructor is given": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nfrom desk import Desk\ndef main():\n    return Desk(Pet)\n",
        {"desk"},
    ),
    "a session factory": (
        "more.py",
        "import Base, Pet\n",
        "import Base, Pet\nfrom sqlalchemy.ext.asyncio import async_sessionmaker\nmake = async_sessionmaker()\n",
        EVERYBODY | {"more"},
    ),
}


class Asked:
    def __init__(self, root: Path, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.modules: list[str] = []
        (root / "pyproject.toml").write_text("[tool.asyncsqla-lint]\npreview = true\n")
        for name, text in files.items():
            self.write(name, text)
        self.config = load_config([str(root)])

        def counted(index: Index, names: Sequence[str], config: Config) -> object:
            self.modules.extend(names)
            return analyse(index, names, config)

        monkeypatch.setattr(work.Project, "analyse", property(lambda project: counted))

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)
        os.utime(self.root / name, (1_000_000_000, 1_000_000_000))  # long ago, so that times are gone by

    def again(self) -> set[str]:
        """Who is asked now; what they say is what a run without a cache says."""
        cold = run([str(self.root)], self.config, cache=Cache())
        self.modules.clear()
        warm = run([str(self.root)], self.config, cache=stored(self.config))
        assert warm.findings == cold.findings
        return set(self.modules)


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_who_is_asked_again(
    edit: tuple[str, str, str, set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, before, after, expected = edit
    asked = Asked(tmp_path, PROJECT, monkeypatch)
    assert asked.again() == EVERYBODY
    assert asked.again() == set()
    assert before in PROJECT[name]
    asked.write(name, PROJECT[name].replace(before, after))
    assert asked.again() == expected
    asked.write(name, PROJECT[name])
    assert asked.again() <= expected | {"queries", "service"}


_SCREEN = "from sqlalchemy.ext.asyncio import AsyncSession\nfrom queries import pets\n"
_SCREEN += "async def screen(session: AsyncSession):\n    return [one.toys for one in await pets(session)]\n"
_WAITING = "from sqlalchemy.ext.asyncio import AsyncSession\nfrom paging import One\n"
_WAITING += "async def waiting(session: AsyncSession, one: One):\n    return one.toys\n"
_DOG = (
    "from models import Pet\nclass Dog(Pet):\n    @property\n    def label(self):\n        return self.toys\n"
)
# Which file comes, and goes again, and who is asked each time; it itself when it has come.
FILES: dict[str, tuple[str, str, set[str]]] = {
    "one that nobody names": ("screen.py", _SCREEN, set()),
    "one that somebody has imported": ("paging.py", "from models import Pet\nOne = Pet\n", {"waiting"}),
    "another of that name": (
        "other/aliases.py",
        "import sqlalchemy\nAnimal = int\n",
        EVERYBODY | {"waiting"},
    ),
    "a subclass that nobody names": ("dog.py", _DOG, {"typed"}),
    "a session factory": (
        "made.py",
        "from sqlalchemy.ext.asyncio import async_sessionmaker\nmake = async_sessionmaker()\n",
        EVERYBODY | {"waiting"},
    ),
    "a registration": (
        "feed.py",
        "import sqlalchemy\nfrom bot import command\n@command('feed')\ndef feed(pet):\n    return pet.toys\n",
        {"bot"},
    ),
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_who_is_asked_when_a_file_has_come_or_gone(
    file: tuple[str, str, set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, text, expected = file
    (tmp_path / "other").mkdir()
    asked = Asked(tmp_path, {**PROJECT, "waiting.py": _WAITING}, monkeypatch)
    assert asked.again() == EVERYBODY | {"waiting"}
    asked.write(name, text)
    assert asked.again() - {name.removesuffix(".py")} == expected
    (tmp_path / name).unlink()
    assert asked.again() <= expected
