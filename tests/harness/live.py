"""Runs fixtures under the releases and gives back what was seen."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from harness.environments import python_for
from harness.programs import Fixture
from harness.reports import Batch, CaseReport

RUNNER = Path(__file__).with_name("runner.py")


class RunnerFailed(Exception):
    """The runner process itself died; the message says where it was."""


def run_everywhere(fixtures: Sequence[Fixture], releases: Sequence[str]) -> dict[str, Batch]:
    """Runs the fixtures under all the releases at once."""
    with ThreadPoolExecutor(max_workers=len(releases)) as pool:
        batches = pool.map(lambda release: run(fixtures, release), releases)
        return dict(zip(releases, batches, strict=True))


def run(fixtures: Sequence[Fixture], release: str) -> Batch:
    manifest = {
        "fixtures": [
            {
                "key": fixture.key,
                "root": str(fixture.root),
                "main": str(fixture.main),
                "files": [source.path for source in fixture.sources],
                "cases": fixture.cases,
                "latency": fixture.latency,
            }
            for fixture in fixtures
        ]
    }
    with tempfile.TemporaryDirectory(prefix="harness-") as directory:
        path = Path(directory, "manifest.json")
        path.write_text(json.dumps(manifest), encoding="utf-8")
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PYTEST", "COV", "VIRTUAL_ENV"))
        }
        # No limit here: a busy machine is slow, and the runner itself ends where a case hangs.
        done = subprocess.run(
            [str(python_for(release)), "-B", str(RUNNER), str(path)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=directory,
            env=environment,
        )
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        cases = [f"{fixture.key} {case}" for fixture in fixtures for case in fixture.cases]
        running = cases[len(lines) - 1] if 0 < len(lines) <= len(cases) else "its start or end"
        raise RunnerFailed(f"the runner for {release} died ({done.returncode}) in {running}\n{done.stderr}")
    reports = tuple(msgspec.json.decode(line, type=CaseReport) for line in lines[1:])
    return Batch(json.loads(lines[0])["sqlalchemy"], reports)
