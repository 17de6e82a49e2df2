"""One pass: which fixes are made together, and what the files are then.

Fixes are taken in the order of their findings. A fix is made whole or not at all, in all its files; where its
edits conflict with those of a fix before it, it waits for the next pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import libcst as cst
from msgspec import Struct
from msgspec.structs import replace

from asyncsqla_lint.findings import FileEdit, Finding, Fix, Repair
from asyncsqla_lint.fixes import registry
from asyncsqla_lint.fixes.codemod import Codemod, File
from asyncsqla_lint.fixes.edits import Changes, Edit, Import, applied, conflict
from asyncsqla_lint.fixes.tree import Refused, is_compiled

Read = Callable[[str], str]  # the text of a file that a repair names
Key = tuple[str, str, object, object]


class Refusal(Struct, frozen=True):
    """A fix that cannot be made, and why."""

    finding: Finding
    reason: str


class Pass(Struct, frozen=True):
    texts: Mapping[str, str]  # path → the text after the pass, of the files that change
    made: tuple[Finding, ...]
    refused: tuple[Refusal, ...]
    waiting: tuple[Finding, ...]


MOST_TREES = 24
NOTHING = Pass({}, (), (), ())


class _Draft(Struct):
    """What has been decided for one file."""

    edits: set[Edit] = set()
    imports: set[Import] = set()
    purposes: dict[str, Changes] = {}
    taken: list[Changes] = []

    def keeps_off(self, changes: Changes) -> bool:
        """Does what was taken in before make these wait?"""
        before = self.purposes.get(changes.purpose, changes) if changes.purpose else changes
        if before != changes:
            return True
        if changes in self.taken:
            return False
        return any(
            conflict(new, old) or _both_indent(new, old) for new in changes.edits for old in self.edits
        )


def _both_indent(new: Edit, old: Edit) -> bool:
    """Two blocks that take the same line in: it would go in by one step instead of two."""
    return new == old and new.start == new.end and not new.text.strip()


class Planner:
    def __init__(
        self, read: Read, findings: Sequence[Finding], files: dict[str, File | Refused] | None = None
    ) -> None:
        self._read = read
        self._files: dict[str, File | Refused] = {} if files is None else files
        self._changes: dict[Key, Changes | Refused] = {}
        self._packages: dict[str, str] = {}
        self._drafts: dict[str, _Draft] = {}
        self._foreign: set[str] = set()  # files that are not Python
        self._findings = findings
        self._merged = _merged_arguments(_fix(finding) for finding in findings)

    def plan(self) -> Pass:
        made: list[Finding] = []
        refused: list[Refusal] = []
        waiting: list[Finding] = []
        texts: dict[str, str] = {}
        broken: set[str] = set()
        halves = self._halves()
        open_in = Counter(path for finding in self._findings for path in _fix(finding).paths)
        for finding in self._findings:
            try:
                fits = self._taken_in(finding, halves)
                (made if fits else waiting).append(finding)
            except Refused as refusal:
                refused.append(Refusal(finding, str(refusal)))
            for path in sorted(_fix(finding).paths):
                open_in[path] -= 1
                if not open_in[path] and path in self._drafts:
                    self._finish(path, texts, broken)
        if broken:
            # A defect of a codemod: nothing that touches such a file is made, in no file.
            reason = "what it makes of the file cannot be parsed"
            bad = [one for one in made if _fix(one).paths & broken]
            good = [one for one in made if one not in bad]
            rest = Planner(self._read, good).plan()
            refused += [Refusal(one, reason) for one in bad]
            return replace(rest, refused=(*refused, *rest.refused), waiting=(*waiting, *rest.waiting))
        return Pass(texts, tuple(made), tuple(refused), tuple(waiting))

    def _taken_in(self, finding: Finding, halves: set[Key]) -> bool:
        """The first of its ways that the source lets be made; if none, the reason is the first's."""
        first: Refused | None = None
        for way in _fix(finding).ways:
            try:
                if any(_place(repair) in halves for repair in way.repairs):
                    raise Refused("another use of the same declaration cannot be mended")
                return self._add(way)
            except Refused as refusal:
                first = first or refusal
        assert first is not None
        raise first

    def _halves(self) -> set[Key]:
        """What only some of those that want it could have; none of them gets it."""
        found: set[Key] = set()
        for fix in map(_fix, self._findings):
            for one in fix.repairs:
                codemod = registry.by_name().get(one.codemod)
                if codemod is not None and codemod.together:
                    try:
                        for repair in fix.repairs:
                            self._changes_of(repair)
                    except Refused:
                        found.add(_place(one))
        return found

    # --- one fix ---------------------------------------------------------------------------------

    def _add(self, fix: Fix) -> bool:
        """Take the fix in, unless it conflicts with what was taken in before. Raises Refused."""
        wanted: list[tuple[str, Changes]] = []
        for repair in fix.repairs:
            wanted.append((repair.path, self._changes_of(repair)))
        if not any(changes.edits for _, changes in wanted):
            raise Refused("there is nothing to change")
        for path, changes in wanted:
            draft = self._drafts.get(path)
            if draft is not None and draft.keeps_off(changes):
                return False
        for path, changes in wanted:
            draft = self._drafts.setdefault(path, _Draft())
            draft.edits.update(changes.edits)
            draft.imports.update(changes.imports)
            draft.taken.append(changes)
            if changes.purpose:
                draft.purposes.setdefault(changes.purpose, changes)
        return True

    def _changes_of(self, repair: Repair) -> Changes:
        codemod = _codemod(repair)
        if not codemod.is_for_python:
            self._foreign.add(repair.path)
        merged = self._merged.get(_place(repair)) if codemod.merges else None
        if merged is not None and merged != repair.arguments:
            try:
                return self._changes_by(codemod, replace(repair, arguments=merged))
            except Refused:
                pass  # another's part may be what cannot be: then each for itself
        return self._changes_by(codemod, repair)

    def _changes_by(self, codemod: Codemod, repair: Repair) -> Changes:
        key = (*_place(repair)[:2], repair.location, tuple(sorted(map(repr, repair.arguments.items()))))
        known = self._changes.get(key)
        if known is None:
            try:
                known = self._asked(codemod, repair)
            except Refused as refusal:
                known = refusal
            except (cst.CSTValidationError, cst.ParserSyntaxError) as error:
                known = Refused(f"LibCST does not take it: {str(error).splitlines()[0]}")
            except Exception as error:
                # A defect of the codemod: the rest goes on, and says where to look.
                known = Refused(f"`{codemod.name}` failed ({type(error).__name__}: {error})")
            self._changes[key] = known
        if isinstance(known, Refused):
            raise known
        return known

    def _asked(self, codemod: Codemod, repair: Repair) -> Changes:
        file = self._file(repair)
        try:
            return codemod.changes(file, repair)
        except cst.ParserSyntaxError:
            if len(file.stretches) == 1:
                raise
        whole = self._files[repair.path] = File(file.text, self._packages[repair.path], whole=True)
        return codemod.changes(whole, repair)

    def _file(self, repair: Repair) -> File:
        package = repair.arguments.get("package", "")
        self._packages.setdefault(repair.path, package if isinstance(package, str) else "")
        return self.file(repair.path)

    def file(self, path: str) -> File:
        """A file that a repair names. A tree is a hundred times its text: few are kept."""
        file = self._files.get(path)
        if file is None:
            try:
                file = File(self._read(path), self._packages[path])
            except (cst.ParserSyntaxError, OSError, UnicodeError) as error:
                file = Refused(f"{path} cannot be read: {str(error).splitlines()[0]}")
            while len(self._files) >= MOST_TREES:
                self._files.pop(next(iter(self._files)))
            self._files[path] = file
        if isinstance(file, Refused):
            raise file
        return file

    # --- all files -------------------------------------------------------------------------------

    def _finish(self, path: str, texts: dict[str, str], broken: set[str]) -> None:
        file = self.file(path)
        try:
            after = _applied(file, self._drafts[path])
        except cst.ParserSyntaxError:
            broken.add(path)
            return
        if after == file.text:
            return
        if path in self._foreign or _is_sound(after, file.text):
            texts[path] = after
        else:
            broken.add(path)


