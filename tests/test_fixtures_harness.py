"""The harness itself: a fixture that declares what does not happen is found out."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.environments import releases
from harness.live import run
from harness.programs import Fixture, FixtureError, load
from harness.reports import Batch
from harness.verdicts import judge_case, judge_coverage

RELEASE = releases()[-1]

HEAD = """\
import asyncio
import sqlite3
from sqlalchemy import ForeignKey, create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

engine = create_async_engine("sqlite+aiosqlite:///app.db")

class Base(DeclarativeBase):
    pass

class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    pets: Mapped[list["Pet"]] = relationship()

class Pet(Base):
    __tablename__ = "pets"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))

async def owner_in(session):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    session.add(Owner(id=1))
    await session.commit()
    session.expunge_all()
    return await session.get(Owner, 1)

async def case_it():
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            owner = await owner_in(session)
"""
BODY = " " * 12
TAIL = """
    finally:
        await engine.dispose()
"""

# name → (folder, code of the case's body, code of the module below it, what is complained of; None: nothing)
PROGRAMS: dict[str, tuple[str, str, str, str | None]] = {
    "bad_true": ("ASQ301", "owner.pets  # expect: ASQ301", "", None),
    "bad_harmless": ("ASQ301", "owner.id  # expect: ASQ301", "", "did not show"),
    "bad_other_line": ("ASQ301", "owner.id  # expect: ASQ301\n{}owner.pets", "", "did not show"),
    "bad_other_exception": ("ASQ301", "owner.nothing  # expect: ASQ301", "", "did not show"),
    "bad_never_reached": (
        "ASQ301",
        "if not owner:\n{}    owner.pets  # expect: ASQ301",
        "",
        "no case reaches",
    ),
    "bad_two_marks": (
        "ASQ301",
        "owner.id  # expect: ASQ301\n{}owner.pets  # expect: ASQ301",
        "",
        "several marked lines",
    ),
    "bad_not_silent": ("ASQ304", "owner.pets  # expect: ASQ304", "", "should end clean"),
    "bad_other_release": ("ASQ301", "owner.pets  # expect[1.4]: ASQ301", "", "should end clean"),
    "bad_blocks": (
        "ASQ101",
        'sync = create_engine("sqlite:///app.db")\n{}connection = sync.connect()  # expect: ASQ101\n'
        "{}connection.close()\n{}sync.dispose()",
        "",
        None,
    ),
    "bad_blocks_not": (
        "ASQ101",
        "await asyncio.sleep(0.5)  # expect: ASQ101",
        "",
        "did not show blocks-loop",
    ),
    "bad_loses": (
        "ASQ206",
        "session.add(Owner(id=2))  # expect: ASQ206",
        'def check_it():\n    found = sqlite3.connect("app.db").execute("select * from owners")\n'
        "    assert len(found.fetchall()) == 2",
        None,
    ),
    "bad_loses_not": (
        "ASQ206",
        "session.add(Owner(id=2))  # expect: ASQ206\n{}await session.commit()",
        'def check_it():\n    found = sqlite3.connect("app.db").execute("select * from owners")\n'
        "    assert len(found.fetchall()) == 2",
        "did not show loses-write",
    ),
    "bad_unawaited": ("ASQ401", "session.commit()  # expect: ASQ401", "", None),
    "bad_unawaited_elsewhere": (
        "ASQ401",
        "session.add(owner)  # expect: ASQ401\n{}session.commit()",
        "",
        "did not show",
    ),
    "good_true": ("ASQ301", "owner.id", "", None),
    "good_raises": ("ASQ301", "owner.pets", "", "should end clean, but raised"),
    "good_unawaited": ("ASQ301", "session.commit()", "", "but warned"),
    "good_leaks": (
        "ASQ105",
        'await create_async_engine("sqlite+aiosqlite:///b.db").connect()',
        "",
        "should end clean, but",
    ),
    "good_task_fails": (
        "ASQ201",
        "asyncio.ensure_future(owner_in(None))\n{}await asyncio.sleep(0.2)",
        "",
        "raised, logged",
    ),
    "good_loses": ("ASQ206", "owner.id", 'def check_it():\n    assert False, "gone"', "lost its write"),
}


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fixture]:
    home = tmp_path_factory.mktemp("programs")
    loaded = {}
    for name, (folder, body, below, _) in PROGRAMS.items():
        path = home / folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEAD + BODY + body.replace("{}", BODY) + TAIL + below + "\n")
        loaded[name] = load(path)
    return loaded


@pytest.fixture(scope="module")
def batch(fixtures: dict[str, Fixture]) -> Batch:
    return run(list(fixtures.values()), RELEASE)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_fixture_is_believed_only_when_it_is_so(
    name: str, fixtures: dict[str, Fixture], batch: Batch
) -> None:
    expected = PROGRAMS[name][3]
    complaints = judge_case(fixtures[name], "case_it", RELEASE, batch)
    complaints += judge_coverage(fixtures[name], RELEASE, batch)
    if expected is None:
        assert not complaints, "\n".join(complaints)
    else:
        assert expected in "\n".join(complaints)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("good_marked.py", "async def case_a(): ...  # expect: ASQ301", "a good fixture marks nothing"),
        ("bad_unmarked.py", "async def case_a(): ...", "a bad fixture marks a line"),
        ("bad_caseless.py", "x = 1  # expect: ASQ301", "no case_"),
        ("bad_misspelt.py", "async def case_a(): ...  # expect ASQ301", "not a mark"),
        (
            "bad_setting.py",
            "# harness: slow\nasync def case_a(): ...  # expect: ASQ301",
            "unknown harness setting",
        ),
    ],
)
def test_a_fixture_that_breaks_the_form_is_refused(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    path = tmp_path / name
    path.write_text(text + "\n")
    with pytest.raises(FixtureError, match=complaint):
        load(path)
