"""What the runner saw of one case, as data. `runner.py` writes these as JSON lines."""

from __future__ import annotations

from msgspec import Struct


class Frame(Struct, frozen=True):
    """One traceback frame that lies in the fixture."""

    path: str
    line: int
    function: str
    mapped: bool  # runs on a mapped instance: a property, __repr__, to_dict of a model


class Raised(Struct, frozen=True):
    """One exception of the chain: itself, `.orig`, `__cause__`, `__context__`, members of a group."""

    names: tuple[str, ...]  # the class and its bases
    message: str
    frames: tuple[Frame, ...]  # outermost first


class Warned(Struct, frozen=True):
    category: str
    message: str
    path: str
    line: int
    origins: tuple[tuple[str, int], ...]  # where a never-awaited coroutine was created


class CaseReport(Struct, frozen=True):
    fixture: str
    case: str
    raised: tuple[Raised, ...]
    check: str | None  # None: there is no check_…; "" : it passed; else what it said
    reached: tuple[tuple[str, int], ...]  # lines of the fixture that ran
    warned: tuple[Warned, ...]
    logged: tuple[str, ...]  # what asyncio and the pool logged as warnings or worse
    stalled: tuple[tuple[str, int], ...]  # lines during which the event loop stood still
    open_connections: int  # of pools, when the event loop ended
    seconds: float


class Batch(Struct, frozen=True):
    sqlalchemy: str
    reports: tuple[CaseReport, ...]

    def report(self, fixture: str, case: str) -> CaseReport | None:
        for report in self.reports:
            if (report.fixture, report.case) == (fixture, case):
                return report
        return None
