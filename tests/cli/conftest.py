"""Real runs of the command line, in projects made for one test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

# A suppression where nothing is wrong is ASQ902: a finding that needs no rule of another floor.
WITH_FINDING = (
    "from sqlalchemy.ext.asyncio import AsyncSession\n"
    "\n"
    "\n"
    "async def save(session: AsyncSession) -> None:\n"
    "    await session.commit()  # noqa: ASQ301\n"
)
CLEAN = WITH_FINDING.replace("  # noqa: ASQ301", "")
BROKEN = "import sqlalchemy\n\ndef broken(:\n"


class Lint(Protocol):
    def __call__(
        self, *arguments: str, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    dropped = ("NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in dropped and not key.startswith("ASYNCSQLA_LINT")
    }
    return {**kept, **(extra or {})}


def command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "asyncsqla_lint", *arguments]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "orders.py").write_text(WITH_FINDING)
    (tmp_path / "app" / "users.py").write_text(CLEAN)
    return tmp_path


@pytest.fixture
def lint(project: Path) -> Lint:
    def run(
        *arguments: str, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            command(arguments),
            cwd=project,
            input=data,
            capture_output=True,
            env=environment(env),
            timeout=60,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run
