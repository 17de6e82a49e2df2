"""A task program as Python source; sessions reach the tasks through closures, or as arguments."""

from __future__ import annotations

from generated.tasks.model import SESSIONS, Gather, Group, Join, Own, Start, Step, Task, Use, children

HEAD = """\
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
Session = async_sessionmaker(engine, expire_on_commit=False)
ONE = text("select 1")

"""
NAMES = [f"s{number}" for number in range(SESSIONS)]


def render(program: Task, by_argument: bool) -> str:
    lines: list[str] = []
    if by_argument:
        for task in _inside_out(program):
            lines += _function(task, 0, by_argument)
    opened = [f"        async with Session() as {name}:" for name in NAMES]
    main = ["async def main() -> None:", "    try:"]
    indent = 2
    for line in opened:
        main.append("    " * indent + line.strip())
        indent += 1
    if not by_argument:
        for task in _inside_out(program):
            main += _function(task, indent, by_argument)
    main += _steps(program, indent, by_argument)
    main += ["    finally:", "        await engine.dispose()"]
    return HEAD + "\n".join(lines + main) + "\n"


def opened_at(source: str) -> dict[int, int]:
    """The line on which each shared session is opened."""
    lines = source.splitlines()
    return {
        next(row for row, line in enumerate(lines, 1) if line.endswith(f"Session() as {name}:")): number
        for number, name in enumerate(NAMES)
    }


def _inside_out(task: Task) -> list[Task]:
    found: list[Task] = []
    for step in task.steps:
        for child in children(step):
            found += [*_inside_out(child), child]
    return found


def _function(task: Task, indent: int, by_argument: bool) -> list[str]:
    parameters = ", ".join(f"{name}: AsyncSession" for name in NAMES) if by_argument else ""
    head = "    " * indent + f"async def t{task.number}({parameters}) -> None:"
    return [head, *_steps(task, indent + 1, by_argument), ""]


def _steps(task: Task, indent: int, by_argument: bool) -> list[str]:
    lines: list[str] = []
    for step in task.steps:
        lines += ["    " * indent + line for line in _step(step, by_argument)]
    return lines


def _call(task: Task, by_argument: bool) -> str:
    return f"t{task.number}({', '.join(NAMES) if by_argument else ''})"


def _use(step: Use | Own) -> list[str]:
    if isinstance(step, Use):
        return [f"await {NAMES[step.session]}.execute(ONE)"]
    return ["async with Session() as own:", "    await own.execute(ONE)"]


def _step(step: Step, by_argument: bool) -> list[str]:
    if isinstance(step, (Use, Own)):
        return _use(step)
    if isinstance(step, Start):
        return [f"job{step.task.number} = asyncio.create_task({_call(step.task, by_argument)})"]
    if isinstance(step, Join):
        return [f"await job{step.number}"]
    if isinstance(step, Gather):
        return [f"await asyncio.gather({', '.join(_call(task, by_argument) for task in step.tasks)})"]
    assert isinstance(step, Group)
    lines = ["async with asyncio.TaskGroup() as group:"]
    for part in step.parts:
        if isinstance(part, Task):
            lines.append(f"    group.create_task({_call(part, by_argument)})")
        else:
            lines += [f"    {line}" for line in _use(part)]
    return lines
