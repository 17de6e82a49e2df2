"""Programs are put together, damaged, fixed, and run: they print what they printed before the damage.

More of them: `python tests/fixes/test_generated_programs.py 500`; another number is the first seed, for 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
import tempfile
import types
import warnings
from collections import Counter
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import pytest
from sqlalchemy.orm import clear_mappers

from fixes.conftest import Linter
from fixes.generated.drawing import draw

IN_CI = range(24)


def printed(text: str) -> str:
    """What the program prints, in a directory of its own."""
    output = io.StringIO()
    module = types.ModuleType("generated_program")  # annotations are looked up in `sys.modules`
    sys.modules[module.__name__] = module
    before = os.getcwd()
    try:
        with (
            tempfile.TemporaryDirectory() as directory,
            contextlib.redirect_stdout(output),
            warnings.catch_warnings(),
        ):
            os.chdir(directory)
            warnings.simplefilter("error", RuntimeWarning)
            exec(compile(text, "program.py", "exec"), vars(module))
            asyncio.run(asyncio.wait_for(module.main(), 20))
    finally:
        os.chdir(before)
        del sys.modules[module.__name__]
        clear_mappers()
    return output.getvalue()


def disagreement(linter: Linter, seed: int, tally: Counter[str]) -> str:
    """What is wrong with the fixes of a program, and the program; nothing if they are right."""
    drawn = draw(Random(seed))
    same, outcome = linter.fixed(drawn.right)
    if same != drawn.right:
        said = [f"{one.code} {one.message}" for one in outcome.made]
        return f"a sound program was changed: {said}\n{drawn.right}"
    expected = printed(drawn.right)
    after, outcome = linter.fixed(drawn.damaged)
    tally.update({finding.code for finding in outcome.made})
    shown = f"{drawn.damaged}\n--- fixed:\n{after}"
    if outcome.unsettled:
        return f"unsettled: {[one.code for one in outcome.unsettled]}\n{shown}"
    left = [f"{one.location.row}: {one.code} {one.message}" for one in outcome.left.findings]
    left += [f"refused: {one.reason}" for one in outcome.refused]
    if left:
        return f"left: {left}\n{shown}"
    try:
        found = printed(after)
    except BaseException as error:
        return f"{type(error).__name__}: {error}\n{shown}"
    if found != expected:
        return f"printed {found!r} for {expected!r}\n{shown}"
    again, second = linter.fixed(after)
    if again != after or second.changes:
        return f"a second run changes it\n{shown}"
    return ""


@pytest.mark.parametrize("seed", IN_CI)
def test_fixed_programs_do_what_they_did_before_the_damage(linter: Linter, seed: int) -> None:
    found = disagreement(linter, seed, Counter())
    assert not found, found


def main(count: int, first: int) -> int:
    tally: Counter[str] = Counter()
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        linter = Linter(os.path.realpath(directory))
        for seed in range(first, first + count):
            found = disagreement(linter, seed, tally)
            if found:
                wrong += 1
                print(f"=== seed {seed}: {found}\n", flush=True)
    print(f"{count} programs, {wrong} wrong; in how many each rule was mended:", flush=True)
    print(", ".join(f"{code} {number}" for code, number in sorted(tally.items())))
    return 1 if wrong else 0


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    sys.exit(main(*(given + [500, 0][len(given) :])))
