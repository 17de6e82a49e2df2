"""A run with a cache says what a run without one says, whatever has been edited in between."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from asyncsqla_lint.project.index import Index
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.run import work
from asyncsqla_lint.run.cache import Cache, stored
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config

MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from app.base import Base{imports}

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    posts: Mapped[list["Post"]] = relationship({lazy})
    @property
    def titles(self):
        return {titles}

class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
"""
REPOSITORY = """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from app.models import User

class Users:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def all(self):
        return (await self.session.scalars(select(User){options})).all()

    async def save(self, user: User):
        self.session.add(user)
        await self.session.{end}()
        return user
"""
SERVICE = """
from sqlalchemy.ext.asyncio import AsyncSession
from app.repository import Users
{imports}

async def titles(session: AsyncSession):
    return [user.{attribute} for user in await Users(session).all()]

async def rename(session: AsyncSession, name: str):
    for user in await Users(session).all():
        user.name = name
        await Users(session).save(user)
        print({read})
"""
SITE = """
from fastapi.templating import Jinja2Templates
from sqlalchemy.ext.asyncio import AsyncSession
from app.repository import Users

templates = Jinja2Templates(directory="pages")

async def page(request, session: AsyncSession):
    users = await Users(session).all()
    return templates.TemplateResponse(request, "{name}", {{"users": users}})
"""
# What each file may say; None: it is not there.
VERSIONS: dict[str, list[str | None]] = {
    "app/__init__.py": ["", None],
    "app/base.py": [
        "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): pass\n",
        "from app.other import Base\n",
        "class Base: pass\n",
    ],
    "app/other.py": [None, "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): pass\n"],
    "app/models.py": [
        MODELS.format(imports="", lazy="", titles="[post.id for post in self.posts]"),
        MODELS.format(imports="", lazy="", titles="self.name"),
        MODELS.format(imports="", lazy='lazy="selectin"', titles="self.posts"),
        MODELS.format(imports="\nfrom app.options import how", lazy="lazy=how()", titles="self.posts"),
    ],
    "app/options.py": [None, "def how():\n    return 'selectin'\n", "def how():\n    return 'select'\n"],
    "app/more.py": [
        None,
        "from app.models import *\nclass Tag(Base):\n    __tablename__ = 'tags'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))\n"
        "    user: Mapped[User] = relationship(backref='tags')\n",
    ],
    "app/db.py": [
        None,
        "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
        "engine = create_async_engine('sqlite+aiosqlite://')\nmake = async_sessionmaker(engine)\n",
        "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
        "engine = create_async_engine('sqlite+aiosqlite://')\n"
        "def maker():\n    return async_sessionmaker(engine, expire_on_commit=False)\n",
    ],
    "app/main.py": [
        None,
        "import sqlalchemy\nfrom app.db import engine\nasync def stop():\n    await engine.dispose()\n",
        "import sqlalchemy\nfrom app.db import engine\nasync def stop():\n    pass\n",
    ],
    "app/repository.py": [
        REPOSITORY.format(options="", end="flush"),
        REPOSITORY.format(options="", end="commit"),
        REPOSITORY.format(options=".options(selectinload(User.posts))", end="commit"),
    ],
    "app/service.py": [
        SERVICE.format(imports="", attribute="posts", read="user.name"),
        SERVICE.format(imports="", attribute="titles", read="user.name"),
        SERVICE.format(imports="from app import more", attribute="tags", read="1"),
    ],
    "app/site.py": [None, SITE.format(name="users.html"), SITE.format(name="row.html")],
    "pages/users.html": [
        "{% for user in users %}{% include 'row.html' %}{% endfor %}",
        "{% for user in users %}{{ user.posts }}{% endfor %}",
        None,
    ],
    "pages/row.html": ["{{ user.name }}", "{{ user.titles }}{{ user.posts|length }}", None],
    "tests/conftest.py": [
        None,
        "import pytest_asyncio\nfrom app.db import make\n"
        "@pytest_asyncio.fixture\nasync def session():\n    async with make() as one:\n        yield one\n",
        "import pytest\nimport sqlalchemy\n@pytest.fixture\ndef session():\n    return 1\n",
    ],
    "tests/test_service.py": [
        None,
        "from app.service import titles\nfrom sqlalchemy import select\nfrom app.models import User\n"
        "async def test_it(session):\n    user = await session.scalar(select(User))\n"
        "    assert user.posts\n    await session.commit()\n    assert user.name\n",
    ],
}
SETTINGS = [
    "",
    'target-sqlalchemy = "2.1"',
    'ignore = ["ASQ301"]',
    'confidence = "certain"',
    "preview = true",
]
CHOICES = [(name, number) for name, versions in VERSIONS.items() for number in range(len(versions))]


def written(root: Path, name: str, text: str | None) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text, encoding="utf-8")
        # Long ago, as most files are, so that the cache goes by their times.
        os.utime(path, (1_000_000_000, 1_000_000_000))


def settings_file(root: Path, line: str) -> None:
    (root / "pyproject.toml").write_text(f"[tool.asyncsqla-lint]\n{line}\n", encoding="utf-8")


