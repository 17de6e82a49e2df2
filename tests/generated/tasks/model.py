"""Task programs: what they do, as data, and the programs that chance draws."""

from __future__ import annotations

from typing import Union

from hypothesis import strategies as st
from msgspec import Struct

MOST_TASKS = 4  # beside the main one
SESSIONS = 2


class Use(Struct, frozen=True):
    """`await session.execute(…)` on one of the sessions that all tasks can see."""

    session: int


class Own(Struct, frozen=True):
    """The same on a session that the task opens for itself."""


class Start(Struct, frozen=True):
    """`task = asyncio.create_task(…)`."""

    task: Task


class Join(Struct, frozen=True):
    """`await task`."""

    number: int


class Gather(Struct, frozen=True):
    tasks: tuple[Task, ...]


class Group(Struct, frozen=True):
    """`async with asyncio.TaskGroup()`: children, and what the body does beside them."""

    parts: tuple[Union[Task, Use, Own], ...]


Step = Union[Use, Own, Start, Join, Gather, Group]


class Task(Struct, frozen=True):
    number: int
    steps: tuple[Step, ...]


def children(step: Step) -> tuple[Task, ...]:
    if isinstance(step, Start):
        return (step.task,)
    if isinstance(step, Gather):
        return step.tasks
    if isinstance(step, Group):
        return tuple(part for part in step.parts if isinstance(part, Task))
    return ()


def tasks_in(task: Task) -> list[Task]:
    found = [task]
    for step in task.steps:
        for child in children(step):
            found.extend(tasks_in(child))
    return found


def has_group(task: Task) -> bool:
    return any(isinstance(step, Group) for one in tasks_in(task) for step in one.steps)


class Drawing:
    """Draws one program; every task that is started by hand is awaited by who started it, sooner or later."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def pick(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    @property
    def room(self) -> int:
        return MOST_TASKS - self.count

    def task(self, depth: int) -> Task:
        number = self.count
        steps: list[Step] = []
        for _ in range(self.pick(1, 3)):
            steps.append(self.step(depth))
        for position, step in reversed(list(enumerate(steps))):
            if isinstance(step, Start):
                steps.insert(self.pick(position + 1, len(steps)), Join(step.task.number))
        return Task(number, tuple(steps))

    def child(self, depth: int) -> Task:
        self.count += 1
        return self.task(depth + 1)

    def use(self) -> Use | Own:
        number = self.pick(0, SESSIONS)
        return Own() if number == SESSIONS else Use(number)

    def step(self, depth: int) -> Step:
        kind = self.pick(0, 5) if self.room and depth < 3 else 0
        if kind == 2:
            return Start(self.child(depth))
        if kind in (3, 4):
            made = [self.child(depth)]
            while self.room and len(made) < self.pick(1, 3):
                made.append(self.child(depth))
            return Gather(tuple(made))
        if kind == 5:
            parts: list[Task | Use | Own] = []
            for _ in range(self.pick(1, 3)):
                parts.append(self.child(depth) if self.room and self.pick(0, 1) else self.use())
            return Group(tuple(parts))
        return self.use()


@st.composite
def programs(draw: st.DrawFn) -> Task:
    return Drawing(draw).task(0)
