"""One fix as a command of LibCST: it lints, and makes its own repairs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

import libcst as cst
from libcst.codemod import CodemodCommand, SkipFile
from msgspec.structs import replace

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.fixes.codemod import Codemod
from asyncsqla_lint.fixes.plan import Planner
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import load_config

UNSAVED = "unsaved.py"  # what comes from standard input has no name


class Mending(CodemodCommand):
    """The repairs of one kind."""

    codemod: ClassVar[str]

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        path = os.path.abspath(self.context.filename or UNSAVED)
        report = _report(path, tree.bytes)
        shown = next((name for name in report.sources if os.path.abspath(name) == path), None)
        wanted = [] if shown is None else _of_kind(report.findings, self.codemod, shown)
        after = Planner(lambda name: report.read(name) or "", wanted).plan().texts if wanted else {}
        if shown is None or shown not in after:
            raise SkipFile(f"nothing for {self.codemod} to do")
        return cst.parse_module(after[shown], config=tree.config_for_parsing)


def command(codemod: type[Codemod]) -> type[Mending]:
    description = " ".join((codemod.__doc__ or "").split())
    attributes = {"codemod": codemod.name, "DESCRIPTION": description, "__doc__": codemod.__doc__}
    return type(codemod.__name__, (Mending,), {**attributes, "__module__": "asyncsqla_lint.codemods"})


def _of_kind(findings: Sequence[Finding], codemod: str, path: str) -> list[Finding]:
    """The findings that have such repairs in the file, with these alone."""
    found = []
    for finding in findings:
        for fix in () if finding.fix is None else finding.fix.ways:
            mine = tuple(one for one in fix.repairs if one.codemod == codemod and one.path == path)
            if mine:
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
