"""One handler that swallows a failed flush is one finding, whoever uses the session then."""

from __future__ import annotations

import os
from pathlib import Path

import asyncsqla_lint

SWALLOWED = """\
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, new: object) -> bool:
    session.add(new)
    try:
        await session.flush()
    except IntegrityError:
        return False
    return True
"""
USED = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from saving import save


async def first(session: AsyncSession) -> None:
    await save(session, object())
    await session.scalar(select(1))


async def second(session: AsyncSession) -> None:
    if not await save(session, object()):
        await session.scalar(select(2))
"""


def test_a_failed_flush_that_one_handler_swallows_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "saving.py").write_text(SWALLOWED)
    (tmp_path / "using.py").write_text(USED)
    (tmp_path / "more.py").write_text(USED)
    (found,) = asyncsqla_lint.check([tmp_path])
    assert (os.path.basename(found.path), found.location.row, found.code) == ("more.py", 8, "ASQ207")
    others = [os.path.basename(one.path) for one in found.related if one.message == "here too"]
    assert others == ["more.py", "using.py", "using.py"]


def test_of_one_cause_what_is_asked_for_is_said(tmp_path: Path) -> None:
    (tmp_path / "saving.py").write_text(SWALLOWED)
    (tmp_path / "more.py").write_text(USED)
    (tmp_path / "using.py").write_text(USED)
    (found,) = asyncsqla_lint.check([tmp_path / "using.py"])
    assert os.path.basename(found.path) == "using.py"
