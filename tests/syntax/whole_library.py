"""The long form of `test_positions`: every file below the given paths, or of the standard library.

cd tests && python -m syntax.whole_library [PATH…]
"""

from __future__ import annotations

import ast
import sys
import warnings
from pathlib import Path

from asyncsqla_lint.syntax import SyntaxFailure, lower

from . import sources
from .rebuild import expected, rebuilt


def main(paths: list[Path]) -> int:
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(5000)  # `ast.dump` recurses; our own limits are tested elsewhere
    files = [file for path in paths for file in sorted(path.rglob("*.py"))] or sources.standard_library()
    compared = refused = wrong = 0
    for file in files:
        text = sources.read(file)
        if text is None:
            continue
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        try:
            same = rebuilt(lower(text)) == expected(text)
        except SyntaxFailure as failure:
            refused += 1
            print(f"{file}:{failure.row}:{failure.column}: refused: {failure.message}")
            continue
        compared += 1
        if not same:
            wrong += 1
            print(f"{file}: differs")
    print(f"{compared} files compared, {wrong} differ, {refused} refused")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
