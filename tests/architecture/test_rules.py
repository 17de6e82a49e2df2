"""A rule is proven, documented and told apart, or it is no rule."""

from __future__ import annotations

import pytest
from harness.programs import FIXTURES
from harness.verdicts import USUAL

from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.rules.rule import Description

RULES = [rule for rule in catalogue.describe_all() if not rule.code.startswith("ASQ9")]


@pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])
def test_a_rule_is_shown_right_and_wrong(rule: Description) -> None:
    names = [path.name for path in (FIXTURES / rule.code).glob("*")]
    assert any(name.startswith("bad_") for name in names)
    assert any(name.startswith("good_") for name in names)


@pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])
def test_the_harness_knows_what_to_look_for(rule: Description) -> None:
    assert rule.code in USUAL


def test_no_fixture_is_without_a_rule() -> None:
    codes = {rule.code for rule in RULES}
    assert [path.name for path in sorted(FIXTURES.glob("ASQ*")) if path.name not in codes] == []
