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

from generated.loading.comparison import Release, Tally, compare, shrunk
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
    running = {name: Release(str(python_for(name))) for name in releases()}
    tallies = {name: Tally() for name in running}
    disagreements, longest, since = 0, 0, 0
    started = time.perf_counter()
    for seed in range(first, first + count):
        agreed = True
        for name, release in running.items():
            program = draw_program(Random(seed))
            found = compare(program, release, tallies[name])
            if found is None:
                continue
            disagreements += 1
            print(f"--- seed {seed}, SQLAlchemy {name}: ", end="", flush=True)
            print(f"{shrunk(program, release, found) if agreed else found.what}\n", flush=True)
            agreed = False
        since = since + 1 if agreed else 0
        longest = max(longest, since)
    for name, release in running.items():
        release.close()
        tally = tallies[name]
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(tally.kinds.items()))
        print(
            f"SQLAlchemy {name}: {tally.programs} programs, {tally.runs} runs, {tally.raised} reads raised "
            f"and were reported ({kinds}), {tally.by_data} by data"
        )
    print(
        f"{disagreements} disagreements; {longest} programs in a row without one; "
        f"{time.perf_counter() - started:.0f} s"
    )
    return 1 if disagreements else 0


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    sys.exit(main(*(given + [2000, 0][len(given) :])))
