"""`check`, from arguments to bytes and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import BROKEN, CLEAN, WITH_FINDING, Lint, command, environment

FINDING = "app/orders.py:5:29: ASQ902 [*] the suppression of `ASQ301` silences nothing\n"


def test_findings_are_exit_code_1(lint: Lint) -> None:
    done = lint("check")
    assert done.stdout == f"{FINDING}Found 1 error.\n[*] 1 fixable with the `--fix` option.\n"
    assert (done.returncode, done.stderr) == (1, "")


def test_exit_zero(lint: Lint) -> None:
    done = lint("check", "--exit-zero")
    assert done.stdout == f"{FINDING}Found 1 error.\n[*] 1 fixable with the `--fix` option.\n"
    assert done.returncode == 0


def test_clean_is_exit_code_0(lint: Lint) -> None:
    done = lint("check", "app/users.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "All checks passed!\n", "")


def test_quiet_prints_findings_alone(lint: Lint) -> None:
    assert lint("check", "--quiet").stdout == FINDING
    assert lint("check", "-q", "app/users.py").stdout == ""


def test_a_tree_without_sqlalchemy_is_said_to_be_one(lint: Lint, project: Path) -> None:
    for name in ("orders.py", "users.py"):
        (project / "app" / name).write_text("x = 1\n")
    done = lint("check")
    assert (done.returncode, done.stdout) == (0, "No SQLAlchemy in 2 files: nothing to check.\n")


def test_no_python_at_all(lint: Lint, project: Path) -> None:
    (project / "docs").mkdir()
    done = lint("check", "docs")
    assert (done.returncode, done.stdout) == (0, "No Python files to check.\n")


def test_an_unparsable_file_is_a_finding_and_the_rest_goes_on(lint: Lint, project: Path) -> None:
    (project / "app" / "broken.py").write_text(BROKEN)
    done = lint("check", "--output-format", "json")
    assert [(finding["code"], Path(finding["filename"]).name) for finding in json.loads(done.stdout)] == [
        ("ASQ901", "broken.py"),
        ("ASQ902", "orders.py"),
    ]
    assert done.returncode == 1


def test_what_cannot_be_checked_is_a_warning_and_exit_code_2(lint: Lint, project: Path) -> None:
    (project / "orders.ipynb").write_text("{}")
    done = lint("check", "app", "orders.ipynb")
    assert done.stdout.startswith(FINDING)
    assert done.stderr == "asyncsqla-lint: warning: orders.ipynb: notebooks are not checked\n"
    assert done.returncode == 2
    assert lint("check", "app", "orders.ipynb", "--exit-zero").returncode == 2


def test_selection(lint: Lint) -> None:
    assert lint("check", "--select", "ASQ901,ASQ903").returncode == 0
    assert lint("check", "--ignore", "unused-suppression").returncode == 0
    assert lint("check", "--select", "ASQ3", "--extend-select", "ASQ902").returncode == 1


def test_settings_come_from_the_project(lint: Lint, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.asyncsqla-lint]\nignore = ["ASQ902"]\n')
    assert lint("check").returncode == 0
    assert lint("check", "--isolated").returncode == 1
    assert lint("check", "--config", 'extend-select = ["ASQ902"]').returncode == 1


def test_standard_input_stands_for_a_file(lint: Lint) -> None:
    done = lint("check", "--stdin-filename", "app/users.py", "-", stdin=WITH_FINDING)
    assert (
        done.stdout
        == f"{FINDING.replace('orders', 'users')}Found 1 error.\n[*] 1 fixable with the `--fix` option.\n"
    )
    done = lint("check", "--stdin-filename", "app/orders.py", "-", stdin=CLEAN)
    assert (done.returncode, done.stdout) == (0, "All checks passed!\n")


def test_standard_input_without_a_name(lint: Lint) -> None:
    done = lint("check", "-", stdin=WITH_FINDING)
    assert (
        done.stdout
        == f"{FINDING.replace('app/orders.py', '-')}Found 1 error.\n[*] 1 fixable with the `--fix` option.\n"
    )
    done = lint("check", "-", stdin=b"import sqlalchemy\nx = '\xff'\n")
    assert done.returncode == 1
    assert done.stdout.startswith("-:2:6: ASQ901 ")


def test_output_file(lint: Lint, project: Path) -> None:
    done = lint("check", "--output-format", "json", "--output-file", "out/report.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert [finding["code"] for finding in json.loads((project / "out/report.json").read_text())] == [
        "ASQ902"
    ]


def test_an_output_file_that_cannot_be_written(lint: Lint) -> None:
    done = lint("check", "--output-file", "pyproject.toml/report.json")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_statistics(lint: Lint) -> None:
    done = lint("check", "--statistics")
    assert done.stdout.splitlines()[0] == "1  ASQ902  [*] unused-suppression"
    assert done.returncode == 1
    assert json.loads(lint("check", "--statistics", "--output-format", "json").stdout)[0]["count"] == 1


def test_show_files(lint: Lint, project: Path) -> None:
    done = lint("check", "--show-files", "--exclude", "users.py")
    assert done.stdout == f"{project / 'app' / 'orders.py'}\n"


def test_show_settings(lint: Lint, project: Path) -> None:
    done = lint("check", "--show-settings", "--select", "ASQ3", "--target-sqlalchemy", "2.1")
    assert f"# root: {project}" in done.stdout
    assert 'select = ["ASQ3"]' in done.stdout
    assert 'target-sqlalchemy = "2.1"' in done.stdout


def test_colour_is_asked_for_or_not_there(lint: Lint) -> None:
    assert "\x1b[" not in lint("check").stdout
    assert "\x1b[" in lint("check", env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b[" not in lint("check", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    for number in range(300):
        (project / "app" / f"m{number}.py").write_text(WITH_FINDING * 10)
    shell = subprocess.Popen(
        command(["check", "--output-format", "full"]),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert shell.stdout is not None and shell.stderr is not None
    shell.stdout.readline()
    shell.stdout.close()
    assert shell.stderr.read() == b""
    shell.stderr.close()
    assert shell.wait(60) == 1


def test_an_ascii_locale_gets_the_report_all_the_same(lint: Lint, project: Path) -> None:
    (project / "app" / "größe.py").write_text(WITH_FINDING, encoding="utf-8")
    done = lint("check", env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
    assert "größe.py:5:29: ASQ902" in done.stdout
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_gets_frames_and_colour(project: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    done = subprocess.Popen(
        command(["check"]), cwd=project, stdout=follower, stderr=follower, env=environment({"TERM": "xterm"})
    )
    os.close(follower)
    text = b""
    while True:
        try:
            read = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not read:
            break
        text += read
    os.close(leader)
    assert done.wait(60) == 1
    assert b"\x1b[1;31mASQ902\x1b[0m" in text
    assert b"5 | " in text
