"""FastAPI Users: the programs beside this file were run with the real library, on SQLAlchemy 2.0.

They are no fixtures: its adapter for SQLAlchemy does not install beside 2.1.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import asyncsqla_lint
from asyncsqla_lint.workspace.config_files import load_config

PROGRAMS = sorted((Path(__file__).parent / "fastapi_users").glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_what_is_marked_is_reported(path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("harbour")  # a program, not a part of these tests
    program = home / "harbour.py"
    program.write_text(path.read_text())
    root = str(home)
    config = load_config([root], config_file=None, isolated=True, overrides={"src": [root]})
    found = {(finding.location.row, finding.code) for finding in asyncsqla_lint.check([program], config)} - {
        (row, "ASQ304") for row in range(1000)
    }
    lines = path.read_text().splitlines()
    marks = {
        (row, mark[1])
        for row, line in enumerate(lines, 1)
        if (mark := re.search(r"# expect: (ASQ\d+)", line))
    }
    assert found == marks
