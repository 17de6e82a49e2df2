"""Starting up: what `--version` costs, and how each mistake on the command line ends."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from asyncsqla_lint.about import NAME, VERSION
from cli.conftest import Lint


def test_the_version_is_the_distribution_s() -> None:
    assert metadata.version(NAME) == VERSION


@pytest.mark.parametrize("way", ["--version", "-V", "version"])
def test_version(lint: Lint, way: str) -> None:
    done = lint(way)
    assert (done.returncode, done.stdout) == (0, f"{NAME} {VERSION}\n")


def test_a_module_of_the_project_is_never_taken_for_python_s(project: Path, lint: Lint) -> None:
    for name in ("copy", "dataclasses", "signal", "secrets"):
        (project / f"{name}.py").write_text("open('executed', 'w').close()\n")
    assert lint("check", "--no-cache", ".").returncode == 1
    assert not (project / "executed").exists()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 starts its processes where it is")
def test_nor_by_the_processes_that_help(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Beside another thread, as in an editor, these are not forked."""
    (project / "signal.py").write_text("open('executed', 'w').close()\n")
    script = tmp_path_factory.mktemp("elsewhere") / "run.py"
    script.write_text(
        "import sys, threading\n"
        "from asyncsqla_lint.cli.main import run\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "    sys.exit(run(['check', '--no-cache', '--jobs', '2', '.']))\n"
    )
    for number in range(40):
        (project / "app" / f"more_{number}.py").write_text(
            "from sqlalchemy.ext.asyncio import AsyncSession\n" * 60
        )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=project, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stderr
    assert not (project / "executed").exists()


def test_version_imports_nothing_that_costs() -> None:
    program = (
        "import sys; sys.argv = ['asyncsqla-lint', '--version'];"
        "from asyncsqla_lint.__main__ import main; main();"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "print(*sorted(loaded & {'click', 'msgspec', 'rich', 'libcst'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:] == [""]


def test_version_is_as_fast_as_python() -> None:
    """In CPU time, which a busy machine does not stretch: 60 ms less what Python itself takes to start."""

    def cpu_seconds(*arguments: str) -> float:
        before = os.times()
        for _ in range(8):
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        after = os.times()
        return (
            after.children_user + after.children_system - before.children_user - before.children_system
        ) / 8

    assert cpu_seconds("-m", "asyncsqla_lint", "--version") < cpu_seconds("-c", "pass") + 0.04


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nope"], "No such option '--nope'"),
        (["check", "--nope"], "No such option '--nope'"),
        (["chekc"], "No such command 'chekc'"),
        (["check", "missing.py"], "missing.py: no such file or directory"),
        (["check", ""], "a path is empty"),
        (["check", "--select", "ASQ777"], "no rule matches `ASQ777`"),
        (["check", "--select", "F401"], "F401"),
        (["check", "--output-format", "xml"], "'xml' is not one of"),
        (["check", "--target-sqlalchemy", "1.4"], "'1.4' is not one of"),
        (["check", "--config", "nope.toml"], "nope.toml"),
        (["check", "--config", "colour = true"], "unknown key `colour`"),
        (["check", "--write-baseline"], "--write-baseline needs --baseline FILE"),
        (["check", "--baseline", "none.json"], "none.json"),
        (["check", "-", "app"], "standard input"),
        (["check", "--stdin-filename", "a.py"], "--stdin-filename goes with `-`"),
        (["check", "--statistics", "--output-format", "junit"], "--statistics has no junit form"),
        (["rule", "ASQ999"], "no rule 'ASQ999'"),
        (["rule", "--all", "ASQ901"], "not both"),
        (["config", "slect"], "did you mean `select`?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(lint: Lint, arguments: list[str], words: str) -> None:
    done = lint(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("asyncsqla-lint: error: ")
    assert words in done.stderr


def test_no_command_shows_the_help(lint: Lint) -> None:
    done = lint()
    assert done.returncode == 2
    assert "check" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["check", "-h"], ["rule", "--help"], ["clean", "--help"]])
def test_help(lint: Lint, arguments: list[str]) -> None:
    done = lint(*arguments)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: asyncsqla-lint")
