"""Every bad fixture is fixed: then it lints clean but for what has no fix, runs clean, and stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from harness.environments import releases
from harness.live import run_everywhere
from harness.programs import Fixture, Source, discover
from harness.reports import Batch
from harness.verdicts import judge_case
from msgspec.structs import replace

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.fixes import apply
from asyncsqla_lint.run.cache import Cache
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config, load_config

BAD = [fixture for fixture in discover() if fixture.kind == "bad"]


@dataclass
class Fixed:
    """A fixture after `--fix --unsafe-fixes`, in a directory of its own."""

    fixture: Fixture  # the fixed copy
    before: Report
    outcome: apply.Outcome

    @property
    def left(self) -> tuple[Finding, ...]:
        return self.outcome.left.findings


class Mender:
    def __init__(self, target: Path, root: Path) -> None:
        self.target = target
        self.config: Config = load_config(
            [str(target)],
            isolated=True,
            overrides={"select": ["ASQ"], "preview": True, "src": [str(root)]},
        )
        self.cache = Cache()

    def check(self, contents: Mapping[str, bytes]) -> Report:
        return run([str(self.target)], self.config, overlay=contents, cache=self.cache)

    def mend(self) -> tuple[Report, apply.Outcome]:
        before = self.check({})
        return before, apply.fix(before, self.check, unsafe=True)


@pytest.fixture(scope="session")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fixed]:
    """All of them, each once."""
    place = tmp_path_factory.mktemp("fixed")

    @cache
    def of(number: int) -> Fixed:
        fixture = BAD[number]
        home = place / fixture.key.partition("/")[0]
        home.mkdir(exist_ok=True)
        target = home / fixture.target.name
        if fixture.target.is_dir():
            shutil.copytree(fixture.target, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(fixture.target, target)
        root = target if target.is_dir() else home
        before, outcome = Mender(target, root).mend()
        assert not apply.save(outcome.changes)
        names = [(target if target.is_dir() else home) / _relative(one, fixture) for one in fixture.sources]
        return Fixed(
            replace(
                fixture,
                main=root / fixture.main.name,
                root=root,
                target=target,
                kind="good",
                marks=(),
                sources=tuple(Source(str(path), path.read_text(encoding="utf-8")) for path in names),
            ),
            before,
            outcome,
        )

    return {fixture.key: of(number) for number, fixture in enumerate(BAD)}


def _relative(source: Source, fixture: Fixture) -> Path:
    return Path(source.path).relative_to(fixture.root)


@pytest.fixture(scope="session")
def batches(fixed: dict[str, Fixed]) -> dict[str, Batch]:
    return run_everywhere([one.fixture for one in fixed.values() if one.outcome.changes], releases())


@pytest.mark.parametrize("key", [fixture.key for fixture in BAD])
def test_what_has_a_fix_is_gone(key: str, fixed: dict[str, Fixed]) -> None:
    one = fixed[key]
    refused = {(each.finding.code, each.finding.path) for each in one.outcome.refused}
    known = {(finding.code, Path(finding.path).name) for finding in one.before.findings}
    assert not one.outcome.unsettled
    for finding in one.left:
        assert finding.fix is None or (finding.code, finding.path) in refused, finding
        assert (finding.code, Path(finding.path).name) in known, f"the fixes brought this: {finding}"


@pytest.mark.parametrize("key", [fixture.key for fixture in BAD])
def test_a_second_run_changes_nothing(key: str, fixed: dict[str, Fixed]) -> None:
    one = fixed[key]
    if one.outcome.changes:
        _, again = Mender(one.fixture.target, one.fixture.root).mend()
        assert not again.changes


@pytest.mark.parametrize("release", releases())
@pytest.mark.parametrize("key", [fixture.key for fixture in BAD])
def test_the_fixed_program_runs_clean(
    key: str, release: str, fixed: dict[str, Fixed], batches: dict[str, Batch]
) -> None:
    """But for the cases that come by a line where something is left."""
    one = fixed[key]
    left = {(str(Path(finding.path).resolve()), finding.location.row) for finding in one.left}
    left |= {
        (str(Path(place.path).resolve()), place.location.row)
        for finding in one.left
        for place in finding.related
    }
    complaints = []
    for case in one.fixture.cases if one.outcome.changes else ():
        report = batches[release].report(key, case)
        if report is not None and left & set(report.reached):
            continue
        complaints += [f"{case}: {line}" for line in judge_case(one.fixture, case, release, batches[release])]
    assert not complaints, "\n".join(complaints)
