"""Findings, made one of several, and made readable."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from asyncsqla_lint.findings import Finding, Fix, Location, Related, Repair
from asyncsqla_lint.run.contents import Contents
from asyncsqla_lint.run.keys import path_of
from asyncsqla_lint.workspace.discovery import shown

_MOST_OTHERS = 6  # places that a second way to the same finding adds
_HERE_TOO = "here too"


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """One of each: what the analyses of two modules both found stands once, with the places that either knew.

    Their order decides which message stands.
    """
    found: list[Finding] = []
    numbers: dict[tuple[object, ...], int] = {}
    for finding in findings:
        place = (finding.path, finding.code, finding.location)
        # Of one subject (the fingerprint tells), or in the same words.
        marks = ((*place, 0, finding.fingerprint), (*place, 1, finding.message))
        number = next((numbers[mark] for mark in marks if mark in numbers), len(found))
        if number == len(found):
            found.append(finding)
        else:
            found[number] = _joined(found[number], finding)
        numbers.update((mark, number) for mark in marks if mark not in numbers)
    return found


def _joined(known: Finding, other: Finding) -> Finding:
    places = [place for place in other.related if place not in known.related]
    return msgspec.structs.replace(
        known,
        related=(*known.related, *places[:_MOST_OTHERS]),
        confidence="certain" if "certain" in (known.confidence, other.confidence) else "likely",
        fix=known.fix or other.fix,
    )


def one_per_cause(findings: Iterable[Finding]) -> list[Finding]:
    """Of what has one cause the surest finding stands, nearest to it, and names the others."""
    found: list[Finding] = []
    numbers: dict[tuple[str, str], int] = {}
    for finding in sorted(findings, key=_distance):
        number = (
            numbers.setdefault((finding.code, finding.cause), len(found)) if finding.cause else len(found)
        )
        if number == len(found):
            found.append(finding)
        elif _place(finding) == _place(found[number]):
            found[number] = _joined(found[number], finding)
        else:
            other = Related(finding.path, finding.location, finding.end_location, _HERE_TOO)
            if other not in found[number].related:
                found[number] = msgspec.structs.replace(
                    found[number], related=(*found[number].related, other)
                )
    return found


def _place(finding: Finding) -> tuple[str, Location]:
    return finding.path, finding.location


def _distance(finding: Finding) -> tuple[object, ...]:
    is_elsewhere = not finding.cause.startswith(f"{finding.path}:")
    return finding.confidence != "certain", is_elsewhere, finding.sort_key


class Shown:
    """Inside a run a path is relative to the project's root; a user reads it from the working directory."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._directory = os.getcwd()

    def path(self, key: str) -> str:
        return shown(path_of(key, self._root), self._directory)

    def finding(self, finding: Finding) -> Finding:
        return msgspec.structs.replace(
            finding,
            path=self.path(finding.path),
            related=tuple(self.related(place) for place in finding.related),
            fix=self.fix(finding.fix),
        )

    def fix(self, fix: Fix | None) -> Fix | None:
        if fix is None:
            return None
        repairs = tuple(self.repair(repair) for repair in fix.repairs)
        return msgspec.structs.replace(fix, repairs=repairs, otherwise=self.fix(fix.otherwise))

    def related(self, place: Related) -> Related:
        return msgspec.structs.replace(place, path=self.path(place.path))

    def repair(self, repair: Repair) -> Repair:
        return msgspec.structs.replace(repair, path=self.path(repair.path))


def named_sources(findings: Sequence[Finding], data: Contents) -> dict[str, bytes]:
    """The files that findings and their fixes name. What a fix changes need not be Python."""
    named = {finding.path for finding in findings}
    named |= {place.path for finding in findings for place in finding.related}
    changed = {path for finding in findings if finding.fix is not None for path in finding.fix.paths}
    for path in changed:
        if os.path.abspath(path) not in data:
            with suppress(OSError):
                data.see(os.path.abspath(path))
    absolute = {path: os.path.abspath(path) for path in sorted(named | changed)}
    return {path: data[place] for path, place in absolute.items() if place in data}
