"""Budgets: how many steps a root may take, and how long without getting anywhere.

A test of a whole application could run for ever. A root goes on while it runs code that it has not run yet,
and meets what the floors above know: sessions, statements, instances. What it would run in circles, or in
code that has nothing to do with them, is run as a root of its own, too.
"""

from __future__ import annotations

from asyncsqla_lint.flow.frames import BudgetExceeded

STEPS_PER_ROOT = 2_500
STEPS_SHARED = 1_000  # for a module's top level, and whatever else all roots share
WITHOUT_NEWS = 400  # steps in which nothing is run that the root has not run before
WITHOUT_MEETING = 600  # steps in which nothing is met of which the floors above know


class Budget:
    """Of what all roots share, and of closed calls, each has its own: only the steps count there."""

    __slots__ = ("_known", "_met", "_new", "floor", "left")

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.floor = 0
        self._known: set[int] = set()
        self._met = self._new = steps

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < self.floor:
            raise BudgetExceeded

    def meets(self) -> None:
        """Something happens that is more than Python."""
        self._met = self.left
        self.floor = max(self.left - WITHOUT_MEETING, self._new - WITHOUT_NEWS, 0)

    def runs(self, statement: object) -> None:
        """A statement is run: perhaps for the first time."""
        if id(statement) not in self._known:
            self._known.add(id(statement))
            self._new = self.left
            self.floor = max(self._met - WITHOUT_MEETING, self.left - WITHOUT_NEWS, 0)
