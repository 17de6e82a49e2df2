"""What import-linter cannot see: that every module can be imported first, and what is loaded when."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import asyncsqla_lint

PACKAGE = Path(asyncsqla_lint.__file__).parent
# The generator of the knowledge tables, which looks at the installed SQLAlchemy.
NEEDS_SQLALCHEMY = ("asyncsqla_lint.knowledge.generate", "asyncsqla_lint.knowledge.introspection")

ALONE = """
import importlib, sys
wrong = []
for name in sys.stdin.read().split():
    for loaded in [one for one in sys.modules if one.partition(".")[0] == "asyncsqla_lint"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except Exception as error:
        wrong.append(f"{name}: {type(error).__name__}: {error}")
judged = {"sqlalchemy", "sqlmodel", "fastapi", "pydantic", "aiosqlite"} & set(sys.modules)
print(*wrong, *(f"{name} was imported" for name in sorted(judged)), sep="\\n")
"""


def modules() -> list[str]:
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not name.startswith(NEEDS_SQLALCHEMY):
            names.append(name)
    return names


def python(code: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], input=stdin, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_module_can_be_imported_first() -> None:
    assert python(ALONE, "\n".join(modules())) == ""


def test_the_package_itself_imports_nothing_of_the_linter() -> None:
    code = (
        "import sys, asyncsqla_lint\n"
        "print(*sorted(n for n in sys.modules if n.startswith('asyncsqla_lint.')))"
    )
    assert python(code) == "asyncsqla_lint.about"
