from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncsqla_lint.rules import catalogue

_CACHES = (catalogue.rules, catalogue.by_code, catalogue.describe_all)


@pytest.fixture(autouse=True)
def toy_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The catalogue finds the rules of `toy`, and no others besides the tool's own."""
    monkeypatch.setattr(catalogue, "_modules", lambda: ["asyncsqla_lint.rules.itself", "toy"])
    for each in _CACHES:
        each.cache_clear()
    yield
    monkeypatch.undo()
    for each in _CACHES:
        each.cache_clear()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: an empty project."""
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path
