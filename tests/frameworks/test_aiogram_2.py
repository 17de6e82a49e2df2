"""aiogram 2, which no environment of the fixtures has: its bot was a mapping. Under 2.25 both reads raise."""

from __future__ import annotations

from pathlib import Path

import asyncsqla_lint

PROGRAM = """\
from aiogram import Bot, types
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Ferry(Base):
    __tablename__ = "ferries"
    id: Mapped[int] = mapped_column(primary_key=True)
    crossings: Mapped[list["Crossing"]] = relationship()


class Crossing(Base):
    __tablename__ = "crossings"
    id: Mapped[int] = mapped_column(primary_key=True)
    ferry_id: Mapped[int] = mapped_column(ForeignKey("ferries.id"))


async def told(message: types.Message) -> int:
    async with message.bot.get("sessions")() as session:
        ferry = await session.scalar(select(Ferry))
        return len(ferry.crossings)


async def asked(call: types.CallbackQuery) -> int:
    async with call.bot["sessions"]() as session:
        ferry = await session.scalar(select(Ferry))
        return len(ferry.crossings)


async def other(call: types.CallbackQuery) -> int:
    async with call.bot["others"]() as session:
        return len((await session.scalar(select(Ferry))).crossings)


async def main() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    bot = Bot("42:ferries")
    bot["sessions"] = async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()
"""


def test_what_a_bot_keeps_its_handlers_find(tmp_path: Path) -> None:
    (tmp_path / "ferries.py").write_text(PROGRAM)
    found = [(one.code, one.location.row) for one in asyncsqla_lint.check([tmp_path])]
    assert found == [("ASQ301", 26), ("ASQ301", 32)]
