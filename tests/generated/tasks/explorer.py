"""All interleavings of a task program: which sessions can two tasks be using at the same moment?

Tasks switch at an `await` only, as asyncio's do; which of those that are ready goes on, is open.
"""

from __future__ import annotations

from typing import Union

from generated.tasks.model import Gather, Group, Join, Own, Start, Step, Task, Use, tasks_in

# What a task does: ("use", session), ("pause",), ("spawn", task), ("wait", tasks).
Operation = Union[tuple[str], tuple[str, int], tuple[str, tuple[int, ...]]]

NOT_STARTED, DONE = -1, -2
# For each task: the next operation (or one of the above), and the session that it is using (-1: none).
Place = tuple[int, int]
Moment = tuple[Place, ...]


def overlapping(program: Task) -> set[int]:
    codes = {task.number: _operations(task.steps) for task in tasks_in(program)}
    numbers = sorted(codes)
    first: Moment = tuple((0, -1) if number == 0 else (NOT_STARTED, -1) for number in numbers)
    seen: set[Moment] = set()
    found: set[int] = set()
    waiting = [first]
    while waiting:
        moment = waiting.pop()
        if moment in seen:
            continue
        seen.add(moment)
        for task in numbers:
            if _is_ready(codes, moment, task):
                waiting.append(_advance(codes, moment, task, found))
    return found


def _operations(steps: tuple[Step, ...]) -> list[Operation]:
    code: list[Operation] = []
    for step in steps:
        if isinstance(step, Use):
            code.append(("use", step.session))
        elif isinstance(step, Own):
            code.append(("pause",))
        elif isinstance(step, Start):
            code.append(("spawn", step.task.number))
        elif isinstance(step, Join):
            code.append(("wait", (step.number,)))
        elif isinstance(step, Gather):
            numbers = tuple(task.number for task in step.tasks)
            code += [*(("spawn", number) for number in numbers), ("wait", numbers)]
        elif isinstance(step, Group):
            numbers = tuple(part.number for part in step.parts if isinstance(part, Task))
            for part in step.parts:
                if isinstance(part, Task):
                    code.append(("spawn", part.number))
                else:
                    code.append(("use", part.session) if isinstance(part, Use) else ("pause",))
            code.append(("wait", numbers))
    return code


def _is_ready(codes: dict[int, list[Operation]], moment: Moment, task: int) -> bool:
    position, session = moment[task]
    if position < 0:
        return False
    if session != -1 or position >= len(codes[task]):
        return True
    operation = codes[task][position]
    return operation[0] != "wait" or all(moment[other][0] == DONE for other in operation[1])  # type: ignore[misc,union-attr]


def _advance(codes: dict[int, list[Operation]], moment: Moment, task: int, found: set[int]) -> Moment:
    """Run one task to its next `await` that does not return at once."""
    places = list(moment)
    position, session = places[task]
    code = codes[task]
    if session != -1:
        position += 1  # what was awaited is over
    while position < len(code):
        operation = code[position]
        if operation[0] == "use":
            wanted = operation[1]
            assert isinstance(wanted, int)
            if any(used == wanted for other, (_, used) in enumerate(places) if other != task):
                found.add(wanted)
            places[task] = (position, wanted)
            return tuple(places)
        if operation[0] == "pause":
            places[task] = (position, PAUSING)
            return tuple(places)
        if operation[0] == "spawn":
            assert isinstance(operation[1], int)
            places[operation[1]] = (0, -1)
        elif not all(places[other][0] == DONE for other in operation[1]):  # type: ignore[misc,union-attr]
            places[task] = (position, -1)
            return tuple(places)
        position += 1
    places[task] = (DONE, -1)
    return tuple(places)


PAUSING = 99  # a session that nobody else sees
