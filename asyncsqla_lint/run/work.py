"""The pieces of a run that need nothing but what they are handed."""

from __future__ import annotations

from asyncsqla_lint.findings import Finding, Location, fingerprint
from asyncsqla_lint.program import Program
from asyncsqla_lint.rules.itself import SyntaxError as SyntaxErrorRule
from asyncsqla_lint.rules.itself import internal_error
from asyncsqla_lint.syntax import SyntaxFailure, lower
from asyncsqla_lint.workspace.decoding import DecodeError, decode


def program_of(key: str, data: bytes) -> Program | Finding:
    """The Program of a file, or why there is none."""
    try:
        return lower(decode(data))
    except (DecodeError, SyntaxFailure) as failure:
        place = Location(max(failure.row, 1), max(failure.column, 1))
        return Finding(
            SyntaxErrorRule.code,
            SyntaxErrorRule.name,
            failure.message,
            key,
            place,
            place,
            fingerprint=fingerprint(SyntaxErrorRule.code, key, "", failure.message),
        )
    except Exception as error:
        return internal_error(key, "the whole file", error)
