# ruff: noqa: E501
"""A run after an edit says what a run without a cache says, and asks only those whom the edit concerns.

Edits are drawn by chance from what one does to signatures, classes, models and imports. More of them:
`python tests/store/test_reach.py 200`; another number is the first seed, for 0.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from asyncsqla_lint.project.index import Index
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.run import work
from asyncsqla_lint.run.cache import Cache, stored
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config

# Of each file its places, and what may stand in each of them.
Slots = list[list[str]]
FILES: dict[str, Slots] = {
    "shop/__init__.py": [["", "from shop.models import *\n", "from shop.models import User, Post\n"]],
    "shop/base.py": [
        ["from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, declared_attr\n"],
        ["", "from sqlalchemy.ext.asyncio import AsyncAttrs\n"],
        [
            "class Base(DeclarativeBase):\n    pass\n",
            "class Base(DeclarativeBase):\n    def shown(self):\n        return self.id\n",
        ],
        [
            "class Named:\n    name: Mapped[str]\n",
            "class Named:\n    name: Mapped[str] = mapped_column(deferred=True)\n",
            "class Named:\n    name: Mapped[str]\n    @declared_attr\n    def tags(cls):\n"
            "        return relationship('Tag', lazy='selectin')\n",
        ],
        ["", "Alias = Base\n"],
        ["", "LAZY = 'select'\n", "LAZY = 'selectin'\n"],
    ],
    "shop/models.py": [
        [
            "from sqlalchemy import ForeignKey\nfrom sqlalchemy.orm import Mapped, mapped_column, relationship\n"
        ],
        ["from shop.base import Base, Named\n", "from shop.base import Base as B, Named\nBase = B\n"],
        ["", "__all__ = ['User', 'Post']\n"],
        [
            "class User(Named, Base):\n    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    kind: Mapped[str]\n    __mapper_args__ = {'polymorphic_on': 'kind'}\n",
            "class User(Named, Base):\n    __tablename__ = 'people'\n    id: Mapped[int] = mapped_column(primary_key=True)\n",
        ],
        [
            "    posts: Mapped[list['Post']] = relationship()\n",
            "    posts: Mapped[list['Post']] = relationship(lazy='selectin')\n",
            "    posts = relationship('Post', lazy='joined')\n",
            "",
        ],
        [
            "class Post(Base):\n    __tablename__ = 'posts'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))\n",
            "class Post(Base):\n    __tablename__ = 'posts'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    user_id: Mapped[int] = mapped_column(ForeignKey('people.id'))\n"
            "    user: Mapped[User] = relationship(overlaps='posts')\n",
        ],
    ],
    "shop/extra.py": [
        [
            "from sqlalchemy import ForeignKey\nfrom sqlalchemy.orm import Mapped, mapped_column, relationship\n"
        ],
        ["from shop.models import User\nfrom shop.base import Base\n", "from shop.models import *\n"],
        [
            "",
            "class Tag(Base):\n    __tablename__ = 'tags'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))\n",
            "class Tag(Base):\n    __tablename__ = 'tags'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))\n"
            "    user: Mapped[User] = relationship(backref='labels')\n",
        ],
        [
            "",
            "class Admin(User):\n    __mapper_args__ = {'polymorphic_identity': 'admin'}\n    rank: Mapped[int | None]\n",
            "class Admin(User):\n    @property\n    def shown(self):\n        return [post.id for post in self.posts]\n",
        ],
        [
            "",
            "class SqlStore(Store):\n    async def users(self, session):\n        return await users(session)\n",
        ],
        ["from shop.stores import Store\nfrom shop.queries import users\n"],
    ],
    "shop/aliases.py": [
        ["from typing import Annotated\nfrom shop.models import User\nfrom shop.stores import Store\n"],
        ["Author = User\n", "Author = Annotated[User, 'it']\n"],
        ["Shelf = Store\n"],
    ],
    # Speaks of little, and looks at much.
    "shop/seen.py": [
        [
            "from sqlalchemy.ext.asyncio import AsyncSession\nfrom shop.aliases import Author, Shelf\n"
            "async def posts(session: AsyncSession, one: Author):\n"
            "    await session.refresh(one)\n    print(one.posts)\n"
            "async def labels(session: AsyncSession, one: Author):\n"
            "    await session.refresh(one)\n    print(one.labels)\n"
            "async def tags(session: AsyncSession, one: Author):\n"
            "    await session.refresh(one)\n    print(one.tags)\n"
            "async def extra(session: AsyncSession, one: Author):\n"
            "    await session.refresh(one)\n    print(one.extra, one.name)\n"
            "async def shown(session: AsyncSession, one: Author):\n"
            "    await session.refresh(one)\n    print(one.shown)\n"
            "async def later(session: AsyncSession, one: Author):\n"
            "    await session.commit()\n    print(one.id)\n"
            "async def stored(session: AsyncSession, one: Shelf):\n"
            "    for each in await one.users(session):\n        print(each.posts)\n"
        ]
    ],
    "shop/stores.py": [
        [
            "from typing import Protocol\nfrom abc import ABC, abstractmethod\nfrom sqlalchemy.ext.asyncio import AsyncSession\n"
        ],
        [
            "class Store(Protocol):\n    async def users(self, session): ...\n",
            "class Store(ABC):\n    @abstractmethod\n    async def users(self, session): ...\n",
        ],
        [
            "async def listed(session: AsyncSession, store: Store):\n"
            "    return [user.posts for user in await store.users(session)]\n",
            "async def listed(session: AsyncSession, store: Store):\n"
            "    async for user in await store.users(session):\n        print(user.shown)\n",
        ],
    ],
    "shop/queries.py": [
        [
            "from sqlalchemy import select\nfrom sqlalchemy.ext.asyncio import AsyncSession\nfrom sqlalchemy.orm import selectinload\n"
        ],
        [
            "from shop.models import User, Post\n",
            "from shop import *\n",
            "import shop.models as m\nUser = m.User\n",
        ],
        ["", "OPTIONS = [selectinload(User.posts)]\n", "OPTIONS = []\n"],
        [
            "async def users(session: AsyncSession):\n    return (await session.scalars(select(User))).all()\n",
            "async def users(session: AsyncSession, options=()):\n"
            "    return (await session.scalars(select(User).options(*options))).all()\n",
            "async def users(session: AsyncSession) -> list[User]:\n"
            "    return (await session.scalars(select(User).options(selectinload(User.posts)))).all()\n",
            "def users(session: AsyncSession):\n    return session.scalars(select(User))\n",
        ],
        ["", "def User():\n    return None\n"],
        ["", "async def one(session: AsyncSession) -> User | None:\n    return await session.get(User, 1)\n"],
    ],
    "shop/service.py": [
        ["from sqlalchemy.ext.asyncio import AsyncSession\n"],
        [
            "from shop.queries import users\n",
            "from shop.queries import *\n",
            "from shop import queries\nusers = queries.users\n",
        ],
        ["", "from shop.helpers import *\n"],
        [
            "async def titles(session: AsyncSession):\n    return [user.posts for user in await users(session)]\n",
            "async def titles(session: AsyncSession):\n"
            "    found = [user.name for user in await users(session)]\n    await session.commit()\n    return found\n",
            "class Service:\n    async def titles(self, session: AsyncSession):\n"
            "        for user in await users(session):\n            print(user.labels, user.tags)\n",
            "async def titles(session: AsyncSession):\n"
            "    for user in await users(session):\n        print(user.shown, user.extra)\n",
        ],
    ],
    "shop/helpers.py": [
        ["import sqlalchemy\n"],
        [
            "",
            "def users(session):\n    return []\n",
            "async def users(session):\n    return []\n",
            "from shop.queries import users\n",
            "from shop.queries import *\n",
            "from shop import queries\nasync def users(session):\n    return await queries.users(session)\n",
        ],
        ["", "import json\n", "from shop.models import User\n", "from shop.models import Post as User\n"],
        ["", "from sqlalchemy.ext.asyncio import AsyncSession\n"],
        ["", "def other():\n    return 1\n", "def other(number: int):\n    return number\n"],
    ],
    # Who has a module may hand it on, by whatever name.
    "shop/handed.py": [
        ["import sqlalchemy\n"],
        [
            "from shop import helpers\n",
            "import shop.helpers as helpers\n",
            "import shop.helpers\n",
            "from shop import helpers as more\nhelpers = more\n",
            "from shop import helpers as more\nhelpers = [more][0]\n",
            "from shop.helpers import *\n",
        ],
        ["", "tools = [helpers]\n", "def tool():\n    return helpers\n", "class tool:\n    kept = helpers\n"],
    ],
    "shop/using.py": [
        ["from sqlalchemy.ext.asyncio import AsyncSession\n"],
        ["from shop import handed\n", "import shop.handed as handed\n"],
        [
            "async def used(session: AsyncSession):\n"
            "    for one in await handed.helpers.users(session):\n        print(one.posts)\n",
            "async def used(session: AsyncSession):\n"
            "    for one in await handed.more.users(session):\n        print(one.posts)\n",
            "async def used(session: AsyncSession):\n    for each in handed.tools:\n"
            "        for one in await each.users(session):\n            print(one.posts)\n",
            "async def used(session: AsyncSession):\n"
            "    for one in await handed.tool().users(session):\n        print(one.posts)\n",
            "async def used(session: AsyncSession):\n"
            "    for one in await handed.tool.kept.users(session):\n        print(one.posts)\n",
            "async def used(session: AsyncSession):\n"
            "    for one in await handed.shop.helpers.users(session):\n        print(one.posts)\n",
            "async def used(session: AsyncSession, one: handed.helpers.User):\n"
            "    await session.refresh(one)\n    print(one.posts)\n",
        ],
    ],
    "shop/db.py": [
        ["from sqlalchemy.ext.asyncio import async_sessionmaker as made, create_async_engine\n"],
        [
            "engine = create_async_engine('sqlite+aiosqlite://')\n",
            "url = 'sqlite://'\nengine = create_async_engine(url)\n",
        ],
        [
            "make = made(engine)\n",
            "make = made(engine, expire_on_commit=False)\n",
            "",
            "# moved\nmake = made(engine)\n",
        ],
        ["", "async def stop():\n    await engine.dispose()\n"],
    ],
    "shop/late.py": [
        ["import sqlalchemy\nfrom sqlalchemy.orm import relationship\nfrom shop.models import User, Post\n"],
        ["", "User.extra = relationship(Post)\n", "User.name = None\n"],
    ],
    # These may be missing; what they are called says something to others, too.
    "shop/tags.py": [
        ["import sqlalchemy\nfrom sqlalchemy.orm import Mapped, mapped_column, relationship\n"],
        ["from shop.base import Base\n", "from .base import Base\n"],
        [
            "",
            "async def users(session):\n    return (await session.scalars(sqlalchemy.select(User))).all()\n",
            "class Tag(Base):\n    __tablename__ = 'tags'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
            "    user_id: Mapped[int] = mapped_column(sqlalchemy.ForeignKey('users.id'))\n",
        ],
        ["", "from shop.models import User\n", "__all__ = ['users']\n", "async def commit():\n    pass\n"],
    ],
    "shop/tagging.py": [
        ["from sqlalchemy.ext.asyncio import AsyncSession\n"],
        [
            "from shop import tags\n",
            "import shop\ntags = shop.tags\n",
            "import shop.tags as tags\n",
            "from . import tags\n",
            "from shop.tags import *\nfrom shop.queries import *\nclass tags:\n    users = users\n",
            "import importlib\ntags = importlib.import_module('shop.tags')\n",
            "import shop.more.links as tags\n",
            "from shop.more import links as tags\n",
        ],
        [
            "async def tagged(session: AsyncSession):\n"
            "    for one in await tags.users(session):\n        print(one.posts, one.tags)\n",
            "async def tagged(session: AsyncSession, one: tags.Tag):\n"
            "    await session.refresh(one)\n    print(one.user_id, one.user)\n",
            "async def tagged():\n    async with AsyncSession() as session:\n        session.add(tags.Tag())\n",
        ],
    ],
    "shop/more/__init__.py": [
        ["", "import sqlalchemy\nfrom shop.more import links\n", "from .links import users\n"]
    ],
    "shop/more/links.py": [
        ["from sqlalchemy import select\nfrom shop.models import User\n"],
        [
            "",
            "from shop.queries import users\n",
            "async def users(session):\n    return await session.scalars(select(User))\n",
        ],
    ],
    "tests/conftest.py": [
        ["import pytest\nfrom shop.db import engine\nfrom sqlalchemy.ext.asyncio import AsyncSession\n"],
        [
            "@pytest.fixture\nasync def session():\n    async with AsyncSession(engine) as session:\n        yield session\n",
            "@pytest.fixture(name='session')\ndef opened():\n    return AsyncSession(engine)\n",
            "",
        ],
    ],
    "tests/test_users.py": [
        ["from shop.queries import users\nfrom shop.service import titles\n"],
        [
            "async def test_users(session):\n    for user in await users(session):\n"
            "        await session.commit()\n        print(user.posts, user.id)\n",
            "async def test_users(session):\n    for user in await users(session):\n"
            "        print(user.shown)\n    session.commit()\n",
        ],
    ],
}


MISSING_AT_FIRST = {"shop/tags.py", "shop/more/__init__.py", "shop/more/links.py"}


class Editing:
    def __init__(self, root: Path, random: Random) -> None:
        self.root, self.random = root, random
        self.missing = {name for name in sorted(MISSING_AT_FIRST) if random.random() < 0.7}
        self.broken: set[str] = set()
        self.now = {name: [random.randrange(len(slot)) for slot in slots] for name, slots in FILES.items()}
        (root / "pyproject.toml").write_text("[tool.asyncsqla-lint]\nselect = ['ASQ']\npreview = true\n")
        for name in FILES:
            self.write(name)

    def write(self, name: str) -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True, parents=True)
        if name in self.missing:
            path.unlink(missing_ok=True)
            return
        slots = zip(FILES[name], self.now[name], strict=True)
        text = "".join(slot[number] for slot, number in slots)
        path.write_text(text + "def (:\n" if name in self.broken else text)
        os.utime(path, (1_000_000_000, 1_000_000_000))  # long ago, so that the cache goes by its times

    def edit(self) -> str:
        return self.place() if self.random.random() < 0.3 else self.rewrite()

    def place(self) -> str:
        """A file comes or goes, or cannot be parsed for a while."""
        often = [*FILES, *MISSING_AT_FIRST, *self.missing, *self.broken]
        name = self.random.choice(sorted(often))
        which = self.broken if self.random.random() < 0.3 else self.missing
        which ^= {name}
        self.write(name)
        return (
            f"{name}: {'missing' if name in self.missing else 'broken' if name in self.broken else 'there'}"
        )

    def rewrite(self) -> str:
        name = self.random.choice(
            [one for one, slots in FILES.items() if any(len(slot) > 1 for slot in slots)]
        )
        place = self.random.choice([n for n, slot in enumerate(FILES[name]) if len(slot) > 1])
        self.now[name][place] = self.random.randrange(len(FILES[name][place]))
        self.write(name)
        return f"{name}, place {place}: {FILES[name][place][self.now[name][place]]!r}"


def walk(seed: int, steps: int, counted: Callable[[int, int], None]) -> str:
    """What is wrong after an edit; nothing if all is well."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        random = Random(seed)
        editing = Editing(root, random)
        config = load_config([str(root)])
        memory = Cache()
        done: list[str] = []
        for _ in range(steps):
            asked: list[str] = []
            with _listening(asked):
                cold = run([str(root)], config, cache=Cache())
                everything = len(asked)
                asked.clear()
                found = run([str(root)], config, cache=stored(config))
            counted(len(asked), everything)
            if found.findings != cold.findings or found.statistics.reach() != cold.statistics.reach():
                return _described(done, asked, found.findings, cold.findings)
            held = run([str(root)], config, cache=memory)
            if held.findings != cold.findings:
                return "in memory: " + _described(done, asked, held.findings, cold.findings)
            done += [editing.edit() for _ in range(random.choice((1, 1, 1, 2, 3)))]
            if random.random() < 0.2:  # a run in between that another cache does not see
                run([str(root)], config, cache=random.choice((memory, stored(config))))
                done += [editing.edit()]
    return ""


