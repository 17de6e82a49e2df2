"""The tool's name, version and home.

A constant, since reading the installed distribution's metadata costs more than all else that
`--version` does; a test holds it against the distribution.
"""

from __future__ import annotations

NAME = "asyncsqla-lint"
VERSION = "0.1.0"
# Where rule pages stand (`<here>/rules/<name>`), once they are published.
DOCUMENTATION: str | None = None
