"""The door that scripts and editors use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import asyncsqla_lint
from asyncsqla_lint.about import VERSION

PACKAGE = str(Path(asyncsqla_lint.__file__).parents[1])


def started(script: str, *arguments: str) -> None:
    """In a Python of its own, which has imported nothing yet."""
    environment = {**os.environ, "PYTHONPATH": PACKAGE}
    subprocess.run([sys.executable, "-c", script, *arguments], check=True, timeout=60, env=environment)


def test_names_are_imported_when_asked_for() -> None:
    script = (
        "import sys, asyncsqla_lint as a\n"
        "assert a.__version__\n"
        "assert not {'msgspec', 'libcst', 'click', 'asyncsqla_lint.api'} & set(sys.modules), 'too early'\n"
        "assert set(a.__all__) <= set(dir(a))\n"
        "from asyncsqla_lint import Config, ConfigError, Finding, check\n"
        "assert 'libcst' not in sys.modules\n"
        "assert check is a.check and a.Config is Config\n"
    )
    started(script)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'chekc'"):
        asyncsqla_lint.chekc  # type: ignore[attr-defined]  # noqa: B018
    assert asyncsqla_lint.__version__ == VERSION


def test_a_project_without_sqlalchemy_has_no_findings(project: Path) -> None:
    (project / "x.py").write_text("print()\n", encoding="utf-8")
    assert asyncsqla_lint.check(project) == []
    assert asyncsqla_lint.check([str(project / "x.py")], asyncsqla_lint.Config(select=("ASQ9",))) == []


def test_a_project_without_sqlalchemy_loads_neither_parser_nor_rules(project: Path) -> None:
    (project / "x.py").write_text("print()\n", encoding="utf-8")
    script = (
        "import sys, asyncsqla_lint as a\n"
        "assert a.check(sys.argv[1]) == []\n"
        "heavy = {'libcst', 'pathspec', 'rich', 'asyncsqla_lint.project.index'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    started(script, str(project))


def test_what_cannot_be_used_raises(project: Path) -> None:
    with pytest.raises(OSError, match=r"gone\.py: no such file or directory"):
        asyncsqla_lint.check("gone.py")
    (project / "asyncsqla-lint.toml").write_text("nonsense = 1\n", encoding="utf-8")
    with pytest.raises(asyncsqla_lint.ConfigError, match="unknown key `nonsense`"):
        asyncsqla_lint.check(".")
