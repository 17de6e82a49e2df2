"""The committed tables are what the installed SQLAlchemy and drivers say."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from harness.environments import PROJECT, python_for, releases

TABLES = PROJECT / "asyncsqla_lint" / "knowledge" / "tables"
SECONDS = 120


@pytest.fixture(scope="module", params=releases())
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp(f"tables-{request.param}")
    command = [str(python_for(request.param)), "-m", "asyncsqla_lint.knowledge.generate", "--into", str(into)]
    subprocess.run(command, cwd=PROJECT, check=True, timeout=SECONDS)
    return into


def test_each_table_is_what_the_release_says(made: Path) -> None:
    again = sorted(path for path in made.iterdir() if path.name != "drivers.json")
    assert len(again) >= 3
    for path in again:
        assert path.read_bytes() == TABLES.joinpath(path.name).read_bytes(), (
            f"{path.name} has changed: run `python -m asyncsqla_lint.knowledge.generate` under that release"
        )


def test_drivers_are_what_the_installed_ones_say(made: Path) -> None:
    path = made / "drivers.json"
    if not path.exists():  # they are asked under the newest release only
        assert made.joinpath("sqlalchemy-2.0.json").exists()
        return
    committed = json.loads(TABLES.joinpath("drivers.json").read_text(encoding="utf-8"))
    installed = json.loads(path.read_text(encoding="utf-8"))
    assert {"aiomysql", "aiosqlite", "asyncpg", "psycopg"} <= installed.keys()
    for name, row in installed.items():
        assert committed[name] == row


def test_a_driver_that_is_not_installed_keeps_its_row(tmp_path: Path) -> None:
    known = {"no_such_driver": {"arguments": ["host"], "version": "1"}}
    tmp_path.joinpath("drivers.json").write_text(json.dumps(known), encoding="utf-8")
    newest = releases()[-1]
    command = [str(python_for(newest)), "-m", "asyncsqla_lint.knowledge.generate", "--into", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, timeout=SECONDS)
    renewed = json.loads(tmp_path.joinpath("drivers.json").read_text(encoding="utf-8"))
    assert renewed["no_such_driver"] == known["no_such_driver"]
    assert "asyncpg" in renewed
