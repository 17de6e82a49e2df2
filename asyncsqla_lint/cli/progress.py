"""A line on the terminal for runs that last over a second; nothing for the others, and nothing in pipes."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

_PATIENCE = 1.0


class Progress:
    """Call it with how many files are done, of how many."""

    def __init__(self, *, enabled: bool | None = None) -> None:
        self._enabled = sys.stderr.isatty() if enabled is None else enabled
        self._start = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __call__(self, done: int, total: int) -> None:
        if not self._enabled or time.monotonic() - self._start < _PATIENCE:
            return
        if self._bar is None or self._task is None:
            self._open(total)
        assert self._bar is not None and self._task is not None
        self._bar.update(self._task, completed=done, total=total, refresh=True)

    def _open(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            console=Console(file=sys.stderr),
            transient=True,
            auto_refresh=False,  # by no thread: the processes of the run are forked beside it
        )
        self._bar.start()
        self._task = self._bar.add_task("Checking", total=total)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
