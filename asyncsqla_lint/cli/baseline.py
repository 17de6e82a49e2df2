"""`--baseline FILE`: findings that it knows are not reported, so that a team can start clean.

An entry is a finding's fingerprint, which outlives edits elsewhere in the file, with how often it occurs.
The file is sorted and one entry a line, since it is kept under version control and merged.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from asyncsqla_lint.findings import INTERNAL_ERROR, SYNTAX_ERROR, Finding, fingerprint

# What could not be checked may not be frozen: it would hide all that stands there.
_NEVER = (SYNTAX_ERROR, INTERNAL_ERROR)


class BaselineError(Exception):
    """A baseline that cannot be used; one line."""


class Entry(Struct, frozen=True, order=True):
    path: str
    code: str
    fingerprint: str
    count: int


class Document(Struct, frozen=True):
    version: int
    findings: tuple[Entry, ...]


class Baseline(Struct, frozen=True):
    known: dict[str, int]

    @classmethod
    def read(cls, file: Path) -> Baseline:
        try:
            document = msgspec.json.decode(file.read_bytes(), type=Document)
        except OSError as error:
            raise BaselineError(f"{file}: {error.strerror} (`--write-baseline` makes it)") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BaselineError(f"{file}: not a baseline: {error}") from None
        if document.version != 1:
            raise BaselineError(f"{file}: written by another version of asyncsqla-lint")
        known: Counter[str] = Counter()
        for entry in document.findings:
            known[entry.fingerprint] += entry.count
        return cls(dict(known))

    def new(self, findings: Sequence[Finding], directory: Path) -> tuple[Finding, ...]:
        """The findings that the baseline does not know; of twins, the first ones are the known ones."""
        left = dict(self.known)
        new = []
        for finding in findings:
            key = _key(finding, directory)
            if finding.code not in _NEVER and left.get(key, 0) > 0:
                left[key] -= 1
            else:
                new.append(finding)
        return tuple(new)


def write_baseline(findings: Sequence[Finding], file: Path) -> int:
    """Freeze the findings; returns how many."""
    directory = file.parent
    kept = [finding for finding in findings if finding.code not in _NEVER]
    counts = Counter((_relative(f.path, directory), f.code, _key(f, directory)) for f in kept)
    entries = sorted(Entry(path, code, key, count) for (path, code, key), count in counts.items())
    lines = ",\n".join(f"    {msgspec.json.encode(entry).decode()}" for entry in entries)
    body = f"[\n{lines}\n  ]" if lines else "[]"
    try:
        file.write_text(f'{{\n  "version": 1,\n  "findings": {body}\n}}\n', encoding="utf-8", newline="\n")
    except OSError as error:
        raise BaselineError(f"{file}: {error.strerror}") from None
    return len(kept)


def _key(finding: Finding, directory: Path) -> str:
    if finding.fingerprint:
        return finding.fingerprint
    return fingerprint(finding.code, _relative(finding.path, directory), "", finding.message)


def _relative(path: str, directory: Path) -> str:
    relative = os.path.relpath(path, directory)
    return os.fsencode(relative).decode("utf-8", "replace").replace(os.sep, "/")
