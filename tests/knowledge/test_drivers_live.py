"""Every argument that any driver knows, offered to each installed one: `takes` says what the driver says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness.environments import python_for, releases

from asyncsqla_lint.knowledge.drivers import Where, drivers, takes
from asyncsqla_lint.knowledge.releases import Release

NAMES = ("postgresql+asyncpg", "postgresql+psycopg", "mysql+aiomysql", "mariadb+aiomysql", "sqlite+aiosqlite")
# Where to connect is not for the test to change, and psycopg's own classes are asked for before its options.
LEFT_OUT = {
    "conninfo",
    "context",
    "cursor_factory",
    "database",
    "db",
    "dbname",
    "dsn",
    "factory",
    "host",
    "hostaddr",
    "loop",
    "port",
    "row_factory",
    "service",
    "servicefile",
    "unix_socket",
}
# sqlite3 takes `autocommit` since Python 3.12. Which Python will run the program is not known: it passes.
BY_PYTHON = {"autocommit"} if sys.version_info < (3, 12) else set()
SECONDS = 300


@pytest.mark.parametrize("release", releases())
def test_drivers_agree(release: Release) -> None:
    words = {word for driver in drivers().values() for word in driver.arguments} - LEFT_OUT
    arguments = sorted({*words, "no_such_argument", "ssl_ca"})
    places: tuple[Where, ...] = ("connect_args", "query")
    question = [[name, where, arguments] for name in NAMES for where in places]
    done = subprocess.run(
        [str(python_for(release)), str(Path(__file__).with_name("driver_arguments.py"))],
        input=json.dumps(question),
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    wrong = [
        (name, where, argument, refused)
        for name, where, argument, refused in json.loads(done.stdout)
        if takes(name, argument, where, release) is refused
        and not (name.startswith("sqlite") and argument in BY_PYTHON)
    ]
    assert not wrong
