"""Comments that silence findings, and ASQ902 for those that silence nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asyncsqla_lint.findings import Finding, Fix, Location, Repair, fingerprint
from asyncsqla_lint.program import Program, Suppression, end_of, start_of
from asyncsqla_lint.rules.catalogue import by_code
from asyncsqla_lint.rules.itself import UnusedSuppression
from asyncsqla_lint.rules.selection import ALWAYS

REMOVE = "remove_suppression"


class Suppressions:
    """The suppressions of one file, and which of their codes were of use."""

    def __init__(self, path: str, program: Program) -> None:
        self._path = path
        self._program = program
        self._used: set[tuple[int, str]] = (
            set()
        )  # the suppression's number, its code as written ("" for bare)

    def silences(self, finding: Finding) -> bool:
        if finding.code in ALWAYS:
            return False
        silenced = False
        for number, suppression in enumerate(self._program.suppressions):
            if not _covers(suppression, finding):
                continue
            for code in suppression.codes or ("",):
                if _names(code, finding):
                    self._used.add((number, code))
                    silenced = True
        return silenced

    def unused(self, enabled: frozenset[str]) -> Iterable[Finding]:
        """Comments of ours that silence nothing. Nobody knows what a rule that is off would have said."""
        for number, suppression in enumerate(self._program.suppressions):
            if not suppression.codes:
                # A bare `noqa` may be meant for another tool, and a bare one of ours for a rule that is off.
                if (
                    suppression.kind == "ignore"
                    and _all_on("ASQ", enabled)
                    and (number, "") not in self._used
                ):
                    yield self._finding(suppression, ())
                continue
            idle = [
                code
                for code in suppression.codes
                if (number, code) not in self._used and _is_ours(code) and _all_on(code, enabled)
            ]
            if idle:
                yield self._finding(suppression, idle)

    def _finding(self, suppression: Suppression, codes: Sequence[str]) -> Finding:
        start = Location(*self._program.location(start_of(suppression.span)))
        end = Location(*self._program.location(end_of(suppression.span)))
        named = ", ".join(f"`{code}`" for code in codes)
        message = (
            f"the suppression of {named} silences nothing" if codes else "the suppression silences nothing"
        )
        repair = Repair(REMOVE, self._path, start, end, {"codes": list(codes)})
        fix = Fix(f"Remove {named}" if codes else "Remove the comment", "safe", (repair,))
        return Finding(
            UnusedSuppression.code,
            UnusedSuppression.name,
            message,
            self._path,
            start,
            end,
            fix=fix,
            fingerprint=fingerprint(UnusedSuppression.code, self._path, ",".join(codes), suppression.kind),
        )


def _covers(suppression: Suppression, finding: Finding) -> bool:
    if suppression.kind == "file":
        return True
    rows = {finding.location.row, finding.noqa_row or finding.location.row}
    return any(suppression.first_line <= row <= suppression.last_line for row in rows)


def _names(code: str, finding: Finding) -> bool:
    """A code or, as flake8 has it, the beginning of one; a rule's name; nothing, for every rule."""
    if finding.code == UnusedSuppression.code and code.upper() != finding.code and code != finding.name:
        return False  # or each idle comment that names no code would silence what is said of it
    return finding.code.startswith(code.upper()) or finding.name == code


def _is_ours(code: str) -> bool:
    return code.upper().startswith("ASQ") or any(rule.name == code for rule in by_code().values())


def _all_on(code: str, enabled: frozenset[str]) -> bool:
    """Whether every rule that the code names was on. A code of no rule silences nothing for certain."""
    return all(
        rule.code in enabled or (rule.preview and code == "ASQ")
        for rule in by_code().values()
        if rule.code.startswith(code.upper()) or rule.name == code
    )
