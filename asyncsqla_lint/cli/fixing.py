"""`--fix`, `--diff`, `--show-fixes` and `--add-noqa`: what a run found is mended, shown or silenced."""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from asyncsqla_lint.cli.output import warn, write
from asyncsqla_lint.findings import FileEdit, Finding
from asyncsqla_lint.run.cache import Cache
from asyncsqla_lint.run.keys import content_hash, digest
from asyncsqla_lint.run.outcome import CLEAN, FAILED, FOUND, Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.decoding import decode

if TYPE_CHECKING:
    from asyncsqla_lint.fixes.plan import Editor
    from asyncsqla_lint.run.pool import Backend

Known = Callable[[Report], Report]


class Fixing:
    """One run's fixes, from the first findings to the written files.
    `fresh` leaves out what a baseline knows.
    """

    def __init__(
        self,
        paths: Sequence[str],
        config: Config,
        overlay: Mapping[str, bytes],
        cache: Cache,
        backend: Backend | None,
        fresh: Known,
    ) -> None:
        self._paths = paths
        self._config = config
        self._overlay = overlay
        self._fresh = fresh
        self._cache = cache
        self._backend = backend

    def mended(self, report: Report) -> Report:
        """The report as it stands once the fixes are made. Nothing is written."""
        from asyncsqla_lint.fixes import apply  # LibCST: only here

        self._cache.drafts.update((os.path.abspath(path), data) for path, data in report.sources.items())
        self._outcome = apply.fix(
            self._allowed(report), self._check, unsafe=self._config.unsafe_fixes, overlay=self._overlay
        )
        self._made = self._outcome.made
        left = self._outcome.left if self._outcome.changes else report
        assert isinstance(left, Report)
        # What has turned out to have no fix has none.
        refused = {one.finding.sort_key for one in self._outcome.refused}
        return _without_fixes(left, lambda finding: finding.sort_key in refused)

    def _check(self, contents: Mapping[str, bytes]) -> Report:
        # Saved files are read from disk, so that only what changed is handed over.
        overlay = {
            path: data for path, data in contents.items() if path in self._overlay or os.path.exists(path)
        }
        return self._allowed(
            run(self._paths, self._config, overlay=overlay, cache=self._cache, backend=self._backend)
        )

    def _allowed(self, report: Report) -> Report:
        """Without fixes of what a baseline knows, and without those that reach where they must not."""
        fresh = {id(finding) for finding in self._fresh(report).findings}
        return _without_fixes(report, lambda one: id(one) not in fresh or not self._is_within(one))

    def _is_within(self, finding: Finding) -> bool:
        """A fix changes files of this project only; of standard input, nothing but that."""
        assert finding.fix is not None
        paths = {os.path.abspath(path) for path in finding.fix.paths}
        if self._overlay:
            return paths <= set(self._overlay)
        root = self._config.root.rstrip(os.sep) + os.sep
        named = {os.path.abspath(path) for path in self._paths}
        return all(path.startswith(root) or path in named for path in paths)

    # --- what comes of it ------------------------------------------------------------------------

    def show_difference(self) -> int:
        from asyncsqla_lint.fixes.difference import unified

        def pieces() -> Iterator[str]:
            for change in self._outcome.changes:
                yield from unified(change.path, decode(change.before), decode(change.after))

        write(pieces(), None)
        count = self.count
        if count:
            click.echo(f"Would fix {_errors(count)}.", err=True)
            self._say_what_is_left_to_do()
        return FOUND if self._outcome.changes else CLEAN

    def save(self) -> bool:
        """Write the files (standard input: to standard output). Whether all of them could be written."""
        from asyncsqla_lint.fixes import apply

        if self._overlay:
            (given,) = self._overlay.values()
            after = [change.after for change in self._outcome.changes]
            sys.stdout.buffer.write(after[0] if after else given)
            sys.stdout.buffer.flush()
            return True
        saved = apply.save(self._outcome)
        for failure in saved.failures:
            warn(failure)
        for finding in self._outcome.unsettled:
            place = f"{finding.path}:{finding.location.row}"
            warn(f"{place}: the fix of {finding.code} was made and the finding is still there")
        self._made = saved.made
        self._say_what_is_left_to_do()
        return not saved.failures

    def checked_again(self) -> Report:
        """What there is after all, where not every file could be written."""
        return self._check({})

    def _say_what_is_left_to_do(self) -> None:
        for then in sorted({one.fix.then for one in self._made if one.fix and one.fix.then}):
            click.echo(f"Left to do: {then}.", err=True)

    @property
    def count(self) -> int:
        return len(self._made)

    @property
    def refused(self) -> int:
        return len(self._outcome.refused)

    def listed(self) -> Iterator[str]:
        """Which fixes were made, by file and rule; then which could not be, and why."""
        by_path: dict[str, Counter[tuple[str, str]]] = {}
        for finding in self._made:
            by_path.setdefault(finding.path, Counter())[(finding.code, finding.name)] += 1
        if by_path:
            yield f"Fixed {_errors(self.count)}:"
        for path, counts in sorted(by_path.items()):
            yield f"- {path}:"
            for (code, name), count in sorted(counts.items()):
                yield f"    {count} × {code} ({name})"
        for refusal in self._outcome.refused:
            finding = refusal.finding
            place = f"{finding.path}:{finding.location.row}:{finding.location.column}"
            yield f"Not fixed: {place}: {finding.code}: {refusal.reason}"


def _without_fixes(report: Report, excluded: Callable[[Finding], bool]) -> Report:
    findings = tuple(
        msgspec.structs.replace(one, fix=None) if one.fix is not None and excluded(one) else one
        for one in report.findings
    )
    return msgspec.structs.replace(report, findings=findings)


def editor(report: Report, cache: Cache) -> Callable[[Finding], Sequence[FileEdit]]:
    """What a finding's fix would do: known from a run before, or worked out when somebody asks."""
    made: list[Editor] = []
    content = functools.cache(lambda path: content_hash(report.sources.get(path, b"")))

    def edits(finding: Finding) -> Sequence[FileEdit]:
        if finding.fix is None:
            return ()
        key = digest(finding.fix, [(path, content(path)) for path in sorted(finding.fix.paths)])
        known = cache.edits(key)
        if known is None:
            if not made:
                from asyncsqla_lint.fixes.plan import Editor  # LibCST: only here

                made.append(Editor(lambda path: report.read(path) or ""))
            known = made[0].edits(finding)
            cache.remember_edits(key, known)
        return known

    return edits


def add_suppressions(report: Report) -> int:
    """Write a `# noqa` for each finding of the report."""
    from asyncsqla_lint.fixes.suppressing import suppressed
    from asyncsqla_lint.fixes.writing import WriteError
    from asyncsqla_lint.fixes.writing import write as write_file

    by_path: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_path.setdefault(finding.path, []).append(finding)
    added, failed = 0, report.exit_code == FAILED
    for path, findings in sorted(by_path.items()):
        before = report.sources.get(path)
        if before is None:
            continue
        after, count = suppressed(before, findings)
        try:
            if after != before:
                write_file(path, before, after)
            added += count
        except WriteError as error:
            warn(str(error))
            failed = True
    click.echo(f"Added {added:,} noqa {'comment' if added == 1 else 'comments'}.")
    return FAILED if failed else CLEAN


def _errors(count: int) -> str:
    return f"{count:,} error" if count == 1 else f"{count:,} errors"
