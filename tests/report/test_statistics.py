"""`--statistics` counts by rule, most frequent first."""

from __future__ import annotations

import json

from asyncsqla_lint.findings import Finding, Fix, Location
from asyncsqla_lint.report import statistics
from asyncsqla_lint.report.context import Context


def finding(code: str, name: str, fix: Fix | None = None) -> Finding:
    return Finding(code, name, "m", "a.py", Location(1, 1), Location(1, 2), fix=fix)


FINDINGS = [
    finding("ASQ401", "missing-await", Fix("Await it", "safe", ())),
    *[finding("ASQ301", "missing-eager-load", Fix("Load it", "unsafe", ()))] * 11,
    finding("ASQ101", "sync-engine-in-async"),
]
CONTEXT = Context("1", read=lambda path: None, can_fix=True, summary=("Found 13 errors.",))


def test_text() -> None:
    assert "".join(statistics.render(FINDINGS, {"ORM reads decided": 1200}, CONTEXT)) == (
        "11  ASQ301      missing-eager-load\n"
        " 1  ASQ101      sync-engine-in-async\n"
        " 1  ASQ401  [*] missing-await\n"
        "\n"
        "1,200  ORM reads decided\n"
        "Found 13 errors.\n"
    )


def test_json() -> None:
    first, *_, last = json.loads("".join(statistics.render_json(FINDINGS, CONTEXT)))
    assert first == {
        "code": "ASQ301",
        "name": "missing-eager-load",
        "count": 11,
        "fixable": False,
        "fixable_count": 0,
    }
    assert last["fixable"] is True
