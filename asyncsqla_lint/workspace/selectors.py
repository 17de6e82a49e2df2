"""Which rules a configuration turns on, with ruff's words: the more exact selector wins.

Rules are only named here, so that this floor stays below them: whoever knows the catalogue passes it in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from asyncsqla_lint.workspace.config import Config, ConfigError
from asyncsqla_lint.workspace.ignoring import Patterns

# Whether the tool worked is not a matter of taste: these can be ignored by name, but not left out.
ALWAYS = ("ASQ901", "ASQ903")


class Named(Protocol):
    """What selection needs of a rule: a class and a description of it both have it."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def preview(self) -> bool: ...


class Selection(Struct, frozen=True):
    enabled: frozenset[str]  # codes
    fixable: frozenset[str]
    per_file: tuple[tuple[str, bool, frozenset[str]], ...]  # pattern, negated, codes
    root: str


def select(config: Config, rules: Iterable[Named]) -> Selection:
    """Raises ConfigError for a selector that no rule answers to."""
    known = tuple(rules)
    chosen = _strengths(config, ("select", "extend-select"), known)
    ignored = _strengths(config, ("ignore", "extend-ignore"), known)
    enabled = {
        rule.code
        for rule in known
        if chosen.get(rule.code, -1) > ignored.get(rule.code, -1)
        and (not rule.preview or config.preview or chosen[rule.code] >= _EXACT)
    }
    enabled |= {rule.code for rule in known if rule.code in ALWAYS and rule.code not in ignored}
    fixable = _strengths(config, ("fixable",), known)
    unfixable = _strengths(config, ("unfixable",), known)
    return Selection(
        frozenset(enabled),
        frozenset(code for code, strength in fixable.items() if strength > unfixable.get(code, -1)),
        tuple(_per_file(config, known)),
        config.root,
    )


_EXACT = 6  # the length of a whole code; a name is as exact


def _strengths(config: Config, keys: Sequence[str], rules: Sequence[Named]) -> dict[str, int]:
    """Code to the strength of the most exact selector under these keys that covers it."""
    strengths: dict[str, int] = {}
    for key in keys:
        for selector in getattr(config, key.replace("-", "_")):
            covered, strength = _covered(selector, rules)
            if not covered:
                raise ConfigError(_unknown(config, key, selector, rules))
            for code in covered:
                strengths[code] = max(strength, strengths.get(code, -1))
    return strengths


def _covered(selector: str, rules: Sequence[Named]) -> tuple[frozenset[str], int]:
    if selector == "ALL":
        return frozenset(rule.code for rule in rules), 0
    prefix = selector.upper()
    if re.fullmatch(r"ASQ\d{0,3}", prefix):
        return frozenset(rule.code for rule in rules if rule.code.startswith(prefix)), len(prefix)
    return frozenset(rule.code for rule in rules if rule.name == selector), _EXACT


def _unknown(config: Config, key: str, selector: str, rules: Sequence[Named]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(
        selector, [word for rule in rules for word in (rule.code, rule.name)], n=1, cutoff=0.6
    )
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return f"{config.described_origin(key)}: `{key}` names {selector!r}, which no rule answers to{hint}"


# --- per-file-ignores ------------------------------------------------------------------------------


def _per_file(config: Config, rules: Sequence[Named]) -> Iterable[tuple[str, bool, frozenset[str]]]:
    for key in ("per-file-ignores", "extend-per-file-ignores"):
        table: dict[str, tuple[str, ...]] = getattr(config, key.replace("-", "_"))
        for pattern, selectors in table.items():
            codes: set[str] = set()
            for selector in selectors:
                covered, _ = _covered(selector, rules)
                if not covered:
                    raise ConfigError(_unknown(config, key, selector, rules))
                codes |= covered
            negated = pattern.startswith("!")
            yield (pattern[1:] if negated else pattern), negated, frozenset(codes)


class PerFileIgnores:
    """The codes that are off in a file. `"!src/**.py" = […]` turns them off everywhere else, as in ruff."""

    def __init__(self, selection: Selection) -> None:
        self._root = selection.root
        self._entries = [
            (Patterns(selection.root, [_whole_tree(pattern)]), negated, codes)
            for pattern, negated, codes in selection.per_file
        ]

    def __call__(self, path: str) -> frozenset[str]:
        codes: frozenset[str] = frozenset()
        for patterns, negated, ignored in self._entries:
            if self._matches(patterns, path) != negated:
                codes |= ignored
        return codes

    def _matches(self, patterns: Patterns, path: str) -> bool:
        """The file, or a directory that it lies in."""
        is_directory = False
        while len(path) > len(self._root):
            if patterns.decides(path, os.path.basename(path), is_directory):
                return True
            path, is_directory = os.path.dirname(path), True
        return False


def _whole_tree(pattern: str) -> str:
    """gitignore's `**` spans directories only as a whole segment; in `tests/**.py` ruff's does too."""
    return re.sub(r"(^|/)\*\*(?=[^/*])", r"\1**/*", pattern.removeprefix("./"))