def _described(done: Sequence[str], asked: Sequence[str], found: object, cold: object) -> str:
    history = "\n".join(done[-6:])
    return f"\n{history}\nasked {asked}\nfound {found}\ncold  {cold}"


class _listening:
    """Notes the modules that the engine is asked about."""

    def __init__(self, asked: list[str]) -> None:
        self.patch = pytest.MonkeyPatch()
        self.asked = asked

    def __enter__(self) -> None:
        def counted(index: Index, names: Sequence[str], config: Config) -> object:
            self.asked.extend(names)
            return analyse(index, names, config)

        self.patch.setattr(work.Project, "analyse", property(lambda project: counted))

    def __exit__(self, *_: object) -> None:
        self.patch.undo()


@pytest.mark.parametrize("seed", range(3))
def test_edits_reach_those_whom_they_concern(seed: int) -> None:
    assert not walk(seed, 8, lambda some, everything: None)


def main(count: int, first: int) -> int:
    wrong, again, all_of_them = 0, 0, 0

    def counted(some: int, everything: int) -> None:
        nonlocal again, all_of_them
        again, all_of_them = again + some, all_of_them + everything

    for seed in range(first, first + count):
        found = walk(seed, 10, counted)
        if found:
            wrong += 1
            print(f"=== seed {seed}: {found}\n", flush=True)
    print(f"{count} walks, {wrong} wrong; {again} of {all_of_them} modules were asked again")
    return 1 if wrong else 0


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    sys.exit(main(*(given + [200, 0][len(given) :])))
