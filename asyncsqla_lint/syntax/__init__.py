"""From source text to a Program."""

from __future__ import annotations

from asyncsqla_lint.syntax.again import lower_again
from asyncsqla_lint.syntax.failure import SyntaxFailure
from asyncsqla_lint.syntax.module import lower

__all__ = ["SyntaxFailure", "lower", "lower_again"]
