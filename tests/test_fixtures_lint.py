"""The linter reports every line that a fixture marks, with that code, and nothing else."""

from __future__ import annotations

import pytest
from fixture_report import lint
from harness.environments import releases
from harness.programs import Fixture, discover

FIXTURES = discover()


@pytest.mark.parametrize("release", releases())
@pytest.mark.parametrize("fixture", FIXTURES, ids=[fixture.key for fixture in FIXTURES])
def test_the_marked_lines_are_reported_and_no_others(fixture: Fixture, release: str) -> None:
    complaints = lint(fixture, release).complaints()
    assert not complaints, "\n".join(complaints)
