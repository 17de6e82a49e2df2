"""In whose hands a coroutine ends: every way of passing one on that is not a loss, and those that are."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.syntax import lower
from asyncsqla_lint.workspace.config import Config

HEAD = """
import asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from elsewhere import consume, register

QUERY = text("select 1")
kept = []

"""


def reported(
    body: str, header: str = "async def work(session: AsyncSession, sink, flag: bool):"
) -> list[str]:
    source = f"{HEAD}{header}\n{indent(dedent(body), '    ')}\n"
    index = Index([Module("program", "program.py", False, lower(source))])
    return [one.code for one in analyse(index, ["program"], Config()).findings if one.code.startswith("ASQ4")]


@pytest.mark.parametrize(
    "body",
    [
        "await session.commit()",
        "coroutine = session.commit()\nawait coroutine",
        "return session.scalar(QUERY)",
        "await consume(session.scalar(QUERY))",
        "consume(session.scalar(QUERY))",
        "sink.append(session.scalar(QUERY))",
        "sink.later = session.scalar(QUERY)",
        "sink['later'] = session.scalar(QUERY)",
        "kept.append(session.scalar(QUERY))",
        "register({'later': session.scalar(QUERY)})",
        "steps = [session.scalar(QUERY) for _ in range(2)]\nfor step in steps:\n    await step",
        "steps = [session.scalar(QUERY)]\nawait asyncio.gather(*steps)",
        "coroutine = session.scalar(QUERY)\nif flag:\n    return None\nawait coroutine",
        "coroutine = session.scalar(QUERY) if flag else None\nif coroutine is not None:\n    await coroutine",
        "commit = session.commit\nawait commit()",
        "task = asyncio.create_task(session.commit())\nawait task",
        "async with asyncio.TaskGroup() as group:\n    group.create_task(session.commit())",
        "later = lambda: session.commit()\nawait later()",
        "coroutine = session.commit()\ncoroutine.close()",
    ],
)
def test_passed_on(body: str) -> None:
    assert reported(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "session.commit()",
        "coroutine = session.commit()",
        "if flag:\n    session.commit()",
        "steps = [session.scalar(QUERY)]\nprint(len(steps))",
        "return session.scalar(QUERY) is None",
        "return f'{session.scalar(QUERY)}'",
        "found = session.scalars(QUERY)\nreturn found.all()",
        "for row in session.scalars(QUERY):\n    print(row)",
        "try:\n    await session.commit()\nexcept ValueError:\n    session.rollback()\n    raise",
    ],
)
def test_lost(body: str) -> None:
    assert reported(body) == ["ASQ401"]


def test_a_generator_hands_it_to_its_consumer() -> None:
    assert reported("yield session.scalar(QUERY)") == []


@pytest.mark.parametrize("chain", ["scalars().all()", "scalar_one().name", "rowcount", "mappings()[0]"])
def test_await_binds_last(chain: str) -> None:
    assert reported(f"return await session.execute(QUERY).{chain}") == ["ASQ403"]
