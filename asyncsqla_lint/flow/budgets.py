"""Budgets: how many steps a root may take, and how long without getting anywhere.

A test of a whole application could run for ever. A root goes on while it runs code that it has not run yet,
and meets what the floors above know: sessions, statements, instances. What it would run in circles, or in
code that has nothing to do with them, is run as a root of its own, too. A call that leads there, to a
client that was generated into the project, is left out, and the root goes on behind it. So is a call of the
root's own in which all the rest of its steps were spent: that is a root itself, what stands behind it is not.

A hundred tests that set up the same application learn the same from it. What some roots of a module have run,
the others run for a while; then they leave calls of it out, and nobody knows what these give; then they end.
A path on which something has gone wrong learns more, and leaves nothing out; nor is a call left out that is
given an object from which something has been taken: that the others learn nothing of. And to leave out what
takes hardly a step, a constructor that keeps what it is given, would spare nothing, and lose whose it is.

So what the analysis of a module costs is held by its length: by its roots, and by a share for what it has to
work out for itself of the globals of others.
"""

from __future__ import annotations

from asyncsqla_lint.flow.frames import BudgetExceeded

STEPS_PER_ROOT = 2_500
STEPS_AGAIN = 200  # of these, in what so many roots of the module have run already
STEPS_AGAIN_A_STATEMENT = 2  # or so many, if that is more
ROOTS_ENOUGH = 3
STEPS_LEFT_OUT = 150  # so many more, while functions that would be run again are left out
STEPS_OF_TRIFLE = 8  # a call that has not taken more is never left out
STEPS_BEHIND = 200  # and so many for what stands behind a call that has taken all of them
CALLS_BEHIND = 3  # as often as this
STEPS_SHARED = 1_000  # for a module's top level, and whatever else all roots share
STEPS_OF_MODULE = 40_000  # for all of that which is worked out for the analysis of one module alone
WITHOUT_NEWS = 400  # steps in which nothing is run that the root has not run before
WITHOUT_MEETING = 600  # steps in which nothing is met of which the floors above know


class Known:
    """The statements that the roots of a module have run so far."""

    __slots__ = ("_times", "long", "often")

    def __init__(self) -> None:
        self._times: dict[int, int] = {}
        self.often: set[int] = set()  # by so many roots that the next one learns little from them
        self.long: set[int] = set()  # those with which functions begin that are more than a trifle

    def add(self, statements: set[int]) -> None:
        """A root has run these."""
        times = self._times
        for statement in statements - self.often:
            times[statement] = times.get(statement, 0) + 1
            if times[statement] >= ROOTS_ENOUGH:
                self.often.add(statement)


class Budget:
    """Of what all roots share, and of closed calls, each has its own: only the steps count there."""

    __slots__ = (
        "_again",
        "_behind",
        "_code",
        "_has_met",
        "_known",
        "_met",
        "_new",
        "_was_lost",
        "floor",
        "left",
        "left_again",
    )

    def __init__(self, steps: int, code: Known | None = None) -> None:
        self.left = steps
        self.left_again = STEPS_AGAIN
        self.floor = 0
        self._code = Known() if code is None else code
        self._again = False
        self._behind = CALLS_BEHIND
        self._known: set[int] = set()
        self._met = self._new = steps
        self._has_met = self._was_lost = False

    def is_of(self, statements: int) -> None:
        """Of a root that has so many statements of its own: a long one runs more of what others have run."""
        self.left_again = max(STEPS_AGAIN, STEPS_AGAIN_A_STATEMENT * statements)

    def limit(self, steps: int) -> None:
        """A root that has not begun has no more than these."""
        self.left = self._met = self._new = min(self.left, steps)

    @property
    def met(self) -> int:
        """What was left when something was met last: it tells whether anything has been since."""
        return self._met

    @property
    def run(self) -> set[int]:
        """The statements that have been run."""
        return self._known

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self._again:
            self.left_again -= steps
        if self.left < self.floor or self.left_again < -STEPS_LEFT_OUT:
            raise BudgetExceeded

    def goes_on(self, met: int, is_root: bool) -> bool:
        """After a call in which nothing was met since `met`: has it only gone nowhere for too long? Or is it
        the root itself that wants to see what stands behind it?
        """
        if self._met != met or self.left < 0 or self.left_again < -STEPS_LEFT_OUT:
            return is_root and self._goes_behind()
        if self._was_lost and not self._has_met:
            return False  # a root that has met nothing yet gets one more try
        self._was_lost = True
        self._met = self._new = self.left
        self.floor = max(self.left - min(WITHOUT_MEETING, WITHOUT_NEWS), 0)
        return True

    def _goes_behind(self) -> bool:
        if not self._behind or not self._has_met:
            return False
        self._behind -= 1
        self.left = self._met = self._new = STEPS_BEHIND
        self.left_again = max(self.left_again, 0)
        self.floor = 0
        return True

    def meets(self) -> None:
        """Something happens that is more than Python."""
        self._has_met = True
        self._met = self.left
        self.floor = max(self.left - WITHOUT_MEETING, self._new - WITHOUT_NEWS, 0)

    def runs(self, statement: object) -> None:
        """A statement is run: perhaps for the first time."""
        number = id(statement)
        self._again = number in self._code.often
        if number not in self._known:
            self._known.add(number)
            self._new = self.left
            self.floor = max(self._met - WITHOUT_MEETING, self.left - WITHOUT_NEWS, 0)

    def ends(self, statement: object, left: int) -> None:
        """A call is over whose function begins with that statement, and before which so much was left."""
        if left - self.left > STEPS_OF_TRIFLE:
            self._code.long.add(id(statement))

    def leaves_out(self, statement: object) -> bool:
        """Has enough been run again, and is this what would be?"""
        number = id(statement)
        return self.left_again < 0 and number in self._code.often and number in self._code.long
