"""`python -m asyncsqla_lint`, and the console script."""

from __future__ import annotations

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


if __name__ == "__main__":
    main()
