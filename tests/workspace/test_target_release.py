"""The release line comes from the lock file, then from what a requirement admits; in doubt it is 2.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsqla_lint.workspace.requirements import Dependencies, admitted_line
from asyncsqla_lint.workspace.target_release import TargetResolver, evidence_in


def read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return ""


LOCKS = {
    "uv.lock": (
        'version = 1\n\n[[package]]\nname = "sqlalchemy-utils"\nversion = "9"\n\n'
        '[[package]]\nname = "sqlalchemy"\nversion = "{}"\n'
    ),
    "poetry.lock": '[[package]]\nname = "SQLAlchemy"\nversion = "{}"\ndescription = "x"\n',
    "pdm.lock": '[[package]]\nname = "sqlalchemy"\nversion = "{}"\nextras = ["asyncio"]\n',
    "pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "sqlalchemy"\nversion = "{}"\n',
    "Pipfile.lock": '{{"default": {{"sqlalchemy": {{"version": "=={}"}}}}, "develop": {{}}}}',
}


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize(
    ("version", "line"), [("2.0.43", "2.0"), ("2.1.0b1", "2.1"), ("1.4.54", "2.0"), ("2.10.1", "2.1")]
)
def test_a_lock_file_decides(tmp_path: Path, name: str, version: str, line: str) -> None:
    (tmp_path / name).write_text(LOCKS[name].format(version), encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("sqlalchemy<2.1\n", encoding="utf-8")
    found = evidence_in(str(tmp_path), Dependencies(read))
    assert found is not None
    assert (found.release, found.evidence) == (line, f"{name}: sqlalchemy {version}")


@pytest.mark.parametrize(
    ("requirement", "line"),
    [
        ("sqlalchemy", None),
        ("sqlalchemy>=2.0", None),
        ("sqlalchemy>=2", None),
        ("SQLAlchemy[asyncio] >= 2.0.25, < 3", None),
        ("sqlalchemy>=2.0,<2.1", "2.0"),
        ("sqlalchemy<2.1", "2.0"),
        ("sqlalchemy<=2.0.44", "2.0"),
        ("sqlalchemy<=2.1", None),
        ("sqlalchemy==2.0.30", "2.0"),
        ("sqlalchemy==2.0.*", "2.0"),
        ("sqlalchemy==2.*", None),
        ("sqlalchemy~=2.0.30", "2.0"),
        ("sqlalchemy~=2.0", None),
        ("sqlalchemy^2.0.30", None),
        ("sqlalchemy~2.0", "2.0"),
        ("sqlalchemy (>=2.0,<2.1)", "2.0"),
        ("sqlalchemy[asyncio]>=2.1", "2.1"),
        ("sqlalchemy>2.1.0", "2.1"),
        ("sqlalchemy~=2.1.0", "2.1"),
        ("sqlalchemy==2.1.3 ; python_version >= '3.10'  # pinned", "2.1"),
        ("sqlalchemy!=2.1.0", None),
        ("sqlalchemy @ https://example.org/sqlalchemy.zip", None),
        ("sqlalchemy<2", "2.0"),
        ("sqlalchemy^1.4", "2.0"),
    ],
)
def test_a_requirement_decides_where_it_admits_one_line(requirement: str, line: str | None) -> None:
    assert admitted_line(requirement) == line


FILES = {
    "pyproject.toml": [
        '[project]\ndependencies = ["sqlalchemy-utils<1", "sqlalchemy[asyncio]>=2.1"]\n',
        '[project.optional-dependencies]\ndb = ["SQLAlchemy>=2.1"]\n',
        '[dependency-groups]\ndb = [{include-group = "x"}, "SQLAlchemy>=2.1"]\n',
        '[tool.poetry.dependencies]\nSQLAlchemy = {extras = ["asyncio"], version = ">=2.1"}\n',
        '[tool.poetry.group.db.dependencies]\nsqlalchemy = "~2.1"\n',
        '[tool.pdm.dev-dependencies]\ndb = ["SQLAlchemy>=2.1"]\n',
    ],
    "setup.cfg": [
        "[options]\ninstall_requires =\n    fastapi\n    sqlalchemy >=2.1\n",
        "[options.extras_require]\ndb =\n    sqlalchemy[asyncio]>=2.1\n",
    ],
    "requirements-dev.txt": ["-r requirements.txt\nsqlalchemy-stubs==1\nSQLAlchemy==2.1.2  # pinned\n"],
    "requirements.in": ["sqlalchemy>=2.1"],
    "Pipfile": ['[packages]\nsqlalchemy = "==2.1.2"\n'],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in FILES.items() for text in texts])
def test_dependency_files_are_read(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = evidence_in(str(tmp_path), Dependencies(read))
    assert found is not None
    assert found.release == "2.1"
    assert found.evidence.startswith(f"{name}: sqlalchemy") or found.evidence.startswith(
        f"{name}: SQLAlchemy"
    )


@pytest.mark.parametrize("name", [*LOCKS, *FILES])
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"[[[", b"[project]\ndependencies = 3\n", b"[]", b"3"]
)
def test_a_broken_file_is_no_evidence(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert evidence_in(str(tmp_path), Dependencies(read)) is None


def test_the_nearest_evidence_counts_up_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("sqlalchemy>=2.1\n", encoding="utf-8")
    service = tmp_path / "project" / "service" / "app"
    service.mkdir(parents=True)
    (tmp_path / "project" / "service" / "requirements.txt").write_text("sqlalchemy>=2.1\n", encoding="utf-8")
    resolver = TargetResolver(str(tmp_path / "project"), Dependencies(read))
    assert resolver(str(service)).release == "2.1"
    assert resolver(str(tmp_path / "project")).release == "2.0"
    assert "no lock file" in resolver(str(tmp_path / "project")).evidence


def test_a_requirement_that_admits_both_says_so(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("sqlalchemy>=2.0\n", encoding="utf-8")
    found = evidence_in(str(tmp_path), Dependencies(read))
    assert found is not None
    assert (found.release, found.evidence) == (
        "2.0",
        "requirements.txt: sqlalchemy>=2.0 admits 2.0 as well as 2.1",
    )
