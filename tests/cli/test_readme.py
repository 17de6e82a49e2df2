"""What the README says is so."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from asyncsqla_lint.report import FORMATS
from asyncsqla_lint.rules.selection import selected
from asyncsqla_lint.workspace.config_files import load_config
from cli.conftest import Lint

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_settings_are_settings(tmp_path: Path) -> None:
    [toml] = fences("toml")
    assert "asyncsqla-lint" in tomllib.loads(toml)["tool"]
    (tmp_path / "pyproject.toml").write_text(toml, encoding="utf-8")
    assert selected(load_config([str(tmp_path)]))


def test_the_formats_are_all_of_them() -> None:
    [listed] = re.findall(r"--output-format\s+([a-z0-9|-]+)", README)
    assert listed.split("|") == list(FORMATS)


def test_the_commands_are_commands(lint: Lint) -> None:
    shown = [line for block in fences("console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(shown) >= 4
    for line in shown:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        assert words[0] == "asyncsqla-lint"
        if words[:2] == ["asyncsqla-lint", "rule"]:
            assert lint(*words[1:]).returncode == 0, line
        else:
            assert lint(*words[1:]).returncode in (0, 1), line


def test_the_first_program_is_what_it_is_said_to_be(lint: Lint, project: Path) -> None:
    program = fences("python")[0]
    models = (
        "from sqlalchemy import ForeignKey, select\n"
        "from sqlalchemy.ext.asyncio import AsyncSession\n"
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship\n\n\n"
        "class Base(DeclarativeBase):\n    pass\n\n\n"
        "class Author(Base):\n    __tablename__ = 'author'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n    name: Mapped[str]\n\n\n"
        "class Post(Base):\n    __tablename__ = 'post'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    author_id: Mapped[int] = mapped_column(ForeignKey('author.id'))\n"
        "    author: Mapped[Author] = relationship()\n\n\n"
    )
    (project / "latest.py").write_text(models + program)
    done = lint("check", "latest.py", "--quiet")
    assert re.fullmatch(r"latest\.py:\d+:\d+: ASQ301 .*MissingGreenlet.*\n", done.stdout)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
