"""Programs of up to four tasks, drawn by chance: "may overlap" is what some interleaving of theirs does.

More of them: `python tests/generated/test_tasks.py 20000`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.syntax import lower
from asyncsqla_lint.workspace.config import Config
from generated.tasks.explorer import overlapping
from generated.tasks.live import observed
from generated.tasks.model import SESSIONS, Gather, Join, Own, Start, Task, Use, has_group, programs
from generated.tasks.source import opened_at, render

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
LIVE = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def linted(source: str) -> set[int]:
    """The sessions that the linter says tasks share."""
    module = Module("program", "program.py", False, lower(source))
    found = [one for one in analyse(Index([module]), ["program"], Config()).findings if one.code == "ASQ201"]
    sessions = opened_at(source)
    opened = {place.location.row for one in found for place in one.related if "opened here" in place.message}
    return {sessions[row] for row in opened}


def agrees(program: Task, by_argument: bool) -> None:
    source = render(program, by_argument)
    assert linted(source) == overlapping(program), source


@QUICK
@given(programs(), st.booleans())
def test_linter_agrees_with_all_interleavings(program: Task, by_argument: bool) -> None:
    agrees(program, by_argument)


@LIVE
@given(programs())
def test_what_sqlalchemy_shows_is_among_the_interleavings(program: Task) -> None:
    if has_group(program) and sys.version_info < (3, 11):
        return  # no TaskGroup
    assert observed(render(program, by_argument=False), SESSIONS) <= overlapping(program)


def test_explorer_knows_a_plain_case_each_way() -> None:
    use, other = Use(0), Use(1)
    both = Task(0, (Gather((Task(1, (use,)), Task(2, (use,)))),))
    apart = Task(0, (Gather((Task(1, (use,)), Task(2, (other,)), Task(3, (Own(),)))),))
    beside = Task(0, (Start(Task(1, (use,))), use, Join(1)))
    after = Task(0, (Start(Task(1, (use,))), Join(1), use))
    assert [overlapping(one) for one in (both, apart, beside, after)] == [{0}, set(), {0}, set()]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    many = settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    many(given(programs(), st.booleans())(agrees))()
    print(f"{count} programs: the linter and all interleavings agree")


if __name__ == "__main__":
    main()
