"""The plugin inside real flake8 runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship()
"""
QUERIES = """\
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models import Post


async def latest(session: AsyncSession) -> Sequence[Post]:
    return (await session.scalars(select(Post))).all()
"""
# What fails here is decided in the two other files.
ROUTES = """\
from sqlalchemy.ext.asyncio import AsyncSession

from queries import latest


async def names(session: AsyncSession) -> list[str]:
    return [post.author.name for post in await latest(session)]


async def first(session: AsyncSession) -> str:
    post = (await latest(session))[0]
    return post.author.name
"""
ALONE = f"""\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
{MODELS}

async def first(session: AsyncSession) -> str:
    post = (await session.scalars(select(Post))).one()
    return post.author.name
"""
NAMES = "routes.py:7:13: ASQ301"
FIRST = "routes.py:12:12: ASQ301"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "blog"\n')
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "queries.py").write_text(QUERIES)
    (tmp_path / "routes.py").write_text(ROUTES)
    return tmp_path


def flake8(project: Path, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--max-line-length=200", *arguments],
        cwd=project,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def reported(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.stderr == ""
    return sorted(" ".join(line.removeprefix("./").split()[:2]) for line in done.stdout.splitlines())


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_findings_that_other_files_decide(project: Path, jobs: str) -> None:
    done = flake8(project, "-j", jobs, ".")
    assert reported(done) == [FIRST, NAMES]
    assert done.returncode == 1


def test_one_file_is_seen_in_its_project(project: Path) -> None:
    assert reported(flake8(project, "routes.py")) == [FIRST, NAMES]
    assert reported(flake8(project, "models.py", "queries.py")) == []


def test_standard_input_is_seen_in_its_project(project: Path) -> None:
    edited = ROUTES.replace("return post.author.name", "return str(post.author_id)")
    assert reported(flake8(project, "--stdin-display-name", "routes.py", "-", stdin=edited)) == [NAMES]
    assert reported(flake8(project, "--select", "ASQ", "-", stdin=ALONE)) == ["stdin:26:12: ASQ301"]


def test_selection_is_flake8_s(project: Path) -> None:
    assert reported(flake8(project, "--select", "ASQ3", ".")) == [FIRST, NAMES]
    assert reported(flake8(project, "--select", "ASQ4", ".")) == []
    assert reported(flake8(project, "--ignore", "ASQ301", ".")) == []
    assert reported(flake8(project, "--extend-ignore", "ASQ", ".")) == []
    assert reported(flake8(project, "--per-file-ignores", "routes.py:ASQ301", ".")) == []


def test_noqa_is_flake8_s(project: Path) -> None:
    silenced = ROUTES.replace("return post.author.name", "return post.author.name  # noqa: ASQ301")
    (project / "routes.py").write_text(silenced)
    assert reported(flake8(project, ".")) == [NAMES]


def test_an_unparsable_file_is_flake8_s_to_report(project: Path) -> None:
    (project / "broken.py").write_text("import sqlalchemy\ndef broken(:\n")
    lines = reported(flake8(project, "--select", "ASQ,E9", "."))
    assert lines[1:] == [FIRST, NAMES]
    assert lines[0].endswith("E999")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_bad_settings_are_one_clear_line(project: Path, jobs: str) -> None:
    (project / "pyproject.toml").write_text("[tool.asyncsqla-lint]\nslect = []\n")
    done = flake8(project, "-j", jobs, ".")
    assert done.returncode != 0
    assert "unknown key `slect`" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_several_processes_share_one_run(project: Path) -> None:
    """Each process would otherwise analyse the whole project for itself."""
    for number in range(20):
        (project / f"routes_{number}.py").write_text(ROUTES)
    (project / "counting.py").write_text(
        "import os\n"
        "import sys\n"
        "from asyncsqla_lint.run import pipeline\n"
        "\n"
        "run = pipeline.run\n"
        "\n"
        "\n"
        "def counted(*arguments, **keywords):\n"
        "    with open('runs', 'a') as file:\n"
        "        file.write('x')\n"
        "    return run(*arguments, **keywords)\n"
        "\n"
        "\n"
        "pipeline.run = counted\n"
        "from flake8.main.cli import main\n"
        "\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "counting.py", "--isolated", "-j", "2", "--select", "ASQ", "."],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert len(done.stdout.splitlines()) == 42, done.stderr
    if os.name == "posix":
        assert (project / "runs").read_text() == "x"


def test_what_processes_shared_is_gone_afterwards(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "-j", "2", "."],
        cwd=project,
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert [path.name for path in temporary.iterdir() if path.name.startswith("asyncsqla")] == []
