"""Both release lines still do what the committed outcomes say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.environments import PROJECT, python_for, releases

OUTCOMES = Path(__file__).with_name("outcomes.json")
SECONDS = 120
# What Python itself said before 3.11.
OLD_PYTHON = {
    "conn_with_sync": "AttributeError: __enter__",
    "taskgroup_share": "AttributeError: module 'asyncio' has no attribute 'TaskGroup'",
    "with_sync": "AttributeError: __enter__",
}


def expected(release: str) -> dict[str, str]:
    """A fact → its outcome, or an object of outcomes by release where they differ."""
    table: dict[str, str | dict[str, str]] = json.loads(OUTCOMES.read_text(encoding="utf-8"))
    outcomes = {name: said if isinstance(said, str) else said[release] for name, said in table.items()}
    return {**outcomes, **OLD_PYTHON} if sys.version_info < (3, 11) else outcomes


@pytest.mark.parametrize("release", releases())
def test_outcomes(release: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "tests"), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [str(python_for(release)), "-m", "truth.facts"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, str] = json.loads(done.stdout)
    wanted = expected(release)
    assert seen.keys() == wanted.keys()
    changed = {name: (wanted[name], seen[name]) for name in seen if seen[name] != wanted[name]}
    assert not changed
