"""Where output goes: standard output or a file, with or without colour, whole or into a closed pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from asyncsqla_lint.about import NAME


class OutputError(Exception):
    """A report that has nowhere to go; one line."""


def wants_color(stream: TextIO) -> bool:
    """NO_COLOR and FORCE_COLOR as the two conventions say; else colour on a capable terminal only."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def write(pieces: Iterable[str], output_file: Path | None) -> None:
    """Write a report as UTF-8. A reader that went away is no error: it has seen what it wanted."""
    if output_file is not None:
        # Rendered whole first: a failure must not leave half a report behind.
        text = "".join(pieces)
        try:
            output_file.parent.mkdir(parents=True, exist_ok=True)
            output_file.write_bytes(text.encode("utf-8", "replace"))
        except OSError as error:
            raise OutputError(f"{output_file}: cannot be written: {error.strerror}") from None
        return
    try:
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence_stdout()


def silence_stdout() -> None:
    """Python flushes at exit, and would complain of the closed pipe once more."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())


def complain(message: str) -> None:
    _say("error", message)


def warn(message: str) -> None:
    _say("warning", message)


def _say(kind: str, message: str) -> None:
    from asyncsqla_lint.report.context import one_line
    from asyncsqla_lint.report.style import Piece, paint

    color = wants_color(sys.stderr)
    word: Piece = (kind, "bold red" if kind == "error" else "bold yellow")
    line = paint([(f"{NAME}: ", ""), word, (f": {one_line(message)}", "")], color)
    encoding = sys.stderr.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), file=sys.stderr)
