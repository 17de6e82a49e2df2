"""`--fix` and its kin, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Lint

LOST = (
    "from sqlalchemy.ext.asyncio import AsyncSession\n"
    "\n"
    "\n"
    "async def save(session: AsyncSession) -> None:\n"
    "    session.commit()\n"
)
MENDED = LOST.replace("    session", "    await session")
UNSAFE = (
    "from sqlalchemy import ForeignKey, select\n"
    "from sqlalchemy.ext.asyncio import AsyncSession\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship\n"
    "\n"
    "\n"
    "class Base(DeclarativeBase): ...\n"
    "\n"
    "\n"
    "class User(Base):\n"
    '    __tablename__ = "users"\n'
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    '    posts: Mapped[list["Post"]] = relationship()\n'
    "\n"
    "\n"
    "class Post(Base):\n"
    '    __tablename__ = "posts"\n'
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    '    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))\n'
    "\n"
    "\n"
    "async def count(session: AsyncSession) -> int:\n"
    "    user = (await session.scalars(select(User))).one()\n"
    "    return len(user.posts)\n"
)


@pytest.fixture
def orders(project: Path) -> Path:
    file = project / "app" / "orders.py"
    file.write_text(LOST)
    return file


def test_fix(lint: Lint, orders: Path) -> None:
    done = lint("check", "--fix")
    assert done.stdout == "Found 1 error (1 fixed, 0 remaining).\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert orders.read_text() == MENDED


def test_show_fixes(lint: Lint, orders: Path) -> None:
    done = lint("check", "--fix", "--show-fixes")
    assert done.stdout.splitlines() == [
        "Fixed 1 error:",
        "- app/orders.py:",
        "    1 × ASQ401 (missing-await)",
        "Found 1 error (1 fixed, 0 remaining).",
    ]


def test_diff_changes_nothing(lint: Lint, orders: Path) -> None:
    done = lint("check", "--diff")
    assert done.returncode == 1
    assert done.stdout == (
        "--- app/orders.py\n+++ app/orders.py\n@@ -2,4 +2,4 @@\n \n \n"
        " async def save(session: AsyncSession) -> None:\n"
        "-    session.commit()\n+    await session.commit()\n"
    )
    assert done.stderr == "Would fix 1 error.\n"
    assert orders.read_text() == LOST


def test_diff_of_nothing_is_exit_code_0(lint: Lint, orders: Path) -> None:
    orders.write_text(MENDED)
    done = lint("check", "--diff")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_unsafe_fixes_are_asked_for(lint: Lint, orders: Path) -> None:
    orders.write_text(UNSAFE)
    done = lint("check", "--fix")
    assert done.returncode == 1
    assert done.stdout.endswith("No fixes available (1 with the `--unsafe-fixes` option).\n")
    assert orders.read_text() == UNSAFE
    done = lint("check", "--fix", "--unsafe-fixes")
    assert done.returncode == 0
    assert "select(User).options(selectinload(User.posts))" in orders.read_text()
    assert "    relationship,\n    selectinload,\n)" in orders.read_text()


def test_unfixable(lint: Lint, orders: Path) -> None:
    assert lint("check", "--fix", "--unfixable", "ASQ401").returncode == 1
    assert lint("check", "--fix", "--fixable", "ASQ3").returncode == 1
    assert orders.read_text() == LOST


def test_what_is_suppressed_is_not_fixed(lint: Lint, orders: Path) -> None:
    kept = LOST.replace("commit()", "commit()  # noqa: ASQ401")
    orders.write_text(kept)
    assert lint("check", "--fix").returncode == 0
    assert orders.read_text() == kept


def test_what_the_baseline_knows_is_not_fixed(lint: Lint, orders: Path) -> None:
    assert lint("check", "--baseline", "known.json", "--write-baseline").returncode == 0
    assert lint("check", "--fix", "--baseline", "known.json").returncode == 0
    assert orders.read_text() == LOST


def test_standard_input_is_fixed_to_standard_output(lint: Lint, orders: Path) -> None:
    done = lint("check", "--fix", "-", "--stdin-filename", "app/orders.py", stdin=LOST)
    assert (done.returncode, done.stdout, done.stderr) == (0, MENDED, "")
    assert orders.read_text() == LOST


def test_add_noqa(lint: Lint, orders: Path) -> None:
    done = lint("check", "--add-noqa")
    assert (done.returncode, done.stdout) == (0, "Added 1 noqa comment.\n")
    assert orders.read_text() == LOST.replace("commit()", "commit()  # noqa: ASQ401")
    assert lint("check").returncode == 0
    assert lint("check", "--add-noqa").stdout == "Added 0 noqa comments.\n"


def test_add_noqa_beside_another_s(lint: Lint, orders: Path) -> None:
    orders.write_text(LOST.replace("commit()", "commit()  # noqa: E501"))
    lint("check", "--add-noqa")
    assert orders.read_text().endswith("commit()  # noqa: E501, ASQ401\n")


def test_add_noqa_below_a_long_string(lint: Lint, orders: Path) -> None:
    orders.write_text(
        LOST.replace("session.commit()", 'session.execute(\n        """select\n        1""",\n    )')
    )
    lint("check", "--add-noqa")
    assert lint("check").returncode == 0


def test_a_file_without_write_permission(lint: Lint, orders: Path) -> None:
    orders.parent.chmod(0o555)
    try:
        done = lint("check", "--fix")
    finally:
        orders.parent.chmod(0o755)
    if orders.read_text() == LOST:  # root may write anywhere
        assert done.returncode == 2
        assert "cannot be written" in done.stderr


def test_what_could_not_be_written_is_still_reported(lint: Lint, orders: Path) -> None:
    other = orders.with_name("users.py")
    other.write_text(LOST)
    orders.chmod(0o444)
    done = lint("check", "--fix")
    if orders.read_text() == LOST:  # root may write anywhere
        assert done.returncode == 2
        assert done.stderr == "asyncsqla-lint: warning: app/orders.py: may not be written; not fixed\n"
        assert done.stdout.startswith("app/orders.py:5:5: ASQ401")
        assert done.stdout.endswith(
            "Found 2 errors (1 fixed, 1 remaining).\n[*] 1 fixable with the `--fix` option.\n"
        )
    assert other.read_text() == MENDED


def test_unused_suppressions_go(lint: Lint, orders: Path) -> None:
    orders.write_text(MENDED.replace("commit()", "commit()  # noqa: E501, ASQ401"))
    assert lint("check", "--fix").returncode == 0
    assert orders.read_text() == MENDED.replace("commit()", "commit()  # noqa: E501")
    orders.write_text(MENDED.replace("commit()", "commit()  # noqa: ASQ401 a reason"))
    assert lint("check", "--fix").returncode == 0
    assert orders.read_text() == MENDED


# --- files that are not Python -----------------------------------------------------------------------

NEWER = '[project]\ndependencies = [\n    "sqlalchemy>=2.1",  # for its typing\n]\n'


def test_a_requirement_is_mended_in_its_own_file(lint: Lint, orders: Path, project: Path) -> None:
    file = project / "app" / "pyproject.toml"
    file.write_text(NEWER)
    orders.write_text(MENDED)
    shown = lint("check", "--preview", "--diff")
    assert shown.returncode == 1
    assert '-    "sqlalchemy>=2.1",  # for its typing\n+    "sqlalchemy[asyncio]>=2.1",  # f' in shown.stdout
    assert file.read_text() == NEWER
    done = lint("check", "--preview", "--fix")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Found 1 error (1 fixed, 0 remaining).\n"
    assert file.read_text() == NEWER.replace("sqlalchemy", "sqlalchemy[asyncio]")
    assert lint("check", "--preview", "--diff").returncode == 0


def test_a_lock_file_has_to_follow(lint: Lint, orders: Path, project: Path) -> None:
    (project / "app" / "pyproject.toml").write_text(NEWER)
    (project / "uv.lock").write_text('[[package]]\nname = "sqlalchemy"\nversion = "2.1.3"\n')
    orders.write_text(MENDED)
    assert "(1 with the `--unsafe-fixes` option)" in lint("check", "--preview", "--fix").stdout
    done = lint("check", "--preview", "--fix", "--unsafe-fixes")
    assert (done.returncode, done.stderr) == (0, "Left to do: run `uv lock`.\n")
