"""What is said of a file does not depend on which others are checked with it: a commit's hook names a few."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_report import settings_for
from harness.environments import releases
from harness.programs import Fixture, discover

import asyncsqla_lint
from asyncsqla_lint.findings import Finding
from asyncsqla_lint.workspace.config_files import load_config

PACKAGES = [fixture for fixture in discover() if fixture.target.is_dir()]


@pytest.mark.parametrize("fixture", PACKAGES, ids=[fixture.key for fixture in PACKAGES])
def test_a_file_alone_is_told_what_it_is_told_among_all(fixture: Fixture) -> None:
    whole = _said(fixture, fixture.target)
    for file in sorted(fixture.target.rglob("*.py")):
        assert _said(fixture, file) == [
            finding for finding in whole if Path(finding.path).resolve() == file.resolve()
        ]


def _said(fixture: Fixture, path: Path) -> list[Finding]:
    overrides = settings_for(fixture, releases()[-1])
    return asyncsqla_lint.check([path], load_config([str(path)], isolated=True, overrides=overrides))
