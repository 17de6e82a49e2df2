"""A unified diff of what the fixes would do, as `git diff` and `patch` read it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator


def unified(path: str, before: str, after: str) -> Iterator[str]:
    """The pieces of the diff of one file."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for line in difflib.unified_diff(old, new, path, path):
        if line.endswith("\n"):
            yield line
        else:
            yield f"{line}\n"
            if line[:1] in " +-" and not line.startswith(("---", "+++")):
                yield "\\ No newline at end of file\n"
