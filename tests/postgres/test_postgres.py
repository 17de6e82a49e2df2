"""ASQ201, ASQ206, ASQ207, ASQ209 on PostgreSQL, which does what the programs beside this are marked with."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from harness.environments import python_for, releases
from harness.postgres import Server
from msgspec import Struct, convert

from asyncsqla_lint import check
from asyncsqla_lint.workspace.config import Config

PROGRAM = Path(__file__).with_name("program.py")
ABORTED = Path(__file__).with_name("aborted.py")
MARK = re.compile(r"# expect: (ASQ\d+)")


class Outcome(Struct, frozen=True):
    raised: list[str]
    bookings: int
    total: int


@pytest.fixture(
    scope="module",
    params=[(release, driver) for release in releases() for driver in ("asyncpg", "psycopg")],
    ids="-".join,
)
def outcomes(request: pytest.FixtureRequest, postgres_server: Server) -> dict[str, Outcome]:
    release, driver = request.param
    name = f"program_{driver}_{release.replace('.', '_')}"
    postgres_server.database(name)
    command = [str(python_for(release)), "-W", "ignore", str(PROGRAM), postgres_server.url(driver, name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return convert(json.loads(done.stdout), dict[str, Outcome])


@pytest.mark.parametrize("case", ["case_one_session", "case_one_session_flushed_by_two"])
def test_a_session_refuses_a_second_task(outcomes: dict[str, Outcome], case: str) -> None:
    assert "SQLAlchemyError" in outcomes[case].raised, outcomes[case]


def test_while_it_connects_the_session_says_why(outcomes: dict[str, Outcome]) -> None:
    assert "IllegalStateChangeError" in outcomes["case_one_session"].raised


def test_a_session_each_is_fine(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["case_a_session_each"] == Outcome([], 2, 0)


def test_tasks_on_one_connection_share_their_failure(outcomes: dict[str, Outcome]) -> None:
    found = outcomes["case_one_connection"]
    assert {"InFailedSQLTransactionError", "InFailedSqlTransaction"} & set(found.raised), found
    assert found.total == 0, "what went well before is lost too"


def test_a_connection_each_is_fine(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["case_a_connection_each"] == Outcome([], 0, 10)


@pytest.mark.parametrize(
    "case", ["case_never_committed", "case_never_committed_on_a_connection", "case_savepoint_alone"]
)
def test_what_nobody_commits_is_gone(outcomes: dict[str, Outcome], case: str) -> None:
    assert outcomes[case] == Outcome([], 0, 0)


def test_what_somebody_commits_is_there(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["case_committed"] == Outcome([], 2, 0)
    assert outcomes["case_autocommit"] == Outcome([], 1, 0)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
@pytest.mark.parametrize("release", releases())
def test_a_statement_that_fails_ends_the_transaction(
    postgres_server: Server, release: str, driver: str
) -> None:
    name = f"aborted_{driver}_{release.replace('.', '_')}"
    postgres_server.database(name)
    done = subprocess.run(
        [str(python_for(release)), "-W", "ignore", str(ABORTED)],
        env={**os.environ, "DATABASE_URL": postgres_server.url(driver, name)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    lines = ABORTED.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if MARK.search(line)}
    assert {one["line"] for one in found.values()} == marked | {0}
    for case, one in found.items():
        assert ("is aborted" in one["says"]) is not case.startswith("case_good"), (case, one)


@pytest.mark.parametrize("program", [PROGRAM, ABORTED], ids=lambda one: one.stem)
def test_the_linter_says_so(program: Path) -> None:
    marked = {
        (number, code)
        for number, line in enumerate(program.read_text(encoding="utf-8").splitlines(), 1)
        for code in MARK.findall(line)
    }
    findings = check([program], Config(select=("ASQ",)))
    assert {(finding.location.row, finding.code) for finding in findings} == marked
