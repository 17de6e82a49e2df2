"""Selection follows ruff's precedence; a preview rule needs to be meant."""

from __future__ import annotations

import pytest

from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.rules.selection import ALWAYS, selected
from asyncsqla_lint.workspace.config import Config, ConfigError

STABLE = frozenset(rule.code for rule in catalogue.rules() if not rule.preview)
PREVIEW = frozenset(rule.code for rule in catalogue.rules() if rule.preview)


def test_all_stable_rules_are_on_by_default() -> None:
    assert selected(Config()) == STABLE
    assert selected(Config(preview=True)) == STABLE | PREVIEW
    assert selected(Config(select=("ALL",))) == STABLE


def test_what_was_not_checked_is_always_said() -> None:
    assert selected(Config(ignore=("ALL",), select=("ASQ9",))) >= ALWAYS
    assert selected(Config(select=(), ignore=("ASQ901",))) == ALWAYS


@pytest.mark.parametrize("one", ["ASQ902", "asq902", "unused-suppression"])
def test_a_code_and_a_name_say_the_same(one: str) -> None:
    assert selected(Config(select=(one,))) == ALWAYS | {"ASQ902"}
    assert "ASQ902" not in selected(Config(ignore=(one,)))


def test_the_more_specific_wins_and_ignore_wins_a_draw() -> None:
    assert "ASQ902" in selected(Config(ignore=("ASQ9",), extend_select=("ASQ902",)))
    assert "ASQ902" in selected(Config(ignore=("ALL",), extend_select=("ASQ9",)))
    assert "ASQ902" not in selected(Config(select=("ASQ902",), extend_ignore=("unused-suppression",)))


def test_a_preview_rule_named_in_full_is_on() -> None:
    for code in PREVIEW:
        assert code in selected(Config(extend_select=(code,)))
        assert code not in selected(Config(extend_select=(code[:4],)))


def test_a_selector_that_names_nothing_is_an_error_that_says_where() -> None:
    with pytest.raises(ConfigError, match=r"command line: no rule matches `ASQ999` in `ignore`"):
        selected(Config(ignore=("ASQ999",), command_line=({"ignore": ["ASQ999"]},)))
