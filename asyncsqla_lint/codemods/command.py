"""One fix as a command of LibCST: it lints, and makes its own repairs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import ClassVar

import libcst as cst
from libcst.codemod import CodemodCommand, SkipFile
from msgspec.structs import replace

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.fixes.codemod import Codemod
from asyncsqla_lint.fixes.plan import Planner
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config_files import load_config

UNSAVED = "unsaved.py"  # what comes from standard input has no name


class Mending(CodemodCommand):
    """The repairs of one kind."""

    codemod: ClassVar[str]

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        path = os.path.abspath(self.context.filename or UNSAVED)
        report = _report(path, tree.bytes)
        shown = next((name for name in report.sources if os.path.abspath(name) == path), None)
        wanted = [] if shown is None else _of_kind(_possible(report, self.codemod), self.codemod, shown)
        after = Planner(partial(_text, report), wanted).plan().texts if wanted else {}
        if shown is None or shown not in after:
            raise SkipFile(f"nothing for {self.codemod} to do")
        return cst.parse_module(after[shown], config=tree.config_for_parsing)


def command(codemod: type[Codemod]) -> type[Mending]:
    description = " ".join((codemod.__doc__ or "").split())
    attributes = {"codemod": codemod.name, "DESCRIPTION": description, "__doc__": codemod.__doc__}
    return type(codemod.__name__, (Mending,), {**attributes, "__module__": "asyncsqla_lint.codemods"})


def _possible(report: Report, codemod: str) -> Sequence[Finding]:
    """Half a fix is none: what has repairs of other kinds too must be possible as a whole."""
    fixes = [(finding, finding.fix) for finding in report.findings if finding.fix is not None]
    wanted = [
        finding
        for finding, fix in fixes
        if any(repair.codemod == codemod for way in fix.ways for repair in way.repairs)
    ]
    plan = Planner(partial(_text, report), wanted).plan()
    return [*plan.made, *plan.waiting]


def _text(report: Report, path: str) -> str:
    return report.read(path) or ""


def _of_kind(findings: Sequence[Finding], codemod: str, path: str) -> list[Finding]:
    """The findings that have such repairs in the file, with what else their fix needs there."""
    found = []
    for finding in findings:
        for fix in () if finding.fix is None else finding.fix.ways:
            mine = tuple(one for one in fix.repairs if one.path == path)
            if any(one.codemod == codemod for one in mine):
                found.append(replace(finding, fix=replace(fix, repairs=mine, otherwise=None)))
                break
    return found


def _report(path: str, data: bytes) -> Report:
    """Of the whole project, once for each process; of this very text, where it differs from what is saved."""
    try:
        with open(path, "rb") as file:
            saved = file.read()
    except OSError:
        saved = None
    if saved == data:
        report = _project_report(load_config([path]).root)
        if any(os.path.abspath(name) == path for name in report.sources):
            return report
    return run([path], load_config([path]), overlay={path: data})


@lru_cache(maxsize=1)
def _project_report(root: str) -> Report:
    return run([root], load_config([root]))
