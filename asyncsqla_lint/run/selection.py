"""What a configuration keeps of a file's findings: codes, per-file-ignores, confidence, fixability."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import msgspec

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.rules.catalogue import rules
from asyncsqla_lint.rules.selection import ALWAYS, matching, selected
from asyncsqla_lint.workspace.config import Config, ConfigError
from asyncsqla_lint.workspace.ignoring import Patterns


class Selection:
    """Made once for each configuration; raises ConfigError for a selector that no rule answers to."""

    def __init__(self, config: Config) -> None:
        self.enabled = selected(config)
        self._certain_only = config.confidence == "certain"
        self._fixable = _codes(config, "fixable")
        self._unfixable = _codes(config, "unfixable")
        self._better = {rule.code: rule.gives_way for rule in rules() if rule.gives_way}
        self._root = config.root
        self._per_file = [
            (
                Patterns(config.root, [_pattern(pattern)]),
                pattern.startswith("!"),
                _named(config, key, selectors),
            )
            for key in ("per-file-ignores", "extend-per-file-ignores")
            for pattern, selectors in getattr(config, key.replace("-", "_")).items()
        ]

    def keeps(self, finding: Finding, ignored: frozenset[str]) -> bool:
        if finding.code not in self.enabled or finding.code in ignored:
            return False
        return not (self._certain_only and finding.confidence == "likely")

    def consistent(self, findings: Sequence[Finding]) -> list[Finding]:
        """Without those that take what stands at a place for another kind than one that knows better."""
        told = {(finding.location, finding.code) for finding in findings if finding.code in self.enabled}
        return [
            finding
            for finding in findings
            if not any((finding.location, code) in told for code in self._better.get(finding.code, ()))
        ]

    def ignored_in(self, path: str) -> frozenset[str]:
        """The codes that are off in a file (an absolute path)."""
        codes: frozenset[str] = frozenset()
        for patterns, negated, ignored in self._per_file:
            if self._matches(patterns, path) != negated:
                codes |= ignored
        return codes - ALWAYS

    def with_fix(self, finding: Finding) -> Finding:
        """The finding without a fix that the configuration does not want."""
        if finding.fix is None:
            return finding
        strength = self._fixable.get(finding.code, -1)
        if strength > self._unfixable.get(finding.code, -1):
            return finding
        return msgspec.structs.replace(finding, fix=None)

    def _matches(self, patterns: Patterns, path: str) -> bool:
        """The file itself, or a directory that it lies in."""
        is_directory = False
        while path.startswith(self._root) and len(path) > len(self._root):
            if patterns.decides(path, os.path.basename(path), is_directory):
                return True
            path, is_directory = os.path.dirname(path), True
        return False


def _codes(config: Config, key: str) -> dict[str, int]:
    """Code to the strength of the most specific selector that names it."""
    strengths: dict[str, int] = {}
    for selector in getattr(config, key):
        strength, rules = matching(selector)
        if not rules:
            raise ConfigError(f"{config.described_origin(key)}: no rule matches `{selector}` in `{key}`")
        for rule in rules:
            strengths[rule.code] = max(strength, strengths.get(rule.code, -1))
    return strengths


def _named(config: Config, key: str, selectors: tuple[str, ...]) -> frozenset[str]:
    codes: set[str] = set()
    for selector in selectors:
        rules = matching(selector)[1]
        if not rules:
            raise ConfigError(f"{config.described_origin(key)}: no rule matches `{selector}` in `{key}`")
        codes.update(rule.code for rule in rules)
    return frozenset(codes)


def _pattern(pattern: str) -> str:
    """gitignore's `**` spans directories only as a whole segment; in ruff's `tests/**.py` it does too."""
    plain = pattern.removeprefix("!").removeprefix("./")
    return re.sub(r"(^|/)\*\*(?=[^/*])", r"\1**/*", plain)
