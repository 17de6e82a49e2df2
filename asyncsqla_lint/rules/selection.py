"""Which rules a configuration asks for, with ruff's precedence: the more specific selector wins.

`ALL` is the least specific, then prefixes by their length, then whole codes and names; at the same length
`ignore` wins over `select`. A preview rule needs `preview`, or to be named in full.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncsqla_lint.findings import INTERNAL_ERROR, SYNTAX_ERROR
from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.rules.rule import Rule
from asyncsqla_lint.workspace.config import Config, ConfigError

# A file that was not checked is always said: silence there would read as "clean".
ALWAYS = frozenset({SYNTAX_ERROR, INTERNAL_ERROR})
_WHOLE = len("ASQ301")


def selected(config: Config) -> frozenset[str]:
    """The codes that are on, before `per-file-ignores`."""
    on = set(ALWAYS)
    steps = [*_steps(config, "select", True), *_steps(config, "extend-select", True)]
    steps += [*_steps(config, "ignore", False), *_steps(config, "extend-ignore", False)]
    for length, wanted, rules in sorted(steps, key=lambda step: (step[0], not step[1])):
        for rule in rules:
            if not wanted:
                on.discard(rule.code)
            elif not rule.preview or config.preview or length == _WHOLE:
                on.add(rule.code)
    return frozenset(on | ALWAYS)


def matching(selector: str) -> tuple[int, tuple[type[Rule], ...]]:
    """How specific a selector is, and the rules that it names; none if it is no selector."""
    rules = catalogue.rules()
    if selector == "ALL":
        return 0, rules
    prefix = selector.upper()
    by_code = tuple(rule for rule in rules if rule.code.startswith(prefix))
    if by_code:
        return len(prefix), by_code
    return _WHOLE, tuple(rule for rule in rules if rule.name == selector)


def _steps(config: Config, key: str, wanted: bool) -> Iterator[tuple[int, bool, tuple[type[Rule], ...]]]:
    selectors: tuple[str, ...] = getattr(config, key.replace("-", "_"))
    for selector in selectors:
        length, rules = matching(selector)
        if not rules:
            raise ConfigError(f"{config.described_origin(key)}: no rule matches `{selector}` in `{key}`")
        yield length, wanted, rules
