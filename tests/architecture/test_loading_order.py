"""What import-linter's contracts do not say: how modules load each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import asyncsqla_lint

PACKAGE = Path(asyncsqla_lint.__file__).parent


def sources() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def loaded_with(body: list[ast.stmt]) -> Iterator[str]:
    """What is imported as the module itself is: not in functions, not for the type checker alone."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module is not None:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.dump(statement.test):
            yield from loaded_with(statement.body)
            yield from loaded_with(statement.orelse)


def test_modules_load_in_one_order() -> None:
    """Without a circle it does not matter which module is imported first."""
    files = sources()
    graph = {
        name: {other for other in loaded_with(ast.parse(path.read_text("utf-8")).body) if other in files}
        for name, path in files.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" → ".join(error.args[1])) from None


def test_the_package_itself_imports_nothing_of_the_linter() -> None:
    code = (
        "import sys, asyncsqla_lint\n"
        "print(*sorted(n for n in sys.modules if n.startswith('asyncsqla_lint.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["asyncsqla_lint.about"], done.stderr
