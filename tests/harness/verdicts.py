"""Is what happened what the fixture declares? Each function gives the complaints; none is good."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from harness.programs import Fixture, Mark
from harness.reports import Batch, CaseReport, Frame, Raised, Warned

MISSING_GREENLET = "raises=MissingGreenlet"
INVALID_REQUEST = "raises=InvalidRequestError"
DETACHED = "raises=DetachedInstanceError"
NEVER_AWAITED = "warns=RuntimeWarning"

# What a marked line is expected to do when the mark says nothing else; any one of them will do.
USUAL: dict[str, tuple[str, ...]] = {
    "ASQ101": ("blocks-loop",),
    "ASQ102": (INVALID_REQUEST,),
    "ASQ103": (MISSING_GREENLET,),
    "ASQ104": ("raises=ArgumentError", "raises=TypeError"),
    "ASQ105": ("leaks",),
    "ASQ106": ("leaks", "silent"),
    "ASQ107": ("raises=TypeError", "raises=ProgrammingError"),
    "ASQ108": ("raises=NoSuchModuleError",),
    "ASQ109": ("raises=NotImplementedError", INVALID_REQUEST, NEVER_AWAITED),
    "ASQ110": ("raises=RuntimeError",),
    "ASQ111": ("raises=AttributeError",),
    "ASQ112": ("silent",),
    "ASQ113": ("silent",),
    "ASQ201": (INVALID_REQUEST,),
    "ASQ202": (INVALID_REQUEST,),
    "ASQ203": ("leaks",),
    "ASQ204": ("leaks", INVALID_REQUEST),
    "ASQ205": ("silent",),
    "ASQ206": ("loses-write",),
    "ASQ207": ("raises=PendingRollbackError",),
    "ASQ208": (INVALID_REQUEST,),
    "ASQ209": ("silent",),
    "ASQ210": (INVALID_REQUEST, "raises=TypeError"),
    "ASQ211": ("raises=AsyncContextNotStarted", "raises=ArgumentError"),
    "ASQ212": ("silent",),
    "ASQ213": (MISSING_GREENLET,),
    "ASQ301": (MISSING_GREENLET, INVALID_REQUEST),
    "ASQ302": (MISSING_GREENLET, DETACHED),
    "ASQ303": (DETACHED,),
    "ASQ304": ("silent",),
    "ASQ305": (MISSING_GREENLET,),
    "ASQ306": (MISSING_GREENLET,),
    "ASQ307": (INVALID_REQUEST,),
    "ASQ308": (MISSING_GREENLET, DETACHED, INVALID_REQUEST),
    "ASQ309": ("raises=AttributeError",),
    "ASQ310": (MISSING_GREENLET,),
    "ASQ311": (MISSING_GREENLET, INVALID_REQUEST),
    "ASQ312": ("silent",),
    "ASQ313": ("silent",),
    "ASQ401": (NEVER_AWAITED,),
    "ASQ402": ("raises=TypeError",),
    "ASQ403": ("raises=AttributeError",),
    # Python 3.10 says `AttributeError: __enter__` where later ones say TypeError.
    "ASQ404": ("raises=TypeError", "raises=AttributeError"),
    "ASQ405": ("raises=TypeError",),
    "ASQ406": ("raises=AttributeError",),
    "ASQ407": ("raises=TypeError", NEVER_AWAITED),
    "ASQ408": ("raises=ResourceClosedError", INVALID_REQUEST, "silent"),
    "ASQ409": ("raises=ArgumentError", "raises=ObjectNotExecutableError"),
}

# A finding of these stands on the cause (the engine, the call that starts a second task, the ignored option,
# the call or return that serialises) while the failure shows elsewhere: the line must have run, no more.
STANDS_ON_CAUSE = ("ASQ1", "ASQ2", "ASQ308", "ASQ310", "ASQ313")
# Here it stands on an expression which may span lines, and Python names one of them.
STANDS_ON_STATEMENT = ("ASQ4",)

UNCLEAN_WARNINGS = ("RuntimeWarning", "ResourceWarning", "SAWarning")
# SQLAlchemy 2.1 drops this coroutine itself whenever it raises MissingGreenlet, caught or not.
SQLALCHEMYS_OWN = "coroutine 'Connection.cursor' was never awaited"


def judge_case(fixture: Fixture, case: str, release: str, batch: Batch) -> list[str]:
    report = batch.report(fixture.key, case)
    if report is None:
        return ["the case did not run"]
    reached = [mark for mark in fixture.marks_on(release) if (mark.path, mark.line) in report.reached]
    loud = [mark for mark in reached if outcomes(mark) != ("silent",)]
    if fixture.kind == "bad" and not reached and not _marks_elsewhere(fixture, release, report):
        return ["reached no marked line", *_story(report)]
    if len({mark.line for mark in loud}) > 1:
        return [f"ran into several marked lines: {', '.join(map(_name, loud))}", *_story(report)]
    if not loud:
        return _unclean(fixture, report)
    return _judge_mark(fixture, loud[0], report)


def judge_coverage(fixture: Fixture, release: str, batch: Batch) -> list[str]:
    """Every marked line is reached by a case."""
    reports = [batch.report(fixture.key, case) for case in fixture.cases]
    reached = {place for report in reports if report is not None for place in report.reached}
    return [
        f"no case reaches {_name(m)}" for m in fixture.marks_on(release) if (m.path, m.line) not in reached
    ]


def outcomes(mark: Mark) -> tuple[str, ...]:
    if mark.outcome is not None:
        return (mark.outcome,)
    return tuple(outcome for code in mark.codes for outcome in USUAL[code])


def _marks_elsewhere(fixture: Fixture, release: str, report: CaseReport) -> bool:
    """Does the case belong to a mark of another release only? Then here it has to end clean."""
    return any((m.path, m.line) in report.reached and not m.holds_on(release) for m in fixture.marks)


def _judge_mark(fixture: Fixture, mark: Mark, report: CaseReport) -> list[str]:
    wanted = outcomes(mark)
    if any(_happened(outcome, fixture, mark, report) for outcome in wanted):
        tolerates_exception = any(outcome.startswith(("raises", "warns")) for outcome in wanted)
        return [] if tolerates_exception or not report.raised else _story(report)
    return [f"{_name(mark)} did not show {' or '.join(wanted)}", *_story(report)]


def _happened(outcome: str, fixture: Fixture, mark: Mark, report: CaseReport) -> bool:
    what, _, name = outcome.partition("=")
    if what == "raises":
        return _raised(name, mark, report) and _stands_there(fixture, mark, report)
    if what == "warns":
        return any(
            warned.category == name
            and not warned.message.startswith(SQLALCHEMYS_OWN)
            and (mark.codes[0].startswith(("ASQ1", "ASQ2")) or _warned_there(fixture, mark, _places(warned)))
            for warned in report.warned
        )
    if what == "loses-write":
        if report.check is None:
            raise ValueError(f"{fixture.main}: loses-write needs a check_{report.case.removeprefix('case_')}")
        return report.check != ""
    if what == "blocks-loop":
        return (mark.path, mark.line) in report.stalled
    if what == "leaks":
        return report.open_connections > 0 or any(
            warned.category == "ResourceWarning" or "non-checked-in connection" in warned.message
            for warned in report.warned
        )
    if what == "silent":
        return not _unclean(fixture, report)
    raise ValueError(f"{_name(mark)}: unknown outcome {outcome!r}")


def _raised(name: str, mark: Mark, report: CaseReport) -> bool:
    # pydantic and FastAPI keep only the text of what an attribute read raised.
    in_text = "ASQ308" in mark.codes
    return any(name in raised.names or (in_text and name in raised.message) for raised in report.raised)


def _stands_there(fixture: Fixture, mark: Mark, report: CaseReport) -> bool:
    if any(code.startswith(STANDS_ON_CAUSE) for code in mark.codes):
        return True
    frames = [frame for raised in report.raised for frame in _blamed(raised)]
    if any(code.startswith(STANDS_ON_STATEMENT) for code in mark.codes):
        first, last = _statement(fixture, mark)
        return any(frame.path == mark.path and first <= frame.line <= last for frame in frames)
    return any((frame.path, frame.line) == (mark.path, mark.line) for frame in frames)


def _blamed(raised: Raised) -> Iterable[Frame]:
    """The innermost frame; when that runs on a mapped instance, also those that led into the model."""
    for frame in reversed(raised.frames):
        yield frame
        if not frame.mapped:
            return


def _places(warned: Warned) -> tuple[tuple[str, int], ...]:
    # A coroutine made inside `run_sync` has no origin in the fixture: the line that drops it has to do.
    return warned.origins or ((warned.path, warned.line),)


def _warned_there(fixture: Fixture, mark: Mark, origins: tuple[tuple[str, int], ...]) -> bool:
    first, last = _statement(fixture, mark)
    return any(path == mark.path and first <= line <= last for path, line in origins)


def _statement(fixture: Fixture, mark: Mark) -> tuple[int, int]:
    """First and last line of the smallest statement around the mark."""
    text = next(source.text for source in fixture.sources if source.path == mark.path)
    extents = [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and node.lineno <= mark.line <= (node.end_lineno or node.lineno)
    ]
    return min(extents, key=lambda extent: extent[1] - extent[0])


def _unclean(fixture: Fixture, report: CaseReport) -> list[str]:
    complaints = []
    if report.raised:
        complaints.append("raised")
    if any(map(_is_unclean, report.warned)):
        complaints.append("warned")
    if report.logged:
        complaints.append("logged")
    if report.open_connections:
        complaints.append("left connections open")
    if report.check:
        complaints.append("lost its write")
    if report.stalled and fixture.key.startswith("ASQ101/"):
        complaints.append("held up the event loop")
    return [f"should end clean, but {', '.join(complaints)}", *_story(report)] if complaints else []


def _is_unclean(warned: Warned) -> bool:
    return warned.category in UNCLEAN_WARNINGS and not warned.message.startswith(SQLALCHEMYS_OWN)


def _name(mark: Mark) -> str:
    return f"{mark.path}:{mark.line} ({','.join(mark.codes)})"


def _story(report: CaseReport) -> list[str]:
    story = []
    for raised in report.raised:
        where = " < ".join(
            f"{frame.path.rsplit('/', 1)[-1]}:{frame.line}" + ("*" if frame.mapped else "")
            for frame in reversed(raised.frames)
        )
        story.append(f"  raised {raised.names[0]}: {raised.message[:300]} [{where}]")
    story += [
        f"  warned {w.category}: {w.message[:300]} [{w.path}:{w.line}] {w.origins or ''}"
        for w in report.warned
    ]
    story += [f"  logged {line[:300]}" for line in report.logged]
    story += [f"  stood still at {path}:{line}" for path, line in report.stalled]
    if report.open_connections:
        story.append(f"  {report.open_connections} connections open at the end")
    if report.check is not None:
        story.append(f"  check: {report.check or 'passed'}")
    return story
