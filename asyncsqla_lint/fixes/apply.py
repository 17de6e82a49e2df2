"""From findings with fixes to files that are mended: pass after pass, until nothing changes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.fixes.plan import NOTHING, Planner, Refusal
from asyncsqla_lint.fixes.tree import Refused
from asyncsqla_lint.fixes.writing import WriteError, write
from asyncsqla_lint.workspace.decoding import DecodeError, decode, encode, encoding_of

MOST_PASSES = 10


class Checked(Protocol):
    """What a run found, and the bytes of the files in which it did."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...

    @property
    def sources(self) -> Mapping[str, bytes]: ...


Check = Callable[[Mapping[str, bytes]], Checked]


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


def fix(first: Checked, check: Check, *, unsafe: bool, overlay: Mapping[str, bytes] | None = None) -> Outcome:
    """Mend what can be mended. `check` runs again over changed contents, given by absolute path."""
    contents = dict(overlay or {})
    originals: dict[str, bytes] = {}
    paths: dict[str, str] = {}
    made: list[Finding] = []
    tries: Counter[object] = Counter()
    allowed: Counter[object] = Counter()
    checked = first
    unsettled: list[Finding] = []
    refused: tuple[Refusal, ...] = ()
    for number in range(MOST_PASSES + 1):
        wanted = [one for one in checked.findings if _is_wanted(one, unsafe)]
        for identity, count in Counter(map(_identity, wanted)).items():
            if identity not in tries:
                allowed[identity] = max(allowed[identity], count)
        again = [one for one in wanted if tries[_identity(one)] >= allowed[_identity(one)]]
        todo = [one for one in wanted if one not in again]
        unsettled = again
        if number == MOST_PASSES:
            unsettled = [*again, *todo]
            break
        texts = _Texts(checked.sources)
        # The safe ones come first, alone: what one of them mends at its root needs no unsafe fix any more.
        gentle = [one for one in todo if one.fix is not None and one.fix.applicability == "safe"]
        result = Planner(texts.read, gentle).plan() if gentle else NOTHING
        if not result.texts and len(gentle) < len(todo):
            rest = Planner(texts.read, [one for one in todo if one not in gentle]).plan()
            result = replace(rest, refused=(*result.refused, *rest.refused))
        refused = result.refused
        if not result.texts:
            break
        made += result.made
        tries.update(map(_identity, result.made))
        for path, text in result.texts.items():
            full = os.path.abspath(path)
            before = texts.data[path]
            originals.setdefault(full, before)
            paths.setdefault(full, path)
            contents[full] = encode(text, encoding_of(before))
        checked = check(contents)
    changes = tuple(
        FileChange(paths[full], before, contents[full])
        for full, before in sorted(originals.items())
        if contents[full] != before
    )
    return Outcome(changes, tuple(made), refused, tuple(unsettled), checked)


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


def _is_wanted(finding: Finding, unsafe: bool) -> bool:
    return finding.fix is not None and (unsafe or finding.fix.applicability == "safe")


def _identity(finding: Finding) -> object:
    """The same before and after edits elsewhere."""
    assert finding.fix is not None
    repairs = tuple(
        (one.codemod, one.path, repr(sorted(one.arguments.items()))) for one in finding.fix.repairs
    )
    return finding.code, finding.path, finding.fingerprint, repairs


def save(changes: Sequence[FileChange]) -> list[str]:
    """Write the files; what could not be written, a line each."""
    failures = []
    for change in changes:
        try:
            write(change.path, change.before, change.after)
        except WriteError as error:
            failures.append(str(error))
    return failures
