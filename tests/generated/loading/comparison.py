"""Holds what the linter says of a program against what SQLAlchemy does with it.

A program is run and linted; then the lines that raised are taken out, and it is run and linted again, until
nothing raises any more. A read that raises in every world has to be reported; what is reported has to raise
in one. Where nine worlds and the linter differ, more worlds are asked, and what the garbage collector has to
say: it decides what a session still holds of rows that refer to one another. What is reported behind a
handler may raise where a commit fails.
"""

from __future__ import annotations

import functools
import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from asyncsqla_lint.project.index import Index, Module
from asyncsqla_lint.rules.engine import analyse
from asyncsqla_lint.syntax import lower
from asyncsqla_lint.workspace.config import Config
from generated.loading.programs import Node, Program, Rendered
from generated.loading.schemas import FURTHER, RARE, is_backwards, is_loose

WORKER = Path(__file__).with_name("worker.py")
ROUNDS = 40
MOST_COMMITS = 6
# What may be reported where that is raised.
CODES = {
    "MissingGreenlet": {"ASQ301", "ASQ302", "ASQ305", "ASQ306", "ASQ311"},
    "DetachedInstanceError": {"ASQ302", "ASQ303"},
    "InvalidRequestError": {"ASQ301", "ASQ305", "ASQ311"},
}
ENDLESS = "Endless"
CLOSED = "Closed"  # what would have raised `MissingGreenlet` in a block whose transaction is not over
IGNORED = (
    "ASQ310"  # said of the `get` whose options do nothing; the read that then fails is not reported again
)
READS = {code for codes in CODES.values() for code in codes}


