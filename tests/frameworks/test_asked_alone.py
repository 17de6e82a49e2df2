"""What a top level has defined is one function, whoever asks for it, and when."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncsqla_lint
from asyncsqla_lint.workspace.config_files import load_config

PROGRAM = Path(__file__).parents[2] / "fixtures" / "ASQ206" / "good_routes_of_one_session"


def test_two_routes_ask_for_one_session(tmp_path: Path) -> None:
    root = shutil.copytree(PROGRAM, tmp_path / "harbour")
    config = load_config([str(root)], config_file=None, isolated=True, overrides={"src": [str(root)]})
    for module in sorted(root.glob("*.py")):
        assert [one.code for one in asyncsqla_lint.check([module], config)] == []
