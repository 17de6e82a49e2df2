"""Comments that silence: `# noqa`, `# asyncsqla-lint: ignore[…]` and their file-level forms."""

from __future__ import annotations

import re
from collections.abc import Sequence

from asyncsqla_lint.program import Suppression

# Most files have none; this decides it at the speed of a substring search.
CANDIDATE = re.compile(r"#[^\n\r]*?(?:noqa|asyncsqla-lint)", re.IGNORECASE)
CODES = r"[A-Z]+[0-9]+(?:(?:[ \t]*,[ \t]*|[ \t]+)[A-Z]+[0-9]+)*"
FORMS = (
    (
        "file",
        re.compile(
            rf"#[ \t]*(?:flake8|ruff|asyncsqla-lint)[ \t]*[:=][ \t]*noqa(?:[ \t]*:[ \t]*({CODES}))?[ \t]*$",
            re.I,
        ),
    ),
    ("file", re.compile(r"#[ \t]*asyncsqla-lint[ \t]*:[ \t]*ignore-file(?:\[([^\]]*)\])?", re.I)),
    ("ignore", re.compile(r"#[ \t]*asyncsqla-lint[ \t]*:[ \t]*ignore(?!-)(?:\[([^\]]*)\])?", re.I)),
    ("noqa", re.compile(rf"#[ \t]*noqa(?:[ \t]*:[ \t]*({CODES}))?", re.I)),
)
Extent = tuple[int, int]


def suppressions(
    text: str, line_starts: Sequence[int], strings: Sequence[Extent], extents: Sequence[Extent]
) -> tuple[Suppression, ...]:
    return ()
