"""Which FastAPI a project runs on, as far as it ends dependencies before the response is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsqla_lint.workspace.fastapi_release import FastAPIResolver
from asyncsqla_lint.workspace.requirements import Dependencies


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize(
    ("name", "text", "first"),
    [
        ("requirements.txt", "fastapi==0.115.6\n", True),
        ("requirements.txt", "uvicorn\nfastapi[standard] >=0.110, <0.116  # pinned\n", True),
        ("requirements.txt", "fastapi~=0.110.0", True),
        ("requirements.txt", "fastapi>=0.110", False),
        ("requirements.txt", "fastapi", False),
        ("requirements.txt", "fastapi==0.105.0", False),
        ("requirements.txt", "fastapi==0.118.0", False),
        ("requirements.txt", "fastapi-users==0.110.0", False),
        ("pyproject.toml", '[project]\ndependencies = [\n    "fastapi==0.112.*",\n]\n', True),
        ("pyproject.toml", '[tool.poetry.dependencies]\nfastapi = "^0.115.0"\n', True),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nfastapi = {extras = ["all"], version = "^0.115"}',
            True,
        ),
        ("pyproject.toml", '[tool.poetry.dependencies]\nfastapi = ">=0.115"\n', False),
        ("uv.lock", '[[package]]\nname = "fastapi"\nversion = "0.115.12"\n', True),
        ("uv.lock", '[[package]]\nname = "fastapi"\nversion = "0.135.1"\n', False),
        ("Pipfile.lock", '{"default": {"fastapi": {"hashes": [], "version": "==0.111.0"}}}', True),
    ],
)
def test_what_one_file_says(tmp_path: Path, name: str, text: str, first: bool) -> None:
    (tmp_path / name).write_text(text)
    package = tmp_path / "app" / "routes"
    package.mkdir(parents=True)
    assert FastAPIResolver(str(tmp_path), Dependencies(_read))(str(package)) is first


def test_the_lock_decides_and_the_nearest_first(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("fastapi==0.115.0")
    service = tmp_path / "service"
    service.mkdir()
    (service / "pyproject.toml").write_text('dependencies = ["fastapi==0.115.0"]')
    (service / "uv.lock").write_text('name = "fastapi"\nversion = "0.120.0"')
    resolver = FastAPIResolver(str(tmp_path), Dependencies(_read))
    assert not resolver(str(service))
    assert resolver(str(tmp_path))
