"""SQLAlchemy agrees with every fixture, on every supported release line."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from harness.environments import locked, releases
from harness.live import run_everywhere
from harness.programs import Fixture, discover
from harness.reports import Batch
from harness.verdicts import judge_case, judge_coverage

FIXTURES = {fixture.key: fixture for fixture in discover()}
CASES = [(fixture, case) for fixture in FIXTURES.values() for case in fixture.cases]


@pytest.fixture(scope="session")
def batches(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Batch]:
    """Runs the collected fixtures once, all releases at once; the workers of one xdist run share it."""
    wanted = [FIXTURES[key] for key in sorted(set(map(_key, request.session.items)) & set(FIXTURES))]
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return run_everywhere(wanted, releases())
    shared = Path(tmp_path_factory.getbasetemp()).parent / "live.json"
    with locked(shared.with_suffix(".lock")):
        if not shared.exists():
            shared.write_bytes(msgspec.json.encode(run_everywhere(wanted, releases())))
    return msgspec.json.decode(shared.read_bytes(), type=dict[str, Batch])


def _key(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    fixture = callspec.params.get("fixture") if callspec is not None else None
    return fixture.key if isinstance(fixture, Fixture) else ""


@pytest.mark.parametrize("release", releases())
@pytest.mark.parametrize(("fixture", "case"), CASES, ids=[f"{fixture.key}:{case}" for fixture, case in CASES])
def test_sqlalchemy_does_what_the_fixture_declares(
    fixture: Fixture, case: str, release: str, batches: dict[str, Batch]
) -> None:
    complaints = judge_case(fixture, case, release, batches[release])
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("release", releases())
@pytest.mark.parametrize("fixture", FIXTURES.values(), ids=list(FIXTURES))
def test_every_marked_line_is_reached(fixture: Fixture, release: str, batches: dict[str, Batch]) -> None:
    complaints = judge_coverage(fixture, release, batches[release])
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("release", releases())
def test_the_release_is_the_one_it_says(release: str, batches: dict[str, Batch]) -> None:
    assert batches[release].sqlalchemy.startswith(f"{release}.")
