"""Runs with a cache, from the command line: the same bytes whatever happened to the cache."""

from __future__ import annotations

import os
import resource
import sqlite3
from pathlib import Path

import pytest
from child import Linter, obey_permissions

from asyncsqla_lint.run.store import DIRECTORY

FOUND = "shop/service.py:9:17: ASQ301"


@pytest.mark.parametrize("output", ["concise", "full", "json"])
def test_an_unchanged_project_is_answered_without_parser_and_interpreter(lint: Linter, output: str) -> None:
    arguments = (".", "--output-format", output)
    cold = lint(*arguments)
    assert "ASQ301" in cold.stdout and cold.returncode == 1 and cold.stderr == ""
    warm = lint(*arguments, python=("-X", "importtime"))
    assert (warm.stdout, warm.returncode) == (cold.stdout, 1)
    loaded = {line.rpartition("|")[2].strip() for line in warm.stderr.splitlines()}
    assert "asyncsqla_lint.run.store" in loaded
    unwanted = ("libcst", "asyncsqla_lint.flow", "asyncsqla_lint.semantics", "asyncsqla_lint.syntax")
    assert not [name for name in loaded if name.startswith(unwanted)]


@pytest.mark.parametrize("output", ["full", "json", "sarif", "gitlab", "concise"])
def test_every_format_is_the_same_warm(lint: Linter, output: str) -> None:
    arguments = (".", "--output-format", output, "--exit-zero")
    without = lint(*arguments, "--no-cache").stdout
    assert [lint(*arguments).stdout for _ in range(2)] == [without] * 2


def test_without_a_cache_nothing_is_left_behind(shop: Path, lint: Linter) -> None:
    assert FOUND in lint(".", "--no-cache").stdout
    assert not (shop / DIRECTORY).exists()


def test_the_cache_stands_where_it_is_told(shop: Path, lint: Linter) -> None:
    lint(".", "--cache-dir", "elsewhere/deep")
    assert (shop / "elsewhere/deep/store.sqlite3").exists()
    assert not (shop / DIRECTORY).exists()


def test_what_changes_without_its_size_or_time_is_seen(shop: Path, lint: Linter) -> None:
    assert FOUND in lint(".").stdout
    service = shop / "shop/service.py"
    service.write_text(service.read_text().replace("user.orders", "user.xrders"))
    os.utime(service, (1_000_000_000, 1_000_000_000))
    assert "ASQ301" not in lint(".").stdout


def test_settings_and_lock_files_are_part_of_the_question(shop: Path, lint: Linter) -> None:
    assert FOUND in lint(".").stdout
    (shop / "pyproject.toml").write_text("[tool.asyncsqla-lint]\nignore = ['ASQ301']\n")
    assert "ASQ301" not in lint(".").stdout
    (shop / "pyproject.toml").write_text("[tool.asyncsqla-lint]\n")
    assert FOUND in lint(".").stdout
    assert "ASQ114" not in lint(".").stdout
    (shop / "requirements.txt").write_text("sqlalchemy==2.1.0\n")
    assert lint(".").stdout == lint(".", "--no-cache").stdout


# --- what can be wrong with a cache ------------------------------------------------------------------


def test_a_damaged_cache_changes_nothing(shop: Path, lint: Linter) -> None:
    cold = lint(".")
    (shop / DIRECTORY / "store.sqlite3").write_bytes(b"\0" * 20_000)
    again = lint(".")
    assert again.stdout == cold.stdout
    assert again.stderr.count("warning: cache") == 1 and "damaged, and made anew" in again.stderr
    assert lint(".").stderr == ""


def test_a_cache_that_another_run_holds_changes_nothing(shop: Path, lint: Linter) -> None:
    cold = lint(".")
    other = sqlite3.connect(shop / DIRECTORY / "store.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    again = lint(".")
    other.close()
    assert again.stdout == cold.stdout
    assert again.stderr.count("warning: cache") == 1 and "busy with another run" in again.stderr


def test_a_cache_that_can_only_be_read_is_read(shop: Path, lint: Linter) -> None:
    cold = lint(".", before=obey_permissions)
    folder = shop / DIRECTORY
    file = folder / "store.sqlite3"
    file.chmod(0o444)
    folder.chmod(0o555)
    warm = lint(".", before=obey_permissions)
    assert (warm.stdout, warm.stderr) == (cold.stdout, "")
    (shop / "shop/more.py").write_text("import sqlalchemy\n")
    more = lint(".", before=obey_permissions)
    assert more.stdout == cold.stdout
    assert more.stderr.count("warning: cache") == 1 and "cannot be written" in more.stderr
    folder.chmod(0o755)


def test_a_project_that_cannot_be_written_is_checked(shop: Path, lint: Linter) -> None:
    shop.chmod(0o555)
    checked = lint(".", before=obey_permissions)
    assert FOUND in checked.stdout
    assert checked.stderr.count("warning: cache") == 1
    shop.chmod(0o777)


def test_a_full_disk_changes_nothing(shop: Path, lint: Linter) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))

    checked = lint(".", before=no_room)
    assert FOUND in checked.stdout and checked.returncode == 1
    assert checked.stderr.count("warning: cache") == 1
    assert lint(".").stdout == checked.stdout


def test_another_user_s_cache_is_not_believed(shop: Path, lint: Linter) -> None:
    cold = lint(".")
    if os.geteuid() == 0:
        os.chown(shop / DIRECTORY, 65534, 65534)
        arguments = (".",)
    else:
        arguments = (".", "--cache-dir", "/")
    again = lint(*arguments)
    assert again.stdout == cold.stdout
    assert again.stderr.count("warning: cache") == 1


def test_a_file_in_the_cache_s_place_changes_nothing(shop: Path, lint: Linter) -> None:
    (shop / DIRECTORY).write_text("mine")
    checked = lint(".")
    assert FOUND in checked.stdout and checked.stderr.count("warning: cache") == 1
    assert (shop / DIRECTORY).read_text() == "mine"
