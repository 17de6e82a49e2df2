"""Programs of queries, options, writes, expiry and reads, drawn by chance: what raises is what is reported.

More of them: `python tests/generated/test_loading.py 2000`; another number is the first seed, for 0.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
from harness.environments import python_for, releases

from generated.loading.comparison import Disagreement, Release, Tally, compare
from generated.loading.statements import draw_program

IN_CI = range(12)


@pytest.fixture(params=releases())
def release(request: pytest.FixtureRequest) -> Iterator[Release]:
    running = Release(str(python_for(request.param)))
    yield running
    running.close()


def test_linter_agrees_with_sqlalchemy(release: Release) -> None:
    for seed in IN_CI:
        found = compare(draw_program(Random(seed)), release, Tally())
        assert found is None, f"seed {seed}: {found}"


def main(count: int, first: int) -> int:
    disagreements: list[tuple[int, str, Disagreement]] = []
    for name in releases():
        release, tally, started = Release(str(python_for(name))), Tally(), time.perf_counter()
        for seed in range(first, first + count):
            found = compare(draw_program(Random(seed)), release, tally)
            if found is not None:
                disagreements.append((seed, name, found))
                print(f"--- seed {seed}, SQLAlchemy {name}: {found}\n", flush=True)
        release.close()
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(tally.kinds.items()))
        print(
            f"SQLAlchemy {name}: {tally.programs} programs, {tally.runs} runs, {tally.raised} reads raised "
            f"and were reported ({kinds}), {tally.by_data} by data; {time.perf_counter() - started:.0f} s",
            flush=True,
        )
    print(f"{len(disagreements)} disagreements")
    return 1 if disagreements else 0


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    sys.exit(main(*(given + [2000, 0][len(given) :])))
