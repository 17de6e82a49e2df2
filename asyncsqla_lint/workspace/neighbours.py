"""What belongs to a file where nothing says where its project ends: its neighbours, and what is imported.

`from app.models import User`, with an `app/models.py` somewhere above, leads there, and from there on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from asyncsqla_lint.workspace.relevance import imports_of

MOST = 2_000  # files that are looked into


def led_to(files: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    asked: set[tuple[str, str]] = set()
    waiting = [each for file in files for each in _python_files(os.path.dirname(file))]
    while waiting and len(found) < MOST:
        file = waiting.pop()
        if file in found:
            continue
        found[file] = None
        for place, module in _imported(file):
            if (place, module) not in asked:
                asked.add((place, module))
                waiting += _along(place, module)
    return sorted(found)


def _imported(file: str) -> Iterator[tuple[str, str]]:
    """Where to begin, and the dotted path from there on."""
    try:
        with open(file, "rb") as opened:
            data = opened.read()
    except OSError:
        return
    for one in imports_of(data):
        modules = [one.module, *(f"{one.module}.{name}".lstrip(".") for name in one.names)]
        start = os.path.dirname(file)
        if one.level:
            for _ in range(one.level - 1):
                start = os.path.dirname(start)
        else:
            above = _above(start, one.module.partition(".")[0])
            if above is None:
                continue
            start = above
        for module in modules:
            yield start, module


def _above(directory: str, name: str) -> str | None:
    """The nearest directory, from this one upwards, that has a module or a package of the name."""
    if name in sys.stdlib_module_names or not name:
        return None
    while True:
        parent = os.path.dirname(directory)
        if parent == directory:
            return None  # the file system's own top is nobody's project
        place = os.path.join(directory, name)
        if os.path.isfile(f"{place}.py") or os.path.isdir(place):
            return directory
        directory = parent


def _along(place: str, module: str) -> Iterator[str]:
    """The packages on the way, and what is at its end."""
    for part in module.split(".") if module else ():
        place = os.path.join(place, part)
        if os.path.isfile(f"{place}.py"):
            yield f"{place}.py"
            return
        if os.path.isfile(os.path.join(place, "__init__.py")):
            yield os.path.join(place, "__init__.py")
        elif not os.path.isdir(place):
            return


def _python_files(directory: str) -> list[str]:
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    return [os.path.join(directory, name) for name in sorted(names) if name.endswith(".py")]
