"""The same run on other machines: here, a scheduler and two workers that listen on loopback alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from asyncsqla_lint.run.cluster import ClusterError, Executing, dask
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config_files import load_config

MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase): pass

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship()

class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
"""
SERVICE = """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from models import User

async def read_{number}(session: AsyncSession):
    for user in await session.scalars(select(User)):
        print(user.posts)
"""


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    (tmp_path / "pyproject.toml").write_text("[tool.asyncsqla-lint]\n")
    (tmp_path / "models.py").write_text(MODELS)
    for number in range(40):
        text = SERVICE.format(number=number) + "# a line of no use\n" * 400
        (tmp_path / f"service_{number}.py").write_text(text)
    return [str(tmp_path)]


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of Dask's, and the address that it says it has."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            found = re.search(r"(?:Scheduler|Start worker) at:\s*(tcp://\S+)", line)
            if found:
                yield process, found[1]
                break
    finally:
        process.kill()
        process.communicate()


def checked(paths: list[str], **how: object) -> Report:
    return run(paths, load_config(paths), **how)  # type: ignore[arg-type]


def test_a_run_whose_worker_is_killed_says_what_a_local_one_says(paths: list[str]) -> None:
    local = checked(paths)
    assert len(local.findings) == 40
    with ExitStack() as stack:
        loopback = ("--host", "127.0.0.1")
        _, address = stack.enter_context(
            started("dask_scheduler", *loopback, "--port", "0", "--no-dashboard", "--no-show")
        )
        worker = ("dask_worker", address, *loopback, "--no-nanny", "--nthreads", "1", "--no-dashboard")
        workers = [stack.enter_context(started(*worker))[0] for _ in range(2)]

        def midway(done: int, total: int) -> None:
            if done * 4 >= total * 3:
                workers[0].kill()

        cluster = stack.enter_context(dask(address))
        far = checked(paths, backend=cluster, progress=midway)
        assert workers[0].wait() != 0 and workers[1].poll() is None
    assert far.findings == local.findings
    assert far.statistics.reach() == local.statistics.reach()


def test_any_executor_does(paths: list[str]) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        far = checked(paths, backend=Executing(executor, 2))
    assert far.findings == checked(paths).findings


def test_a_cluster_that_is_not_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncsqla_lint.run.cluster._PATIENCE", 0.5)
    with pytest.raises(ClusterError, match="no scheduler answers"), dask("tcp://127.0.0.1:9"):
        pass
