"""`python tests/harness [-v] [PATHS…]`: run the fixtures there on every release; say what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.environments import releases
from harness.live import run_everywhere
from harness.programs import discover
from harness.verdicts import judge_case, judge_coverage


def main() -> int:
    verbose = "-v" in sys.argv
    fixtures = discover(*(Path(argument) for argument in sys.argv[1:] if argument != "-v"))
    if not fixtures:
        print("no fixture there")
        return 2
    wrong = cases = 0
    for release, batch in run_everywhere(fixtures, releases()).items():
        for fixture in fixtures:
            verdicts = {case: judge_case(fixture, case, release, batch) for case in fixture.cases}
            verdicts["(all cases)"] = judge_coverage(fixture, release, batch)
            cases += len(fixture.cases)
            for case, complaints in verdicts.items():
                report = batch.report(fixture.key, case)
                if complaints:
                    wrong += 1
                    print(f"{batch.sqlalchemy} {fixture.key} {case}", *complaints, sep="\n    ")
                elif verbose and report is not None:
                    raised = report.raised[0].names[0] if report.raised else "no exception"
                    print(
                        f"{batch.sqlalchemy} {fixture.key} {case}: as declared ({raised}, {report.seconds} s)"
                    )
    print(f"{cases} runs, {wrong} complaints")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
