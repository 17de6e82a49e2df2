"""A small analysis for testing the run around it, and the rules that it reports: a call of `asq198()` at
the top of a module is a finding of ASQ198, `asq198(likely)` a likely one, `crash()` a defect of the linter.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from asyncsqla_lint import program as p
from asyncsqla_lint.findings import Confidence, Finding, Fix, Location, Related, Repair, fingerprint
from asyncsqla_lint.project.index import Index
from asyncsqla_lint.rules.rule import Rule, Silent
from asyncsqla_lint.workspace.config import Config


class First(Rule):
    """
    ## What it does
    Reports calls of `asq198`.
    ## Why is this bad?
    It is not; this is a test.
    ## Example
    `asq198()`
    ## Use instead
    Nothing.
    """

    code = "ASQ198"
    name = "first-toy"
    outcome = Silent("a test")


class Second(Rule):
    """
    ## What it does
    Reports calls of `asq298`.
    ## Why is this bad?
    It is not; this is a test.
    ## Example
    `asq298()`
    ## Use instead
    Nothing.
    """

    code = "ASQ298"
    name = "second-toy"
    outcome = Silent("a test")


class Answer(Struct, frozen=True):
    findings: tuple[Finding, ...]
    counters: dict[str, int]


class Calls:
    """The analysis. It remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], str]] = []

    def __call__(self, index: Index, modules: Sequence[str], config: Config) -> Answer:
        self.asked.append((tuple(modules), config.target_sqlalchemy))
        findings: list[Finding] = []
        for name in modules:
            module = index.modules[name]
            for statement in module.program.statements:
                if isinstance(statement, p.Evaluate) and isinstance(statement.value, p.Call):
                    findings += _of_call(module.path, module.program, statement.value)
        return Answer(tuple(findings), {"calls": len(findings)})


def _of_call(path: str, program: p.Program, call: p.Call) -> list[Finding]:
    name = call.function.id if isinstance(call.function, p.Name) else ""
    if name == "crash":
        raise KeyError("orders")
    # Not from the catalogue: a process that was spawned has the tool's own rules in it, and not these.
    rule = {First.code: First, Second.code: Second}.get(name.upper())
    if rule is None:
        return []
    likely = any(isinstance(each, p.Name) and each.id == "likely" for each in call.arguments)
    confidence: Confidence = "likely" if likely else "certain"
    start = Location(*program.location(p.start_of(call.span)))
    end = Location(*program.location(p.end_of(call.span)))
    fix = Fix("Mend it", "safe", (Repair("mend", path, start, end),))
    related = (Related(path, start, end, "here"),)
    mark = fingerprint(rule.code, path, "", name)
    found = Finding(rule.code, rule.name, "no", path, start, end, confidence, related, fix, 0, mark)
    return [found, found]  # as two analyses of one helper would
