"""From findings with fixes to files that are mended: pass after pass, until nothing changes."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.findings import Finding, Repair
from asyncsqla_lint.fixes.plan import NOTHING, Pass, Planner, Refusal
from asyncsqla_lint.fixes.tree import Refused
from asyncsqla_lint.fixes.writing import WriteError, must_be_writable, write
from asyncsqla_lint.stretches import LINE_END
from asyncsqla_lint.workspace.decoding import DecodeError, decode, encode, encoding_of

MOST_PASSES = 10
DOTTED = re.compile(r"[\w.]*")
# A factory that expires nothing on commit, a base with `awaitable_attrs`: many other findings go with these.
ROOTS = frozenset({"ASQ304", "ASQ309"})


class Checked(Protocol):
    """What a run found, and the bytes of the files in which it did."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...

    @property
    def sources(self) -> Mapping[str, bytes]: ...


class Check(Protocol):
    """Runs again over changed contents, given by absolute path."""

    def __call__(self, contents: Mapping[str, bytes]) -> Checked: ...


class FileChange(Struct, frozen=True):
    path: str
    before: bytes
    after: bytes


class Outcome(Struct, frozen=True):
    """What fixing came to. Nothing is written yet."""

    changes: tuple[FileChange, ...]
    made: tuple[Finding, ...]
    refused: tuple[Refusal, ...]  # of the last pass
    unsettled: tuple[Finding, ...]  # still there though their fix was made, or after the last pass
    left: Checked  # what a run finds in the changed files


class Saved(Struct, frozen=True):
    """What has come of an Outcome on the disk."""

    made: tuple[Finding, ...]
    failures: tuple[str, ...]  # why a file was not written, a line each


def fix(first: Checked, check: Check, *, unsafe: bool, overlay: Mapping[str, bytes] | None = None) -> Outcome:
    """Mend what can be mended, pass after pass."""
    mending = _Mending(unsafe, overlay or {})
    checked = first
    for _ in range(MOST_PASSES):
        result = mending.planned(checked, mending.todo(checked))
        if not result.texts:
            break
        mending.make(checked, result)
        checked = check(mending.contents)
    else:
        mending.unsettled = (*mending.unsettled, *mending.todo(checked))
    return mending.outcome(checked)


class _Mending:
    """What has been done so far."""

    def __init__(self, unsafe: bool, overlay: Mapping[str, bytes]) -> None:
        self.unsafe = unsafe
        self.contents = dict(overlay)  # by absolute path
        self.originals: dict[str, bytes] = {}
        self.paths: dict[str, str] = {}
        self.made: list[Finding] = []
        self.tries: Counter[object] = Counter()
        self.allowed: Counter[object] = Counter()
        self.refused: tuple[Refusal, ...] = ()
        self.unsettled: tuple[Finding, ...] = ()

    def todo(self, checked: Checked) -> list[Finding]:
        """What is to be mended, and has not been tried as often as it was found at first."""
        wanted = [one for one in checked.findings if self._is_wanted(one)]
        identity_of = _Identities(checked.sources)
        for identity, count in Counter(map(identity_of, wanted)).items():
            if identity not in self.tries:
                self.allowed[identity] = max(self.allowed[identity], count)
        fresh: list[Finding] = []
        tried: list[Finding] = []
        for one in wanted:
            identity = identity_of(one)
            (fresh if self.tries[identity] < self.allowed[identity] else tried).append(one)
        self.unsettled = tuple(tried)
        return fresh

    def planned(self, checked: Checked, todo: Sequence[Finding]) -> Pass:
        texts = _Texts(checked.sources)
        # What mends others at their root comes alone: they may need no fix any more.
        roots = [one for one in todo if one.code in ROOTS]
        result = Planner(texts.read, roots).plan() if roots else NOTHING
        if not result.texts and len(roots) < len(todo):
            rest = Planner(texts.read, [one for one in todo if one.code not in ROOTS]).plan()
            result = replace(rest, refused=(*result.refused, *rest.refused))
        self.refused = result.refused
        return result

    def make(self, checked: Checked, result: Pass) -> None:
        self.made += result.made
        self.tries.update(map(_Identities(checked.sources), result.made))
        for path, text in result.texts.items():
            full = os.path.abspath(path)
            before = checked.sources[path]
            self.originals.setdefault(full, before)
            self.paths.setdefault(full, path)
            self.contents[full] = encode(text, encoding_of(before))

    def outcome(self, checked: Checked) -> Outcome:
        changes = tuple(
            FileChange(self.paths[full], before, self.contents[full])
            for full, before in sorted(self.originals.items())
            if self.contents[full] != before
        )
        return Outcome(changes, tuple(self.made), self.refused, self.unsettled, checked)

    def _is_wanted(self, finding: Finding) -> bool:
        return finding.fix is not None and (self.unsafe or finding.fix.applicability == "safe")


class _Texts:
    def __init__(self, data: Mapping[str, bytes]) -> None:
        self.data = data

    def read(self, path: str) -> str:
        if path not in self.data:
            raise Refused(f"{path} was not read")
        try:
            return decode(self.data[path])
        except DecodeError as error:
            raise Refused(f"{path}: {error.message}") from None


class _Identities:
    """What is the same of a finding and its fix before and after edits, of what is mended too: instead of a
    place, the word that stands there (`select`, `session.get`).
    """

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._texts = _Texts(sources)
        self._lines: dict[str, list[str]] = {}

    def __call__(self, finding: Finding) -> object:
        assert finding.fix is not None
        repairs = tuple(
            (one.codemod, one.path, self._word(one), repr(sorted(one.arguments.items())))
            for one in finding.fix.repairs
        )
        return finding.code, finding.path, finding.fingerprint, repairs

    def _word(self, repair: Repair) -> str:
        if repair.path not in self._lines:
            try:
                self._lines[repair.path] = LINE_END.split(self._texts.read(repair.path))
            except Refused:
                self._lines[repair.path] = []
        lines, row = self._lines[repair.path], repair.location.row
        found = DOTTED.match(lines[row - 1], repair.location.column - 1) if row <= len(lines) else None
        return "" if found is None else found[0]


def save(outcome: Outcome) -> Saved:
    """Write the files. What is mended in several of them is written in all or in none."""
    failures: dict[str, str] = {}  # by absolute path
    for change in outcome.changes:
        try:
            must_be_writable(change.path, change.before)
        except WriteError as error:
            failures[os.path.abspath(change.path)] = str(error)
    _spread(failures, outcome)
    for change in outcome.changes:
        if os.path.abspath(change.path) not in failures:
            try:
                write(change.path, change.before, change.after)
            except WriteError as error:
                failures[os.path.abspath(change.path)] = str(error)
    made = tuple(one for one in outcome.made if not _paths(one) & failures.keys())
    return Saved(made, tuple(failures.values()))


def _spread(failures: dict[str, str], outcome: Outcome) -> None:
    """Over the files that have part in a fix with one that cannot be written."""
    shown = {os.path.abspath(change.path): change.path for change in outcome.changes}
    known = -1
    while failures and known < len(failures):
        known = len(failures)
        for paths in map(_paths, outcome.made):
            if paths & failures.keys():
                for path in sorted(paths & shown.keys() - failures.keys()):
                    first = shown.get(min(paths & failures.keys()), "")
                    failures[path] = f"{shown[path]}: goes with {first}; not fixed"


def _paths(finding: Finding) -> set[str]:
    return set() if finding.fix is None else {os.path.abspath(path) for path in finding.fix.paths}
