"""Comments silence findings; those that silence nothing are findings themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import Calls

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config_files import load_config


def findings(text: str, **overrides: object) -> tuple[Finding, ...]:
    Path("m.py").write_text("import sqlalchemy.ext.asyncio\n" + text, encoding="utf-8")
    return run(["m.py"], load_config(["m.py"], overrides=overrides), analyse=Calls()).findings


def said(text: str, **overrides: object) -> list[tuple[int, str]]:
    return [(finding.location.row, finding.code) for finding in findings(text, **overrides)]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# NOQA",
        "# noqa: ASQ198",
        "#noqa:asq198",
        "# noqa: E501,ASQ198",
        "# noqa: ASQ1",
        "# noqa: ASQ",
        "# asyncsqla-lint: ignore",
        "# asyncsqla-lint: ignore[ASQ198]",
        "# why not  # noqa: ASQ198",
    ],
)
def test_a_comment_silences_its_line(comment: str) -> None:
    assert said(f"asq198()  {comment}\nasq198()\n") == [(3, "ASQ198")]


@pytest.mark.parametrize(
    "comment", ["# noqa: E501", "# noqa: ASQ298", "# asyncsqla-lint: ignore[ASQ298]", "# no qa"]
)
def test_a_comment_for_something_else_does_not(comment: str) -> None:
    assert (2, "ASQ198") in said(f"asq198()  {comment}\n")


def test_a_comment_anywhere_in_the_statement_silences_it() -> None:
    assert said("asq198(\n    1,  # noqa: ASQ198\n    2,\n)\nasq198()\n") == [(6, "ASQ198")]
    assert said("asq198(\n    1,\n)  # asyncsqla-lint: ignore[ASQ198]\n") == []


@pytest.mark.parametrize(
    "comment",
    ["# asyncsqla-lint: ignore-file", "# asyncsqla-lint: ignore-file[ASQ198]", "# flake8: noqa: ASQ198"],
)
def test_a_comment_silences_its_file(comment: str) -> None:
    assert said(f"x = 1\n{comment}\nasq198()\nasq198()\n") == []


@pytest.mark.parametrize(
    ("comment", "message", "codes"),
    [
        ("# noqa: ASQ298", "the suppression of `ASQ298` silences nothing", ["ASQ298"]),
        (
            "# noqa: ASQ298, E501, ASQ777",
            "the suppression of `ASQ298`, `ASQ777` silences nothing",
            ["ASQ298", "ASQ777"],
        ),
        (
            "# asyncsqla-lint: ignore[ASQ2]",
            "the suppression of `ASQ2` silences nothing",
            ["ASQ2"],
        ),
        ("# asyncsqla-lint: ignore", "the suppression silences nothing", []),
    ],
)
def test_an_idle_comment_is_a_finding_with_a_repair(comment: str, message: str, codes: list[str]) -> None:
    (finding,) = findings(f"x = 1  {comment}\n")
    assert (finding.code, finding.message) == ("ASQ902", message)
    assert (finding.location.row, finding.location.column) == (2, 8)
    assert finding.fix is not None
    (repair,) = finding.fix.repairs
    assert (repair.path, repair.location, repair.end_location) == (
        "m.py",
        finding.location,
        finding.end_location,
    )
    assert repair.arguments == {"codes": codes}


@pytest.mark.parametrize("comment", ["# noqa", "# noqa: E501", "# noqa: F401, W291"])
def test_a_comment_for_another_tool_is_none_of_our_business(comment: str) -> None:
    assert said(f"x = 1  {comment}\n") == []


def test_only_the_idle_codes_of_a_comment_are_named() -> None:
    (finding,) = findings("asq198()  # noqa: ASQ198, ASQ298\n")
    assert finding.message == "the suppression of `ASQ298` silences nothing"


def test_what_a_rule_that_is_off_would_have_said_is_not_known() -> None:
    assert said("x = 1  # noqa: ASQ298\n", select=["ASQ1", "ASQ902"]) == []
    assert said("x = 1  # asyncsqla-lint: ignore\n", ignore=["ASQ2"]) == []
    assert said("x = 1  # noqa: ASQ198\n", select=["ASQ1", "ASQ902"]) == [(2, "ASQ902")]


def test_a_finding_below_the_wanted_confidence_still_uses_its_comment() -> None:
    assert said("asq198(likely)  # noqa: ASQ198\n", confidence="certain") == []


def test_unused_suppressions_can_be_left_out_or_silenced() -> None:
    assert said("x = 1  # noqa: ASQ298\n", ignore=["ASQ902"]) == []
    assert said("x = 1  # noqa: ASQ298, ASQ902\n") == []


def test_what_could_not_be_checked_cannot_be_silenced() -> None:
    assert said("crash()  # noqa\n# asyncsqla-lint: ignore-file\n") == [(1, "ASQ903")]
