from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from child import Linter

PROJECT = {
    "pyproject.toml": "[project]\nname = 'shop'\n[tool.asyncsqla-lint]\n",
    "shop/__init__.py": "",
    "shop/models.py": """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    orders: Mapped[list["Order"]] = relationship(back_populates="user")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    user: Mapped[User] = relationship(back_populates="orders")
""",
    "shop/service.py": """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from shop.models import User


async def names(session: AsyncSession) -> list[int]:
    users = (await session.scalars(select(User))).all()
    return [len(user.orders) for user in users]
""",
    "shop/far.py": "def nothing():\n    return 1\n",
}


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.fixture
def shop() -> Iterator[Path]:
    """A project with one finding, where any user may look and write."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        root.chmod(0o777)
        write(root, PROJECT)
        yield root


@pytest.fixture
def lint(shop: Path) -> Linter:
    """The command line, in the project."""

    def run(
        *arguments: str, python: tuple[str, ...] = (), before: Callable[[], None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "NO_COLOR": "1"}
        environment.pop("ASYNCSQLA_LINT_CACHE_DIR", None)
        command = [sys.executable, *python, "-m", "asyncsqla_lint", "check", *arguments]
        return subprocess.run(
            command, cwd=shop, env=environment, capture_output=True, text=True, preexec_fn=before
        )

    return run
