"""ASQ9: what the tool says of itself. The run reports these; no handler does."""

from __future__ import annotations

from asyncsqla_lint.findings import (
    INTERNAL_ERROR,
    SYNTAX_ERROR,
    UNUSED_SUPPRESSION,
    Finding,
    Location,
    fingerprint,
)
from asyncsqla_lint.rules.rule import Rule, Silent

_OF_THE_TOOL = Silent("the finding is about the source text or the linter, not about a run of the program")


class SyntaxError(Rule):
    """
    ## What it does
    Reports a file that cannot be parsed. The rest of the run goes on.

    ## Why is this bad?
    Nothing in the file was checked, and what other files know of its models and functions is missing.

    ## Example
    ```python
    async def load(session:
    ```

    ## Use instead
    ```python
    async def load(session: AsyncSession) -> None: ...
    ```
    """

    code = SYNTAX_ERROR
    name = "syntax-error"
    outcome = _OF_THE_TOOL


class UnusedSuppression(Rule):
    """
    ## What it does
    Reports a suppression comment that names an `ASQ` code and silences nothing.

    ## Why is this bad?
    The comment claims a defect that is not there, and would hide a new one that comes later.

    ## Example
    ```python
    await session.commit()  # noqa: ASQ401
    ```

    ## Use instead
    ```python
    await session.commit()
    ```
    """

    code = UNUSED_SUPPRESSION
    name = "unused-suppression"
    fix = "safe"
    outcome = _OF_THE_TOOL


class InternalError(Rule):
    """
    ## What it does
    Reports that the linter failed while it checked a function or file. The rest of the run goes on, and
    the exit code is 2.

    ## Why is this bad?
    What stands there was not checked. It is a defect of the linter, never of your code.

    ## Example
    ```console
    app/orders.py:42:1: ASQ903 the linter failed in `load_orders` (KeyError: 'orders')
    ```

    ## Use instead
    Report the message with the function that it names. Until it is mended, nothing else is affected.
    """

    code = INTERNAL_ERROR
    name = "internal-error"
    outcome = _OF_THE_TOOL


def internal_error(path: str, where: str, error: BaseException) -> Finding:
    """ASQ903: what was not checked, and what to report."""
    text = " ".join(str(error).split())
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return Finding(
        InternalError.code,
        InternalError.name,
        f"the linter failed in {where} ({_short(what)}){_raised_at(error)}",
        path,
        Location(1, 1),
        Location(1, 1),
        fingerprint=fingerprint(InternalError.code, path, where, type(error).__name__),
    )


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


def _raised_at(error: BaseException) -> str:
    """The line of ours that failed, so that the report of one user is enough to find it."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] == __name__.partition(".")[0]:
            place = f", raised at {module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
