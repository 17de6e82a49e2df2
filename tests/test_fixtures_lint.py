"""The linter reports every line that a fixture marks, with that code, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.environments import releases
from harness.programs import Fixture, discover

import asyncsqla_lint
from asyncsqla_lint.workspace.config import load_config

FIXTURES = discover()


@pytest.mark.parametrize("release", releases())
@pytest.mark.parametrize("fixture", FIXTURES, ids=[fixture.key for fixture in FIXTURES])
def test_the_marked_lines_are_reported_and_no_others(fixture: Fixture, release: str) -> None:
    config = load_config(
        [str(fixture.target)],
        config_file=None,
        isolated=True,
        overrides={
            "select": ["ASQ"],
            "preview": True,
            "target-sqlalchemy": release,
            "src": [str(fixture.root)],
        },
    )
    findings = asyncsqla_lint.check([fixture.target], config)
    reported = sorted(
        (str(Path(finding.path).resolve()), finding.location.row, finding.code) for finding in findings
    )
    marked = sorted((mark.path, mark.line, code) for mark in fixture.marks_on(release) for code in mark.codes)
    assert reported == marked
