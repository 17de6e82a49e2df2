"""ASQ110 in jobs of task queues, which no fixture can run for want of a worker; ASQ101 beside tests."""

from __future__ import annotations

from textwrap import dedent

import pytest

from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.syntax import lower
from asyncsqla_lint.workspace.config import Config

HEAD = """\
import asyncio
from asgiref.sync import async_to_sync
from celery import Celery, shared_task
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

app = Celery("jobs")
engine = create_async_engine("postgresql+asyncpg://localhost/app")
unpooled = create_async_engine("postgresql+asyncpg://localhost/app", poolclass=NullPool)
sync = create_engine("postgresql+psycopg://localhost/app")
loop = asyncio.new_event_loop()

async def work(target=engine) -> None:
    async with target.connect() as connection:
        await connection.execute(text("select 1"))

async def work_and_dispose() -> None:
    try:
        await work()
    finally:
        await engine.dispose()
"""


def lint(body: str, path: str = "jobs.py") -> list[str]:
    source = HEAD + dedent(body)
    module = Module("jobs", path, False, lower(source))
    lines = source.splitlines()
    findings = analyse(Index([module]), ["jobs"], Config()).findings
    return [
        f"{one.code} {lines[one.location.row - 1].strip()}"
        for one in findings
        if one.code in ("ASQ101", "ASQ110")
    ]


JOBS = [
    "asyncio.run(work())",
    "async_to_sync(work)()",
    "asyncio.new_event_loop().run_until_complete(work())",
]
LEFT_EMPTY = [
    "asyncio.run(work_and_dispose())",
    "asyncio.run(work(unpooled))",
    "loop.run_until_complete(work())",
]


def job(body: str, decorator: str) -> str:
    return f"\n{decorator}\ndef job() -> None:\n    {body}\n"


@pytest.mark.parametrize("decorator", ["@app.task", "@shared_task(bind=False)"])
@pytest.mark.parametrize("body", JOBS)
def test_the_next_call_meets_the_pool_of_the_last(body: str, decorator: str) -> None:
    assert lint(job(body, decorator)) == [f"ASQ110 {body}"]


@pytest.mark.parametrize("body", LEFT_EMPTY)
def test_a_job_that_leaves_no_connection(body: str) -> None:
    assert lint(job(body, "@app.task")) == []


@pytest.mark.parametrize("body", JOBS)
def test_a_command_runs_once(body: str) -> None:
    assert lint(job(body, "@print")) == []


HELPER = """
async def wait_for() -> None:
    with sync.connect() as connection:
        connection.execute(text("select 1"))
"""


def test_helpers_of_tests_hold_up_nobody() -> None:
    assert lint(HELPER) == ["ASQ101 with sync.connect() as connection:"]
    assert lint(HELPER, "tests/test_jobs.py") == []