class Editing(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp()).resolve()

    @initialize(few=st.sampled_from([Cache.few, 0]))
    def begin(self, few: int) -> None:
        self.few = few  # 0: as in a large project, where what is known of modules is read in one piece
        settings_file(self.root, "")
        for name, versions in VERSIONS.items():
            written(self.root, name, versions[0])

    @rule(choice=st.sampled_from(CHOICES))
    def edit(self, choice: tuple[str, int]) -> None:
        name, number = choice
        written(self.root, name, VERSIONS[name][number])

    @rule(name=st.sampled_from(sorted(VERSIONS)), lines=st.integers(1, 3))
    def shift(self, name: str, lines: int) -> None:
        path = self.root / name
        if path.exists():
            written(self.root, name, "# a comment\n" * lines + path.read_text(encoding="utf-8"))

    @rule(name=st.sampled_from(sorted(VERSIONS)), folder=st.sampled_from(["app", "tests", "lib"]))
    def move(self, name: str, folder: str) -> None:
        path = self.root / name
        if path.exists():
            target = self.root / folder / path.name
            target.parent.mkdir(exist_ok=True)
            path.rename(target)

    @rule(name=st.sampled_from(sorted(VERSIONS)))
    def break_off(self, name: str) -> None:
        path = self.root / name
        if path.exists():
            written(self.root, name, path.read_text(encoding="utf-8") + "def (\n")

    @rule(line=st.sampled_from(SETTINGS))
    def configure(self, line: str) -> None:
        settings_file(self.root, line)

    @rule(locked=st.booleans())
    def lock(self, locked: bool) -> None:
        text = '[[package]]\nname = "sqlalchemy"\nversion = "2.1.0"\n' if locked else None
        written(self.root, "uv.lock", text)

    @invariant()
    def same_as_cold(self) -> None:
        paths = [str(self.root)]
        config = load_config(paths)
        cold = run(paths, config, cache=Cache())
        for _ in range(2):
            cache = stored(config)
            cache.few = self.few
            warm = run(paths, config, cache=cache)
            assert warm.notes == ()
            assert warm.findings == cold.findings
            assert warm.statistics.reach() == cold.statistics.reach()

    def teardown(self) -> None:
        shutil.rmtree(self.root)


TestEditing = Editing.TestCase
TestEditing.settings = settings(
    max_examples=int(os.environ.get("EDITING_EXAMPLES", "4")),
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


# --- what is checked again ---------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that the engine is asked about."""
    modules: list[str] = []

    def counted(index: Index, names: Sequence[str], config: Config) -> object:
        modules.extend(names)
        return analyse(index, names, config)

    monkeypatch.setattr(work.Project, "analyse", property(lambda project: counted))
    return modules


BASE: Mapping[str, int] = {
    "app/db.py": 1,
    "app/main.py": 1,
    "tests/conftest.py": 1,
    "tests/test_service.py": 1,
}


def test_an_edit_inside_of_a_function_concerns_those_who_ran_it(tmp_path: Path, asked: list[str]) -> None:
    settings_file(tmp_path, "")
    for name, versions in VERSIONS.items():
        written(tmp_path, name, versions[BASE.get(name, 0)])
    config = load_config([str(tmp_path)])

    def checked() -> list[str]:
        asked.clear()
        run([str(tmp_path)], config, cache=stored(config))
        return sorted(asked)

    everything = checked()
    assert {"app.repository", "app.service", "test_service"} <= set(everything)
    assert checked() == []
    written(tmp_path, "app/repository.py", VERSIONS["app/repository.py"][1])
    assert checked() == ["app.repository", "app.service"]
    assert checked() == []
    written(tmp_path, "app/service.py", VERSIONS["app/service.py"][1])
    assert checked() == ["app.service"]
    written(tmp_path, "app/repository.py", VERSIONS["app/repository.py"][0])
    assert checked() == ["app.service"]  # of the repository it is known what it said then
    written(tmp_path, "app/base.py", VERSIONS["app/base.py"][2])
    assert checked() == ["app.repository", "app.service", "test_service"]  # who speak of models


def test_an_edit_of_a_template_concerns_those_who_render_it(tmp_path: Path, asked: list[str]) -> None:
    settings_file(tmp_path, "")
    for name, versions in VERSIONS.items():
        written(tmp_path, name, versions[{"app/site.py": 1, "app/repository.py": 2}.get(name, 0)])
    config = load_config([str(tmp_path)])

    def checked() -> tuple[list[str], list[str]]:
        asked.clear()
        report = run([str(tmp_path)], config, cache=stored(config))
        return sorted(asked), [one.message for one in report.findings if one.code == "ASQ308"]

    assert "app.site" in checked()[0]
    assert checked() == ([], [])
    written(tmp_path, "pages/unrelated.html", "{{ user.posts }}")
    assert checked() == ([], [])
    written(tmp_path, "app/repository.py", VERSIONS["app/repository.py"][0])
    checked()
    written(tmp_path, "pages/row.html", VERSIONS["pages/row.html"][1])
    modules, messages = checked()
    assert modules == ["app.site"]
    assert len(messages) == 1 and messages[0].startswith("`pages/row.html:1` reads `User.posts`")
    assert checked() == ([], messages)
    written(tmp_path, "pages/row.html", None)
    assert checked() == (["app.site"], [])
    written(tmp_path, "app/row.html", VERSIONS["pages/row.html"][1])  # it is found from here, too
    modules, messages = checked()
    assert modules == ["app.site"] and messages[0].startswith("`app/row.html:1` reads")


def test_what_an_interrupted_run_has_found_out_is_kept(tmp_path: Path, asked: list[str]) -> None:
    settings_file(tmp_path, "")
    for name, versions in VERSIONS.items():
        written(tmp_path, name, versions[BASE.get(name, 0)])
    config = load_config([str(tmp_path)])

    def late(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([str(tmp_path)], config, cache=stored(config), progress=late)
    first = set(asked)
    asked.clear()
    run([str(tmp_path)], config, cache=stored(config))
    assert len(first) > 2
    assert len(set(asked) & first) <= 1  # the one that was being noted down
