"""Every bad fixture is fixed: then it lints clean but for what has no fix, runs clean, and stays as it is."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import libcst as cst
import pytest
from harness.environments import locked, releases
from harness.live import run_everywhere
from harness.programs import Fixture, Source, discover
from harness.reports import Batch
from harness.verdicts import judge_case
from libcst.codemod import CodemodContext, SkipFile
from msgspec.structs import replace

from asyncsqla_lint import codemods
from asyncsqla_lint.codemods.command import Mending, _project_report
from asyncsqla_lint.findings import Finding
from asyncsqla_lint.fixes import apply
from asyncsqla_lint.run.cache import Cache
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config

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


class Mended(NamedTuple):
    fixed: dict[str, Fixed]
    batches: dict[str, Batch]


@pytest.fixture(scope="session")
def mended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mended:
    """Those that are asked for are fixed once, and run once; the workers of one xdist run share it."""
    keys = {item.callspec.params.get("key") for item in request.session.items if hasattr(item, "callspec")}
    wanted = [fixture for fixture in BAD if fixture.key in keys]
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _mended(wanted, tmp_path_factory.mktemp("fixed"))
    shared = Path(tmp_path_factory.getbasetemp()).parent / "fixed"
    with locked(shared.with_suffix(".lock")):
        if not shared.exists():
            shared.mkdir()
            (shared / "mended.pickle").write_bytes(pickle.dumps(_mended(wanted, shared)))
    found = pickle.loads((shared / "mended.pickle").read_bytes())
    assert isinstance(found, Mended)
    return found


def _mended(wanted: Sequence[Fixture], place: Path) -> Mended:
    fixed = {fixture.key: _fixed(fixture, place) for fixture in wanted}
    changed = [one.fixture for one in fixed.values() if one.outcome.changes]
    return Mended(fixed, run_everywhere(changed, releases()))


def _fixed(fixture: Fixture, place: Path) -> Fixed:
    home = place / fixture.key.partition("/")[0]
    target = copied(fixture, home)
    root = target if target.is_dir() else home
    before, outcome = Mender(target, root).mend()
    assert not apply.save(outcome).failures
    names = [root / Path(one.path).relative_to(fixture.root) for one in fixture.sources]
    sources = tuple(Source(str(path), path.read_text(encoding="utf-8")) for path in names)
    main = root / fixture.main.name
    copy = replace(fixture, main=main, root=root, target=target, kind="good", marks=(), sources=sources)
    return Fixed(copy, before, outcome)


def copied(fixture: Fixture, home: Path) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    target = home / fixture.target.name
    if fixture.target.is_dir():
        shutil.copytree(fixture.target, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(fixture.target, target)
    return target


@pytest.mark.parametrize("key", [fixture.key for fixture in BAD])
def test_what_has_a_fix_is_gone(key: str, mended: Mended) -> None:
    one = mended.fixed[key]
    refused = {(each.finding.code, each.finding.path) for each in one.outcome.refused}
    known = {(finding.code, Path(finding.path).name) for finding in one.before.findings}
    # What could not be made at all (an engine of the wrong driver) shows what else is wrong with it afterwards.
    mended_rows = {(finding.path, finding.location.row) for finding in one.outcome.made}
    assert not one.outcome.unsettled
    for finding in one.left:
        assert finding.fix is None or (finding.code, finding.path) in refused, finding
        shown = (finding.path, finding.location.row) in mended_rows
        assert shown or (finding.code, Path(finding.path).name) in known, f"the fixes brought this: {finding}"


@pytest.mark.parametrize("key", [fixture.key for fixture in BAD])
def test_a_second_run_changes_nothing(key: str, mended: Mended) -> None:
    one = mended.fixed[key]
    if one.outcome.changes:
        _, again = Mender(one.fixture.target, one.fixture.root).mend()
        assert not again.changes


@pytest.mark.parametrize("release", releases())
@pytest.mark.parametrize("key", [fixture.key for fixture in BAD])
def test_the_fixed_program_runs_clean(key: str, release: str, mended: Mended) -> None:
    """But for the cases that come by a line where something is left."""
    one, batches = mended.fixed[key], mended.batches
    left = {(str(Path(finding.path).resolve()), finding.location.row) for finding in one.left}
    left |= {
        (str(Path(place.path).resolve()), place.location.row)
        for finding in one.left
        for place in finding.related
    }

    def complaints(batch: Batch) -> list[str]:
        found: list[str] = []
        for case in one.fixture.cases if one.outcome.changes else ():
            report = batch.report(key, case)
            if report is None or not left & set(report.reached):
                found += [f"{case}: {line}" for line in judge_case(one.fixture, case, release, batch)]
        return found

    found = complaints(batches[release])
    if found and one.fixture.latency:
        # A busy machine holds up an event loop too, but hardly twice at one place.
        found = complaints(run_everywhere([one.fixture], [release])[release])
    assert not found, "\n".join(found)


COMMANDS: dict[str, type[Mending]] = {
    value.codemod: value
    for value in vars(codemods).values()
    if isinstance(value, type) and value is not Mending
}
# One fixture of one file for each kind of repair is enough: the commands make the repairs of any finding.
ALONE = {
    fixture.key: fixture
    for fixture in {
        fixture.key.partition("/")[0]: fixture for fixture in BAD if fixture.target.is_file()
    }.values()
}


@pytest.mark.parametrize("key", ALONE)
def test_libcst_s_own_runner_comes_to_the_same(key: str, tmp_path: Path) -> None:
    """Command by command, until none has anything to do."""
    fixture = ALONE[key]
    first, second = copied(fixture, tmp_path / "ours"), copied(fixture, tmp_path / "theirs")
    (tmp_path / "theirs" / "pyproject.toml").write_text(
        "[tool.asyncsqla-lint]\npreview = true\nselect = ['ASQ']\n"
    )
    _, outcome = Mender(first, first.parent).mend()
    ours = outcome.changes[0].after.decode() if outcome.changes else first.read_text(encoding="utf-8")
    used = {
        repair.codemod for one in outcome.made if one.fix for way in one.fix.ways for repair in way.repairs
    }
    for _ in range(apply.MOST_PASSES):
        before = second.read_bytes()
        for name in sorted(used):
            _project_report.cache_clear()  # the runner starts anew for each command
            try:
                module = COMMANDS[name](CodemodContext(filename=str(second))).transform_module(
                    cst.parse_module(second.read_bytes())
                )
            except SkipFile:
                continue
            second.write_bytes(module.bytes)
        if second.read_bytes() == before:
            break
    assert second.read_text(encoding="utf-8") == ours
