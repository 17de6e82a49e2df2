from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# `import harness` works whichever way pytest is started.
sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    from harness.postgres import Server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server of our own; its databases are made by `Server.database`."""
    if sys.platform == "win32":
        pytest.skip("no PostgreSQL here: it is started through POSIX users")
    from harness import postgres

    missing = postgres.why_not()
    if missing is not None:
        if postgres.required():
            pytest.fail(f"CI needs PostgreSQL: {missing}")
        pytest.skip(f"no PostgreSQL here: {missing}")
    with postgres.serve() as server:
        yield server
