"""`rule`, `config`, `clean`, `completion`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from asyncsqla_lint.cli.config import SETTINGS
from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.workspace.config_files import KEYS, parse
from cli.conftest import Lint

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_rule_lists_every_rule(lint: Lint) -> None:
    done = lint("rule")
    assert done.returncode == 0
    for rule in catalogue.rules():
        assert f"  {rule.code}  {rule.name}" in done.stdout


@pytest.mark.parametrize("way", ["ASQ901", "asq901", "syntax-error"])
def test_rule_explains(lint: Lint, way: str) -> None:
    done = lint("rule", way)
    assert done.stdout.startswith("# syntax-error (ASQ901)\n")
    for heading in ("What it does", "Why is this bad?", "Example", "Use instead"):
        assert f"\n## {heading}\n" in done.stdout


def test_rule_as_json(lint: Lint) -> None:
    one = json.loads(lint("rule", "ASQ902", "--output-format", "json").stdout)
    assert (one["code"], one["name"], one["fix"]) == ("ASQ902", "unused-suppression", "safe")
    assert one["outcome"]["kind"] == "Silent"
    everything = json.loads(lint("rule", "--all", "--output-format", "json").stdout)
    assert [rule["code"] for rule in everything] == [rule.code for rule in catalogue.rules()]


def test_rule_in_colour(lint: Lint) -> None:
    done = lint("rule", "--all", env={"FORCE_COLOR": "1"})
    assert done.returncode == 0
    assert "\x1b[" in done.stdout


def test_every_setting_is_described(lint: Lint) -> None:
    assert set(SETTINGS) == set(KEYS)
    done = lint("config")
    for key in KEYS:
        assert f"{key} " in done.stdout


@pytest.mark.parametrize("key", KEYS)
def test_an_example_of_a_setting_is_one(key: str) -> None:
    assert list(tomllib.loads(SETTINGS[key].example)) == [key]
    if "ASQ" not in SETTINGS[key].example:  # codes are another test's business
        parse(tomllib.loads(SETTINGS[key].example), "example")


def test_config_describes_one(lint: Lint) -> None:
    done = lint("config", "confidence")
    assert 'Default: "likely"' in done.stdout
    assert "[tool.asyncsqla-lint]\n" in done.stdout


def test_clean_removes_caches_and_nothing_else(lint: Lint, project: Path) -> None:
    cache = project / "app" / ".asyncsqla_lint_cache"
    cache.mkdir()
    (cache / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55")
    (cache / "store").write_text("x")
    done = lint("clean")
    assert done.returncode == 0
    assert "Removed" in done.stdout
    assert not cache.exists()
    assert (project / "app" / "orders.py").exists()


def test_clean_refuses_a_directory_that_is_no_cache(lint: Lint, project: Path) -> None:
    done = lint("clean", "--cache-dir", "app")
    assert "CACHEDIR.TAG" in done.stderr
    assert (project / "app" / "orders.py").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(lint: Lint, shell: str) -> None:
    done = lint("completion", shell)
    assert done.returncode == 0
    assert "_ASYNCSQLA_LINT_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "number", "offered"),
    [
        ("asyncsqla-lint ru", "1", "plain,rule"),
        ("asyncsqla-lint check --output-format sa", "3", "plain,sarif"),
        ("asyncsqla-lint rule ASQ90", "2", "plain,ASQ901"),
        ("asyncsqla-lint check --select ASQ901,ASQ90", "3", "plain,ASQ901,ASQ902"),
        ("asyncsqla-lint config target", "2", "plain,target-sqlalchemy"),
    ],
)
def test_completion_answers(lint: Lint, words: str, number: str, offered: str) -> None:
    asked = {"_ASYNCSQLA_LINT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    assert offered in lint(env=asked).stdout.splitlines()