class Release:
    """A worker process under one release of SQLAlchemy."""

    def __init__(self, python: str) -> None:
        self.process = subprocess.Popen(
            [python, "-B", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(
        self, program: Program, main: str, worlds: range, *, collects: bool = False, fails: int = 0
    ) -> list[Run]:
        """`collects`: between any two lines the garbage collector takes what nobody refers to.

        `fails`: the commit that fails, the first, the second, and so on.
        """
        request = {
            "models": program.models,
            "main": main,
            "flags": program.flags,
            "rows": [program.rows(world) for world in worlds],
            "backwards": [is_backwards(world) for world in worlds],
            "collects": collects,
            "fails": fails,
        }
        source, sink = self.process.stdout, self.process.stdin
        assert source is not None and sink is not None
        print(json.dumps(request), file=sink, flush=True)
        line = source.readline()
        if not line:
            raise RuntimeError(f"the worker has ended in\n{program.models}\n{main}")
        answer = json.loads(line)
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return [
            Run(
                worlds[one["world"]],
                tuple(one["flags"]),
                one["line"],
                one["kind"],
                one["error"],
                frozenset(one["executed"]) - {one["line"]},
            )
            for one in answer["runs"]
        ]

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@dataclass(frozen=True)
class Run:
    world: int
    flags: tuple[bool, ...]
    line: int
    kind: str
    error: str
    executed: frozenset[int]  # without the line that raised


@dataclass
class Disagreement:
    what: str  # "missed", "false", "wrong code"
    line: int
    detail: str
    rendered: Rendered
    models: str
    without: frozenset[Node]  # what had been taken out

    def __str__(self) -> str:
        lines = self.rendered.text.splitlines()
        start = next(n for n, line in enumerate(lines) if line.startswith("engine ="))
        shown = [
            f"{n:4}{'>' if n == self.line else ' '} {line}" for n, line in enumerate(lines, 1) if n > start
        ]
        return "\n".join([f"{self.what} at line {self.line}: {self.detail}", self.models, *shown])


@dataclass
class Tally:
    programs: int = 0
    runs: int = 0
    raised: int = 0  # reads that raised, and were reported
    spoilt: int = 0  # lines that failed in ways of their own
    by_data: int = 0  # reads that raise in one world and not in another
    kinds: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@functools.lru_cache(400)
def lint(models: str, main: str) -> dict[int, set[str]]:
    modules = [
        Module("main", "main.py", False, lower(main)),
        Module("models", "models.py", False, lower(models)),
    ]
    found: dict[int, set[str]] = defaultdict(set)
    for finding in analyse(Index(modules), ["main", "models"], Config()).findings:
        if finding.path == "main.py" and finding.code in {*READS, IGNORED}:
            found[finding.location.row].add(finding.code)
    return found


def compare(
    program: Program, release: Release, tally: Tally, without: Iterable[Node] = ()
) -> Disagreement | None:
    """`without`: lines that are taken out from the start."""
    without = set(without)
    tally.programs += 1
    for _ in range(ROUNDS):
        rendered = program.render(without)

        def disagreement(
            what: str,
            line: int,
            detail: str,
            rendered: Rendered = rendered,
            taken: frozenset[Node] = frozenset(without),
        ) -> Disagreement:
            return Disagreement(what, line, detail, rendered, program.models, taken)

        runs = release.run(program, rendered.text, program.worlds)
        tally.runs += len(runs)
        # SQLAlchemy follows some eager loads around a circle of rows for ever: such a query is taken out too.
        spoilt = {run.line for run in runs if run.line and run.kind not in CODES}
        if spoilt:
            if not spoilt <= set(rendered.nodes):
                raise RuntimeError(f"a program fails outside of its lines: {runs}\n{rendered.text}")
            without |= {rendered.nodes[line] for line in spoilt}
            tally.spoilt += len(spoilt)
            continue
        reported = lint(program.models, rendered.text)
        has_ignored = any(IGNORED in codes for codes in reported.values())
        reported = {line: codes & READS for line, codes in reported.items() if codes & READS}
        raising = {run.line for run in runs if run.line}
        if not raising:
            executed = frozenset().union(*(run.executed for run in runs))
            unheard = {line for line in reported if line in executed or line not in rendered.nodes}
            if not unheard:
                return None
            runs = _further(program, release, rendered)
            if unheard - {run.line for run in runs if run.kind in CODES}:
                runs += _where_commits_fail(program, release, rendered)
            runs = [run for run in runs if run.kind in CODES or run.kind == CLOSED]
            raising = unheard & {run.line for run in runs}
            for worlds in () if raising else RARE:
                rare = release.run(program, rendered.text, worlds)
                raising = unheard & {run.line for run in rare if run.kind in CODES}
                if raising:
                    runs += rare
                    break
            if not raising:  # else those come first: what they have hidden is seen when they are taken out
                line = min(unheard)
                return disagreement("false", line, ", ".join(sorted(reported[line])))
        verdicts = {line: _judge(line, rendered.nodes[line], runs) for line in sorted(raising)}
        for line, verdict in verdicts.items():
            errors = [run for run in runs if run.line == line]
            if line not in reported:
                # What was said before may stand for it; when that is taken out, it has to be said itself.
                if verdict == "certain" and not raising & set(reported) and not has_ignored:
                    verdicts[line] = _judged_further(program, release, rendered, line, runs)
                    if verdicts[line] == "certain" and (
                        said := _said_before(program, release, rendered, without, line, set(reported))
                    ):
                        without |= said
                        break
                    if verdicts[line] == "certain":
                        return disagreement("missed", line, errors[0].error.splitlines()[0])
            elif not _fits(errors, reported[line]) and not _fits(
                [run for run in _further(program, release, rendered) if run.line == line], reported[line]
            ):
                detail = f"{errors[0].error} but {sorted(reported[line])}"
                return disagreement("wrong code", line, detail)
        else:
            settled = {line for line, verdict in verdicts.items() if verdict == "by data" or line in reported}
            for line in settled & set(reported):
                tally.raised += 1
                tally.kinds[next(run.kind for run in runs if run.line == line)] += 1
            tally.by_data += len(settled - set(reported))
            without |= {rendered.nodes[line] for line in settled or raising}
    raise RuntimeError(f"no end of raising lines in\n{program.render(without).text}")


def _said_before(
    program: Program,
    release: Release,
    rendered: Rendered,
    without: set[Node],
    line: int,
    reported: set[int],
) -> set[Node]:
    """A line that is reported leads to the missed one, which raises first in every world.

    `for book in author.books:  print(book.notes)`: the next author's books are not there. That this is so is
    seen where the missed line is taken out; as nothing is known of what comes from a read that fails, the
    missed line has to be said only when the one before has been mended.
    """
    missed = rendered.nodes[line]
    leading = {
        rendered.nodes[one]
        for one in reported & set(rendered.nodes)
        if missed not in program.render({*without, rendered.nodes[one]}).nodes.values()
    }
    if not leading:
        return set()
    other = program.render({*without, missed})
    runs = [*release.run(program, other.text, program.worlds), *release.run(program, other.text, FURTHER)]
    return leading & {other.nodes[run.line] for run in runs if run.kind in CODES and run.line in other.nodes}


def shrunk(program: Program, release: Release, found: Disagreement) -> Disagreement:
    """The same disagreement, about the same line, with as few others as it takes."""
    node = found.rendered.nodes.get(found.line)
    if node is None:
        return found

    def still(without: frozenset[Node]) -> Disagreement | None:
        try:
            left = compare(program, release, Tally(), without)
        except RuntimeError:
            return None
        is_same = left is not None and left.what == found.what and left.rendered.nodes.get(left.line) is node
        return left if is_same else None

    is_smaller = True
    while is_smaller:
        is_smaller = False
        for one in reversed(program.walk()):
            if one is node or one in found.without or one not in found.rendered.nodes.values():
                continue
            smaller = still(found.without | {one})
            if smaller is not None:
                found, is_smaller = smaller, True
    return found


def _further(program: Program, release: Release, rendered: Rendered) -> list[Run]:
    """In more worlds, and where the garbage collector is always there."""
    return [
        *release.run(program, rendered.text, FURTHER),
        *release.run(program, rendered.text, FURTHER, collects=True),
        *release.run(program, rendered.text, program.worlds, collects=True),
    ]


def _judged_further(
    program: Program, release: Release, rendered: Rendered, line: int, runs: list[Run]
) -> str:
    """In more worlds, for as long as it raises in all of them."""
    found, judged = _further(program, release, rendered), list(runs)
    for worlds in (*RARE, range(0)):
        judged += [run for run in found if run.line == line or line in run.executed]
        verdict = _judge(line, rendered.nodes[line], judged)
        if verdict != "certain":
            return verdict
        found = release.run(program, rendered.text, worlds) if worlds else []
    return "certain"


def _fits(errors: list[Run], codes: set[str]) -> bool:
    """Is one of those reported what was raised, in one world at least?"""
    return any(run.kind == CLOSED or CODES.get(run.kind, set()) & codes for run in errors)


def _where_commits_fail(program: Program, release: Release, rendered: Rendered) -> list[Run]:
    """No world shows it, and who handles an `IntegrityError` expects it."""
    if "IntegrityError" not in rendered.text.partition("engine =")[2] or ".commit()" not in rendered.text:
        return []
    return [
        run
        for number in range(1, MOST_COMMITS + 1)
        for run in release.run(program, rendered.text, program.worlds, fails=number)
    ]


def _judge(line: int, node: Node, runs: list[Run]) -> str:
    """Does the line raise whatever the data ("certain"), only in some worlds ("by
    data"), or is that not seen yet ("")?
    """
    found = "by data"
    for flags in {run.flags for run in runs if run.line == line}:
        counts = node.is_derived or not node.is_to_one
        here = [run for run in runs if run.flags == flags and (counts or not is_loose(run.world))]
        others = [run for run in here if run.line != line]
        if len(others) == len(here) or any(line in run.executed for run in others):
            continue
        if not any(run.line for run in others):
            return "certain"
        found = ""
    return found
