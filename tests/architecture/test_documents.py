"""The documents say what is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import asyncsqla_lint

ROOT = Path(__file__).parents[2]
PACKAGE = Path(asyncsqla_lint.__file__).parent
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "fixtures" / "README.md"]


def test_the_rules_pages_are_what_the_rules_say() -> None:
    generator = runpy.run_path(str(ROOT / "docs" / "pages.py"))
    stale = [path.name for path in generator["stale"]()]
    assert not stale, f"run `python docs/pages.py`: {', '.join(stale)}"


def test_every_floor_is_described() -> None:
    floors = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    described = {
        name.rstrip("/") for row in table("## The floors") for name in re.findall(r"`(\w+)/`", row[0])
    }
    assert described == floors


def test_every_file_about_sqlalchemy_stands_where_its_question_is() -> None:
    rows = table("## Where SQLAlchemy's behaviour is written down")
    named = [name for row in rows for name in re.findall(r"`(\w+\.py)`", row[1])]
    files = [path.name for path in (PACKAGE / "semantics").glob("*.py") if path.name != "__init__.py"]
    assert sorted(named) == sorted(files)


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8"))
        if not target.startswith("https://") and not (document.parent / target).exists()
    ]
    assert not broken


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head."""
    section = ARCHITECTURE.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_fixtures_that_are_named_are_there() -> None:
    named: set[str] = set()
    for path in (*PACKAGE.rglob("*.py"), *DOCUMENTS):
        named.update(re.findall(r"ASQ\d{3}/(?:bad|good)_\w+", path.read_text("utf-8")))
    stands = {
        f"{path.parent.name}/{path.stem}"
        for kind in ("bad", "good")
        for path in ROOT.glob(f"fixtures/*/{kind}_*")
    }
    assert len(named) > 50 and not named - stands
