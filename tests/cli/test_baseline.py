"""A baseline hides what it knows, however the files are edited around it, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import BROKEN, WITH_FINDING, Lint

FILE = ("--baseline", "known.json")


@pytest.fixture
def frozen(lint: Lint, project: Path) -> Path:
    done = lint("check", *FILE, "--write-baseline")
    assert (done.returncode, done.stdout) == (0, "Wrote 1 finding to known.json\n")
    return project / "known.json"


def test_what_is_known_is_not_reported(lint: Lint, frozen: Path) -> None:
    done = lint("check", *FILE)
    assert done.returncode == 0
    assert done.stdout == "All checks passed!\n(1 finding in the baseline not shown.)\n"


def test_the_file_is_readable_and_holds_no_machine_s_path(frozen: Path) -> None:
    document = json.loads(frozen.read_text())
    [entry] = document["findings"]
    assert (entry["path"], entry["code"], entry["count"]) == ("app/orders.py", "ASQ902", 1)
    assert str(frozen.parent) not in frozen.read_text()


def test_lines_may_move(lint: Lint, frozen: Path) -> None:
    orders = frozen.parent / "app" / "orders.py"
    orders.write_text("'''A docstring.'''\n\n\n" + orders.read_text())
    assert lint("check", *FILE).returncode == 0


def test_what_is_new_is_reported(lint: Lint, frozen: Path) -> None:
    (frozen.parent / "app" / "users.py").write_text(WITH_FINDING)
    done = lint("check", *FILE)
    assert done.returncode == 1
    assert done.stdout.startswith("app/users.py:5:29: ASQ902")
    assert "orders.py" not in done.stdout


def test_a_second_of_a_kind_is_new(lint: Lint, frozen: Path) -> None:
    orders = frozen.parent / "app" / "orders.py"
    orders.write_text(orders.read_text() + "    await session.flush()  # noqa: ASQ301\n")
    done = lint("check", *FILE, "--output-format", "json")
    assert [finding["location"]["row"] for finding in json.loads(done.stdout)] == [6]


def test_what_was_not_checked_cannot_be_frozen(lint: Lint, project: Path) -> None:
    (project / "app" / "broken.py").write_text(BROKEN)
    lint("check", *FILE, "--write-baseline")
    done = lint("check", *FILE)
    assert done.returncode == 1
    assert "ASQ901" in done.stdout


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 2, "findings": []}', '{"version": 1}'])
def test_a_file_that_is_no_baseline_is_one_clear_line(lint: Lint, project: Path, text: str) -> None:
    (project / "known.json").write_text(text)
    done = lint("check", *FILE)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "known.json" in done.stderr


def test_two_runs_write_the_same_bytes(lint: Lint, frozen: Path) -> None:
    before = frozen.read_bytes()
    lint("check", *FILE, "--write-baseline")
    assert frozen.read_bytes() == before
