"""Findings against verdicts (how many are true) and against histories (how many defects are told)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
from linting import Found, Spot
from records import History, Verdict

Item = TypeVar("Item")


class Judged(msgspec.Struct, frozen=True):
    """A finding with its verdict; "" while nobody has read it."""

    repository: str
    commit: str
    found: Found
    verdict: str


class Told(msgspec.Struct, frozen=True):
    """What the linter said of a history: before the fix, and after it (None: it could not be run)."""

    history: History
    before: bool | None
    after: bool | None


def judge(repository: str, commit: str, found: Iterable[Found], verdicts: Iterable[Verdict]) -> list[Judged]:
    known = {
        (verdict.path, verdict.line, verdict.rule): verdict.verdict
        for verdict in verdicts
        if verdict.repository == repository and verdict.commit == commit
    }
    return [
        Judged(repository, commit, one, known.get((one.spot.path, one.spot.first, one.rule), ""))
        for one in found
    ]


def told_before(history: History, found: Iterable[Found]) -> bool:
    """Said at the place, at another right place, or elsewhere with the place in its trace."""
    own = Spot(history.path, history.line, history.end_line)
    answers = {(place.rule, Spot(place.path, place.line, place.line)) for place in history.also}
    answers.add((history.rule, own))
    return any(
        any(one.rule == rule and _meets(one.spot, spot) for rule, spot in answers)
        or (one.rule in history.rules and any(_meets(spot, own) for spot in one.related))
        for one in found
    )


def told_after(history: History, moved: range, found: Iterable[Found]) -> bool:
    place = Spot(history.path, moved.start, moved.stop - 1)
    return any(
        one.rule in history.rules and any(_meets(spot, place) for spot in (one.spot, *one.related))
        for one in found
    )


def _meets(one: Spot, other: Spot) -> bool:
    return one.path == other.path and one.first <= other.last and other.first <= one.last


def precision_table(judged: Sequence[Judged]) -> list[list[str]]:
    rows = [["rule", "findings", "read", "true", "false", "unsure", "true of those read"]]
    for rule, some in _by(judged, lambda one: one.found.rule):
        rows.append(_precision_row(rule, some))
    rows.append(_precision_row("all", judged))
    return rows


def _precision_row(name: str, judged: Sequence[Judged]) -> list[str]:
    count = Counter(one.verdict for one in judged)
    decided = count["true"] + count["false"]
    share = f"{count['true'] / decided:.0%}" if decided else "–"
    read = decided + count["unsure"]
    numbers = (len(judged), read, count["true"], count["false"], count["unsure"])
    return [name, *map(str, numbers), share]


def recall_table(told: Sequence[Told]) -> list[list[str]]:
    rows = [["cases", "run", "found before", "silent after", "both", "both of those run"]]
    for decidable in ("yes", "partly", "no"):
        some = [one for one in told if one.history.decidable == decidable]
        rows.append(_recall_row(f"decidable: {decidable}", some))
    for rule, others in _by(told, lambda one: one.history.rule):
        rows.append(_recall_row(rule, others))
    rows.append(_recall_row("all", told))
    return rows


def _recall_row(name: str, told: Sequence[Told]) -> list[str]:
    run = [one for one in told if one.before is not None and one.after is not None]
    before = sum(one.before is True for one in run)
    silent = sum(one.after is False for one in run)
    both = sum(one.before is True and one.after is False for one in run)
    share = f"{both / len(run):.0%}" if run else "–"
    return [name, *map(str, (len(run), before, silent, both)), share]


def _by(items: Iterable[Item], key: Callable[[Item], str]) -> list[tuple[str, list[Item]]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return sorted(groups.items())
