"""`python -m asyncsqla_lint`, and the console script."""

from __future__ import annotations

import os
import sys


def main() -> None:
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"], ["version"]):
        # Answered before anything is imported: editors and wrappers ask often.
        from asyncsqla_lint.about import NAME, VERSION

        print(NAME, VERSION)
        return
    from asyncsqla_lint.cli.main import run

    sys.exit(run(arguments))


def leave_directory() -> None:
    """`python -m` looks for modules where it is called: a project's `copy.py` would be run as Python's."""
    here = os.getcwd()
    if sys.path[:1] == [here] and os.path.dirname(os.path.dirname(os.path.abspath(__file__))) != here:
        del sys.path[0]


if __name__ == "__main__":
    leave_directory()
    main()
