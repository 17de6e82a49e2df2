"""The run around an analysis: what is handed to it, and what becomes of what it finds.

The analysis is the small one of `toy`; what SQLAlchemy does with a program is tested with the engine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy import Calls

from asyncsqla_lint.findings import Location, fingerprint
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config, ConfigError
from asyncsqla_lint.workspace.config_files import load_config

CODES = ["ASQ198", "ASQ298"]
CODE = CODES[0]


def tree(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def checked(root: Path, *paths: str, analyse: Calls | None = None, **overrides: object) -> Report:
    given = [str(root / path) for path in paths] or [str(root)]
    keys = {key.replace("_", "-"): value for key, value in overrides.items()}
    return run(given, load_config(given, overrides=keys), analyse=analyse or Calls())


def said(report: Report) -> list[tuple[str, int, str]]:
    return [(os.path.basename(f.path), f.location.row, f.code) for f in report.findings]


# --- from files to findings ------------------------------------------------------------------------


def test_a_finding_comes_out_once_with_the_path_a_user_would_write(project: Path) -> None:
    tree(project, {"app/models.py": f"import sqlalchemy.ext.asyncio\n\n{CODE.lower()}()\n"})
    report = checked(project)
    (finding,) = report.findings
    path = os.path.join("app", "models.py")
    assert (finding.path, finding.location, finding.end_location) == (path, Location(3, 1), Location(3, 9))
    assert finding.related[0].path == path
    assert finding.fix is not None
    assert finding.fix.repairs[0].path == path
    assert finding.fingerprint == fingerprint(CODE, "app/models.py", "", CODE.lower())
    assert report.read(path) == f"import sqlalchemy.ext.asyncio\n\n{CODE.lower()}()\n"
    assert report.exit_code == 1


def test_only_what_can_matter_is_analysed(project: Path) -> None:
    tree(
        project,
        {
            "models.py": "import sqlalchemy.ext.asyncio",
            "service.py": "import models\nimport helper",
            "helper.py": f"{CODE.lower()}()",
            "other.py": f"{CODE.lower()}()",
        },
    )
    calls = Calls()
    report = checked(project, analyse=calls)
    assert [modules for modules, _ in calls.asked] == [("models",), ("service",)]
    assert report.findings == ()
    assert (report.statistics.files, report.statistics.relevant, report.statistics.parsed) == (4, 3, 3)
    assert report.statistics.lines == 4


def test_without_sqlalchemy_nothing_is_looked_at(project: Path) -> None:
    tree(project, {"a.py": "crash()", "b.py": "def broken(:"})
    calls = Calls()
    report = checked(project, analyse=calls)
    assert (report.uses_sqlalchemy, report.findings, report.exit_code, calls.asked) == (False, (), 0, [])
    assert report.statistics.files == 2


def test_a_blocking_driver_alone_is_no_reason(project: Path) -> None:
    tree(project, {"a.py": f"import psycopg2\n{CODE.lower()}()\nasync def f(): ...\n"})
    assert not checked(project).uses_sqlalchemy
    tree(project, {"b.py": "import sqlalchemy.ext.asyncio"})
    assert said(checked(project)) == [("a.py", 2, CODE)]


def test_findings_are_sorted(project: Path) -> None:
    first, second = CODES[:2]
    tree(
        project,
        {
            "b.py": f"import sqlalchemy.ext.asyncio\n{second.lower()}()\n{first.lower()}()\n",
            "a.py": f"import sqlalchemy.ext.asyncio\n{second.lower()}(); {first.lower()}()\n",
        },
    )
    assert said(checked(project)) == [
        ("a.py", 2, second),
        ("a.py", 2, first),
        ("b.py", 2, second),
        ("b.py", 3, first),
    ]


def test_one_file_is_checked_in_the_light_of_its_project(project: Path) -> None:
    tree(
        project,
        {
            "app/__init__.py": "",
            "app/models.py": "import sqlalchemy.ext.asyncio",
            "app/service.py": f"from app import models\n{CODE.lower()}()",
            "app/route.py": f"from app.service import x\n{CODE.lower()}()",
            "app/far.py": f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()",
        },
    )
    calls = Calls()
    report = checked(project, "app/service.py", analyse=calls)
    assert said(report) == [("service.py", 2, CODE)]
    # Its importers too, since a finding may stand in a helper that they call; nothing that is unrelated.
    assert [modules for modules, _ in calls.asked] == [("app.route",), ("app.service",)]


def test_a_handmade_config_looks_no_further_than_the_neighbours(project: Path) -> None:
    tree(
        project,
        {"a/x.py": "import y", "a/y.py": "import sqlalchemy.ext.asyncio", "b/z.py": "import sqlalchemy"},
    )
    calls = Calls()
    run([str(project / "a" / "x.py")], Config(), analyse=calls)
    assert [modules for modules, _ in calls.asked] == [("x",)]


def test_one_file_of_an_isolated_run_is_seen_in_its_project(project: Path) -> None:
    tree(
        project,
        {
            "pyproject.toml": "",
            "models.py": "import sqlalchemy.ext.asyncio",
            "routes/order.py": "import models",
            "routes/own/user.py": f"import routes.order\n{CODE.lower()}()",
        },
    )
    calls = Calls()
    path = str(project / "routes" / "order.py")
    run([path], load_config([path], isolated=True), analyse=calls)
    assert [modules for modules, _ in calls.asked] == [("routes.order",), ("user",)]


def test_where_nothing_marks_a_project_imports_lead_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").unlink()
    tree(
        tmp_path / "tree",
        {
            "app/models.py": "import sqlalchemy.ext.asyncio",
            "app/stores/users.py": "from app import models",
            "app/far/away.py": "import app.models",
            "app/routes/user.py": f"from app.stores import users\n{CODE.lower()}()",
        },
    )
    monkeypatch.chdir(tmp_path.parent)
    path = str(tmp_path / "tree" / "app" / "routes" / "user.py")
    report = run([path], load_config([path]), analyse=Calls())
    assert said(report) == [("user.py", 2, CODE)]
    assert report.statistics.files == 1


def test_twin_modules_are_both_checked(project: Path) -> None:
    body = f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()\n"
    tree(project, {f"{root}/app/{name}.py": body for root in "ab" for name in ("__init__", "models")})
    assert len(checked(project).findings) == 4


# --- standard input and editors ----------------------------------------------------------------------


def test_an_unsaved_text_stands_in_for_the_file(project: Path) -> None:
    tree(project, {"models.py": "import sqlalchemy.ext.asyncio", "x.py": "import models"})
    path = str(project / "x.py")
    config = load_config([path])
    report = run([path], config, overlay={path: f"import models\n{CODE.lower()}()".encode()}, analyse=Calls())
    assert said(report) == [("x.py", 2, CODE)]
    new = str(project / "new.py")
    report = run([new], config, overlay={new: f"import models\n\n{CODE.lower()}()".encode()}, analyse=Calls())
    assert said(report) == [("new.py", 3, CODE)]
    assert report.errors == ()


# --- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "row", "column"),
    [
        (b"import sqlalchemy.ext.asyncio\nx = = 1\n", 2, None),
        (b"import sqlalchemy.ext.asyncio\nx = '\0'\n", 2, 6),
        (b"# coding: klingon\nimport sqlalchemy\n", 1, 1),
        (b"import sqlalchemy.ext.asyncio\n'\xff'\n", 2, 2),
    ],
)
def test_a_file_that_is_no_python_is_a_finding_and_the_rest_goes_on(
    project: Path, content: bytes, row: int, column: int | None
) -> None:
    tree(
        project,
        {"bad.py": content, "good.py": f"import bad\nimport sqlalchemy.ext.asyncio\n{CODE.lower()}()"},
    )
    report = checked(project)
    assert said(report) == [("bad.py", row, "ASQ901"), ("good.py", 3, CODE)]
    assert column in (None, report.findings[0].location.column)
    assert report.exit_code == 1
    assert report.read("bad.py") is not None


def test_a_crash_costs_one_module(project: Path) -> None:
    files = {f"m{number}.py": f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()" for number in range(5)}
    tree(project, {**files, "m2.py": "import sqlalchemy.ext.asyncio\ncrash()  # noqa: ASQ198\n"})
    report = checked(project)
    assert [name for name, _, code in said(report) if code == CODE] == ["m0.py", "m1.py", "m3.py", "m4.py"]
    (crash,) = (finding for finding in report.findings if finding.code == "ASQ903")
    assert crash.path == "m2.py"
    assert crash.message.startswith(
        "the linter failed in `m2` (KeyError: 'orders'), raised at asyncsqla_lint.run."
    )
    assert report.exit_code == 2
    assert all(finding.code != "ASQ902" for finding in report.findings)  # nobody knows what it would silence


def test_a_crash_while_reading_costs_one_file(project: Path) -> None:
    deep = "import sqlalchemy.ext.asyncio\nx = " + "(" * 3000 + ")" * 3000
    tree(project, {"deep.py": deep, "good.py": f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()"})
    report = checked(project)
    assert {code for name, _, code in said(report) if name == "deep.py"} <= {"ASQ901", "ASQ903"}
    assert ("good.py", 2, CODE) in said(report)


def test_paths_that_are_not_there(project: Path) -> None:
    tree(project, {"a.py": f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()"})
    config = load_config(["."])
    report = run(["a.py", "gone.py"], config, analyse=Calls())
    assert [str(error) for error in report.errors] == ["gone.py: no such file or directory"]
    assert said(report) == [("a.py", 2, CODE)]
    assert report.exit_code == 2


@pytest.mark.parametrize(
    "key", ["select", "ignore", "fixable", "unfixable", "extend-select", "extend-ignore"]
)
def test_a_selector_of_no_rule_is_an_error_even_without_sqlalchemy(project: Path, key: str) -> None:
    tree(project, {"a.py": ""})
    with pytest.raises(ConfigError, match=r"command line: no rule matches `ASQ777`"):
        checked(project, **{key: ["ASQ777"]})


def test_a_selector_of_no_rule_in_per_file_ignores_names_the_file(project: Path) -> None:
    tree(project, {"a.py": "", "asyncsqla-lint.toml": "[per-file-ignores]\n'a.py' = ['no-such-rule']\n"})
    with pytest.raises(ConfigError, match=r"asyncsqla-lint.toml: no rule matches `no-such-rule`"):
        checked(project)


# --- what is kept ----------------------------------------------------------------------------------


def test_selection_is_by_the_nearest_configuration(project: Path) -> None:
    first, second = CODES[:2]
    body = f"import sqlalchemy.ext.asyncio\n{first.lower()}()\n{second.lower()}()\n"
    tree(project, {"a.py": body, "b/c.py": body, "b/asyncsqla-lint.toml": f'ignore = ["{first}"]\n'})
    assert said(checked(project)) == [("a.py", 2, first), ("a.py", 3, second), ("c.py", 3, second)]
    assert said(checked(project, select=[first])) == [("a.py", 2, first), ("c.py", 2, first)]
    assert said(checked(project, ignore=[second])) == [("a.py", 2, first)]


@pytest.mark.parametrize(
    ("pattern", "silent"),
    [
        ("tests/*", ["tests/a.py", "tests/deep/b.py"]),
        ("tests/**", ["tests/a.py", "tests/deep/b.py"]),
        ("tests", ["tests/a.py", "tests/deep/b.py"]),
        ("tests/**.py", ["tests/a.py", "tests/deep/b.py"]),
        ("a.py", ["tests/a.py", "app/a.py"]),
        ("/app/a.py", ["app/a.py"]),
        ("./app/*.py", ["app/a.py"]),
        ("!tests/**", ["app/a.py"]),
        ("nothing/*", []),
    ],
)
def test_per_file_ignores(project: Path, pattern: str, silent: list[str]) -> None:
    body = f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()\n"
    files = ["app/a.py", "tests/a.py", "tests/deep/b.py"]
    tree(project, dict.fromkeys(files, body))
    tree(project, {"asyncsqla-lint.toml": f"[per-file-ignores]\n'{pattern}' = ['ASQ']\n"})
    loud = [finding.path.replace(os.sep, "/") for finding in checked(project).findings]
    assert loud == sorted(set(files) - set(silent))


def test_confidence(project: Path) -> None:
    tree(project, {"a.py": f"import sqlalchemy.ext.asyncio\n{CODE.lower()}(likely)\n{CODE.lower()}()\n"})
    assert [row for _, row, _ in said(checked(project))] == [2, 3]
    assert [row for _, row, _ in said(checked(project, confidence="certain"))] == [3]


@pytest.mark.parametrize(
    ("settings_", "fixed"),
    [
        ({}, True),
        ({"unfixable": [CODE]}, False),
        ({"fixable": ["ASQ9"]}, False),
        ({"fixable": [CODE], "unfixable": ["ALL"]}, True),
        ({"fixable": ["ASQ"], "unfixable": ["ASQ"]}, False),
    ],
)
def test_fixability(project: Path, settings_: dict[str, object], fixed: bool) -> None:
    tree(project, {"a.py": f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()\n"})
    (finding,) = checked(project, **settings_).findings
    assert (finding.fix is not None) == fixed


# --- the target release ----------------------------------------------------------------------------


def test_each_part_is_checked_for_the_release_it_runs_on(project: Path) -> None:
    tree(
        project,
        {
            "a/m.py": "import sqlalchemy.ext.asyncio",
            "a/requirements.txt": "sqlalchemy[asyncio]>=2.1",
            "b/n.py": "import sqlalchemy.ext.asyncio",
            "b/uv.lock": '[[package]]\nname = "sqlalchemy"\nversion = "2.0.40"\n\n'
            '[[package]]\nname = "greenlet"\nversion = "3.1.0"\n',
        },
    )
    calls = Calls()
    checked(project, analyse=calls)
    assert sorted(calls.asked) == [(("m",), "2.1"), (("n",), "2.0")]
    calls = Calls()
    checked(project, analyse=calls, target_sqlalchemy="2.1")
    assert calls.asked == [(("m",), "2.1"), (("n",), "2.1")]


# --- the same answer, always -----------------------------------------------------------------------


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(["a.py", "b", "b/c.py", "b/d.py"]))
def test_the_order_of_paths_changes_nothing(project: Path, order: list[str]) -> None:
    tree(
        project,
        {name: f"import sqlalchemy.ext.asyncio\n{CODE.lower()}()\n" for name in ("a.py", "b/c.py", "b/d.py")},
    )
    assert checked(project, *order).findings == checked(project).findings


def test_progress_counts_what_is_parsed_and_what_is_analysed(project: Path) -> None:
    tree(project, {"a.py": "import sqlalchemy.ext.asyncio", "b.py": "import a", "c.py": ""})
    seen: list[tuple[int, int]] = []
    run(["."], load_config(["."]), analyse=Calls(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 4) for done in range(5)]
