"""Every format, on findings given as data."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from asyncsqla_lint.findings import Finding, Fix, Location, Related
from asyncsqla_lint.report import FORMATS
from asyncsqla_lint.report.context import Context, RuleText

SOURCES = {
    "app/api.py": (
        "async def titles(session):\n"
        "    posts = (await session.scalars(select(Post))).all()\n"
        "    await session.commit()\n"
        "    for post in posts:\n"
        "\n"
        '        x = "日本語"; print(post.author)\n'
        "\ttab = 1\n"
    ),
    "app/models.py": "class Post(Base):\n    author: Mapped[User] = relationship()\n",
}

READ = Finding(
    code="ASQ301",
    name="missing-eager-load",
    message="`Post.author` is read, but the query did not load it",
    path="app/api.py",
    location=Location(6, 26),
    end_location=Location(6, 37),
    related=(
        Related("app/api.py", Location(2, 36), Location(2, 48), "the query"),
        Related("app/models.py", Location(2, 5), Location(2, 11), "declared here"),
    ),
    fix=Fix("Add `.options(joinedload(Post.author))`", "unsafe", ()),
    fingerprint="0123456789abcdef",
)
FACTORY = Finding(
    code="ASQ304",
    name="expire-on-commit-default",
    message="100% of attributes; expire:\nsoon <&>",
    path="app/api.py",
    location=Location(7, 2),
    end_location=Location(8, 1),
    confidence="likely",
    fix=Fix("Pass `expire_on_commit=False`", "safe", ()),
    noqa_row=6,
)


def context(**settings: object) -> Context:
    rule = RuleText("ASQ301", "missing-eager-load", "Reports a read.", "It raises.", "Loading", "unsafe")
    defaults: dict[str, object] = {
        "version": "1.2.3",
        "read": SOURCES.get,
        "rules": lambda: {"ASQ301": rule},
        "directory": "/project",
        "can_fix": True,
        "documentation": "https://docs.example/",
    }
    return Context(**{**defaults, **settings})  # type: ignore[arg-type]


def rendered(name: str, findings: Sequence[Finding] = (READ, FACTORY), **settings: object) -> str:
    return "".join(FORMATS[name].load()(findings, context(**settings)))


def test_full_shows_both_places_and_the_declaration() -> None:
    assert rendered("full", [READ], summary=("Found 1 error.",)) == (
        "ASQ301 missing-eager-load: `Post.author` is read, but the query did not load it\n"
        " --> app/api.py:6:26\n"
        "  |\n"
        "2 |     posts = (await session.scalars(select(Post))).all()\n"
        "  |                                    ------------ the query\n"
        "3 |     await session.commit()\n"
        "4 |     for post in posts:\n"
        "5 |\n"
        '6 |         x = "日本語"; print(post.author)\n'
        "  |                             ^^^^^^^^^^^\n"
        "7 |     tab = 1\n"
        "  |\n"
        " ::: app/models.py:2:5\n"
        "  |\n"
        "2 |     author: Mapped[User] = relationship()\n"
        "  |     ------ declared here\n"
        "  |\n"
        "  = help: Add `.options(joinedload(Post.author))`\n"
        "\n"
        "Found 1 error.\n"
    )


def test_full_marks_safe_fixes_and_doubt() -> None:
    text = rendered("full", [FACTORY])
    assert text.startswith("ASQ304 expire-on-commit-default [*]: 100% of attributes; expire: soon <&>\n")
    assert "  = note: likely" in text


def test_nothing_is_marked_fixable_where_fix_does_not_exist() -> None:
    for name in ("full", "concise", "grouped"):
        assert "[*]" in rendered(name)
        assert "[*]" not in rendered(name, can_fix=False)


def test_full_without_source_says_the_labels() -> None:
    text = rendered("full", [READ], read=lambda path: None)
    assert "note: line 2: the query" in text
    assert "|" not in text


def test_full_cuts_a_minified_line_around_its_mark() -> None:
    line = "x = 1; " * 400 + "session.add(1)"
    column = line.index("session") + 1
    finding = Finding("ASQ401", "n", "m", "a.py", Location(1, column), Location(1, column + 14))
    lines = rendered("full", [finding], read=lambda path: line).splitlines()
    code, marks = next((a, b) for a, b in pairwise(lines) if "^" in b)
    assert len(code) < 200
    assert code[marks.index("^") : marks.rindex("^") + 1] == "session.add(1)"


def test_a_place_outside_of_the_source_is_no_crash() -> None:
    finding = Finding("ASQ401", "n", "m", "app/models.py", Location(99, 7), Location(99, 9))
    assert "app/models.py:99:7" in rendered("full", [finding])
    empty = Finding("ASQ401", "n", "m", "a.py", Location(1, 1), Location(1, 1))
    assert "^" in rendered("full", [empty], read=lambda path: "")


def test_a_source_cannot_speak_to_the_terminal() -> None:
    finding = Finding("ASQ401", "n", "m\x1b[2J\ud800", "a.py", Location(1, 1), Location(1, 2))
    for name in ("full", "concise", "grouped", "pylint", "junit"):
        assert "\x1b" not in rendered(name, [finding], read=lambda path: "\x1b]0;owned\x07")


@pytest.mark.parametrize("name", ["full", "concise", "grouped"])
def test_colour_changes_nothing_but_colour(name: str) -> None:
    from rich.text import Text

    coloured = rendered(name, color=True, summary=("Found 2 errors.",))
    assert "\x1b[" in coloured
    assert Text.from_ansi(coloured).plain.split() == rendered(name, summary=("Found 2 errors.",)).split()


def test_concise() -> None:
    assert rendered("concise", summary=("Found 2 errors.",)) == (
        "app/api.py:6:26: ASQ301 `Post.author` is read, but the query did not load it\n"
        "app/api.py:7:2: ASQ304 [*] 100% of attributes; expire: soon <&>\n"
        "Found 2 errors.\n"
    )


def test_grouped() -> None:
    lines = rendered("grouped").splitlines()
    assert lines[0] == "app/api.py:"
    assert lines[1].startswith("  6:26 ASQ301")
    assert lines[2].startswith("  7:2  ASQ304 [*]")


def test_json_has_the_shape_of_ruff() -> None:
    first, second = json.loads(rendered("json"))
    assert first == {
        "code": "ASQ301",
        "name": "missing-eager-load",
        "message": "`Post.author` is read, but the query did not load it",
        "filename": "/project/app/api.py",
        "location": {"row": 6, "column": 26},
        "end_location": {"row": 6, "column": 37},
        "confidence": "certain",
        "related": [
            {
                "filename": "/project/app/api.py",
                "location": {"row": 2, "column": 36},
                "end_location": {"row": 2, "column": 48},
                "message": "the query",
            },
            {
                "filename": "/project/app/models.py",
                "location": {"row": 2, "column": 5},
                "end_location": {"row": 2, "column": 11},
                "message": "declared here",
            },
        ],
        "fix": {
            "applicability": "unsafe",
            "message": "Add `.options(joinedload(Post.author))`",
            "edits": [],
        },
        "noqa_row": 6,
        "fingerprint": "0123456789abcdef",
        "url": "https://docs.example/rules/missing-eager-load",
    }
    assert second["noqa_row"] == 6
    assert json.loads(rendered("json", [])) == []


def test_json_lines_are_the_objects_of_json() -> None:
    assert [json.loads(line) for line in rendered("json-lines").splitlines()] == json.loads(rendered("json"))


def test_github_escapes_and_gives_columns_on_one_line_only() -> None:
    first, second = rendered("github").splitlines()
    assert first == (
        "::error title=asyncsqla-lint (ASQ301),file=/project/app/api.py,line=6,endLine=6,col=26,endColumn=37"
        "::app/api.py:6:26: ASQ301 `Post.author` is read, but the query did not load it"
    )
    assert second == (
        "::warning title=asyncsqla-lint (ASQ304),file=/project/app/api.py,line=7,endLine=8"
        "::app/api.py:7:2: ASQ304 100%25 of attributes; expire:%0Asoon <&>"
    )


def test_gitlab_fingerprints_are_unique_and_stable() -> None:
    twice = json.loads(rendered("gitlab", [READ, READ]))
    again = json.loads(rendered("gitlab", [READ, READ]))
    assert twice == again
    assert twice[0]["fingerprint"] != twice[1]["fingerprint"]
    assert twice[0]["location"]["path"] == "app/api.py"
    assert twice[0]["severity"] == "major"


def test_sarif_is_2_1_0() -> None:
    log = json.loads(rendered("sarif"))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    [run] = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["originalUriBaseIds"]["SRCROOT"]["uri"] == "file:///project/"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["ASQ301", "ASQ304"]
    assert rules[0]["shortDescription"]["text"] == "Reports a read."
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
    related = run["results"][0]["relatedLocations"]
    assert [place["message"]["text"] for place in related] == ["the query", "declared here"]
    assert [result["level"] for result in run["results"]] == ["error", "warning"]
    assert run["results"][0]["partialFingerprints"] == {"asyncsqlaLint/v1": "0123456789abcdef"}


def test_sarif_uris_are_uris() -> None:
    outside = Finding("ASQ401", "n", "m", "/elsewhere/a b.py", Location(1, 1), Location(1, 2))
    inside = Finding("ASQ401", "n", "m", "ä b.py", Location(1, 1), Location(1, 2))
    results = json.loads(rendered("sarif", [outside, inside]))["runs"][0]["results"]
    first, second = (result["locations"][0]["physicalLocation"]["artifactLocation"] for result in results)
    assert first == {"uri": "file:///elsewhere/a%20b.py"}
    assert second == {"uri": "%C3%A4%20b.py", "uriBaseId": "SRCROOT"}


def test_junit_is_xml_with_one_suite_a_file() -> None:
    root = ElementTree.parse(io.StringIO(rendered("junit").partition("\n")[2])).getroot()
    assert root.attrib["failures"] == "2"
    [suite] = root
    assert [case.attrib["name"] for case in suite] == ["asyncsqla-lint.ASQ301", "asyncsqla-lint.ASQ304"]
    assert suite[1][0].attrib["message"] == "100% of attributes; expire: soon <&>"
    clean = ElementTree.fromstring(rendered("junit", []).partition("\n")[2])
    assert clean.attrib["failures"] == "0"
    assert len(clean[0]) == 1


def test_azure_escapes() -> None:
    first, second = rendered("azure").splitlines()
    assert first == (
        "##vso[task.logissue type=error;sourcepath=/project/app/api.py;"
        "linenumber=6;columnnumber=26;code=ASQ301;]"
        "`Post.author` is read, but the query did not load it"
    )
    assert second.endswith("]100%AZP25 of attributes; expire:%0Asoon <&>")


def test_rdjson_counts_columns_in_utf8_bytes() -> None:
    first, _ = json.loads(rendered("rdjson"))["diagnostics"]
    start, end = first["location"]["range"]["start"], first["location"]["range"]["end"]
    line = SOURCES["app/api.py"].splitlines()[5].encode()
    assert line[start["column"] - 1 : end["column"] - 1] == b"post.author"
    assert first["code"] == {"value": "ASQ301", "url": "https://docs.example/rules/missing-eager-load"}
    assert "app/models.py:2:5: declared here" in first["message"]


def test_pylint() -> None:
    assert rendered("pylint").splitlines() == [
        "app/api.py:6: [ASQ301] `Post.author` is read, but the query did not load it",
        "app/api.py:7: [ASQ304] 100% of attributes; expire: soon <&>",
    ]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_format_fails_on_names_and_texts_that_are_no_unicode(name: str) -> None:
    odd = Finding("ASQ401", "n", "m \ud800", "caf\udce9.py", Location(1, 1), Location(1, 2))
    rendered(name, [odd]).encode("utf-8")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_findings_is_a_report_too(name: str) -> None:
    text = rendered(name, [], summary=("All checks passed!",))
    assert ("All checks passed!" in text) == FORMATS[name].for_people