def _is_sound(after: str, before: str) -> bool:
    """Can it be compiled? Where this Python could not compile the text before either: can it be parsed?"""
    if is_compiled(after):
        return True
    if is_compiled(before):
        return False
    try:
        cst.parse_module(after)
    except cst.ParserSyntaxError:
        return False
    return True


def _applied(file: File, draft: _Draft) -> str:
    imports = file.imports.added(draft.imports)
    if not any(conflict(one, other) for one in imports for other in draft.edits):
        return applied(file.text, {*draft.edits, *imports})
    # The imports themselves are being changed: they come second.
    after = File(applied(file.text, draft.edits))
    return applied(after.text, after.imports.added(draft.imports))


class Editor:
    """What the fix of one finding would do, taken alone: for surfaces that show a fix before it is made."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._files: dict[str, File | Refused] = {}

    def edits(self, finding: Finding) -> list[FileEdit]:
        """In the order of the files and places; none when the fix cannot be made."""
        if finding.fix is None:
            return []
        planner = Planner(self._read, [finding], self._files)
        if not planner.plan().made:
            return []
        found: list[FileEdit] = []
        for path, draft in sorted(planner._drafts.items()):
            file = planner.file(path)
            for edit in sorted({*draft.edits, *file.imports.added(draft.imports)}):
                place = file.location(edit.start), file.location(edit.end)
                found.append(FileEdit(path, *place, edit.text))
        return found


def _fix(finding: Finding) -> Fix:
    assert finding.fix is not None
    return finding.fix


# --- repairs ---------------------------------------------------------------------------------------


def _codemod(repair: Repair) -> Codemod:
    codemod = registry.by_name().get(repair.codemod)
    if codemod is None:
        raise Refused(f"there is no codemod `{repair.codemod}`")
    return codemod


def _place(repair: Repair) -> Key:
    return repair.codemod, repair.path, repair.location, repair.end_location


def _merged_arguments(fixes: Iterable[Fix]) -> dict[Key, dict[str, str | list[str] | bool]]:
    """What all fixes want of one place together."""
    merged: dict[Key, dict[str, str | list[str] | bool]] = {}
    for fix in fixes:
        for repair in fix.repairs:
            codemod = registry.by_name().get(repair.codemod)
            if codemod is None or not codemod.merges:
                continue
            known = merged.setdefault(_place(repair), {})
            for key, value in repair.arguments.items():
                before = known.get(key)
                if isinstance(value, list):
                    listed = before if isinstance(before, list) else []
                    known[key] = [*listed, *(one for one in value if one not in listed)]
                elif before is None:
                    known[key] = value
    return merged
