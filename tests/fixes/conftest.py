"""The linter and its fixes, on a text that stands in no file."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from asyncsqla_lint.fixes import apply
from asyncsqla_lint.run.cache import Cache
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config_files import load_config


class Linter:
    """The linter, on a text that stands in no file."""

    def __init__(self, directory: str) -> None:
        self.path = f"{directory}/program.py"
        self.config = load_config(
            [directory], isolated=True, overrides={"select": ["ASQ"], "src": [directory]}
        )
        self.cache = Cache()

    def check(self, contents: Mapping[str, bytes]) -> Report:
        return run([self.path], self.config, overlay=contents, cache=self.cache)

    def fixed(self, text: str) -> tuple[str, apply.Outcome]:
        overlay = {self.path: text.encode()}
        outcome = apply.fix(self.check(overlay), self.check, unsafe=True, overlay=overlay)
        after = outcome.changes[0].after.decode() if outcome.changes else text
        return after, outcome


@pytest.fixture(scope="session")
def linter(tmp_path_factory: pytest.TempPathFactory) -> Linter:
    return Linter(str(tmp_path_factory.mktemp("linted")))
