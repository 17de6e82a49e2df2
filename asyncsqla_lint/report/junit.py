"""JUnit XML: each finding is a failed test case of its file's suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from os.path import splitext
from xml.etree import ElementTree

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.report.context import TOOL, Context, one_line


def render(findings: Sequence[Finding], context: Context) -> Iterator[str]:
    suites = _element("testsuites", name=TOOL, tests=max(len(findings), 1), failures=len(findings), errors=0)
    for path, group in groupby(findings, key=lambda finding: finding.path):
        of_file = list(group)
        suite = _suite(suites, context.absolute(path), len(of_file))
        for finding in of_file:
            _failure(suite, finding, context)
    if not findings:  # a report without a test case counts as broken in several CI servers
        suite = _suite(suites, TOOL, 0)
        suite.append(_element("testcase", name="No errors found", classname=TOOL))
    ElementTree.indent(suites, "    ")
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield ElementTree.tostring(suites, encoding="unicode") + "\n"


def _suite(suites: ElementTree.Element, name: str, failures: int) -> ElementTree.Element:
    suite = _element(
        "testsuite", name=name, tests=max(failures, 1), failures=failures, errors=0, skipped=0, package=TOOL
    )
    suites.append(suite)
    return suite


def _failure(suite: ElementTree.Element, finding: Finding, context: Context) -> None:
    row, column = finding.location.row, finding.location.column
    message = one_line(finding.message)
    case = _element(
        "testcase",
        name=f"{TOOL}.{finding.code}",
        classname=splitext(context.absolute(finding.path))[0],
        line=row,
        column=column,
    )
    failure = _element("failure", message=message, type=finding.confidence)
    failure.text = f"line {row}, col {column}, {message}"
    case.append(failure)
    suite.append(case)


def _element(tag: str, **attributes: str | int) -> ElementTree.Element:
    return ElementTree.Element(tag, {key: one_line(str(value)) for key, value in attributes.items()})
