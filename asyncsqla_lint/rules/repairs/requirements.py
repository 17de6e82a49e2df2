"""What the project has to ask for."""

from __future__ import annotations

from asyncsqla_lint.findings import Fix, Location, Repair
from asyncsqla_lint.workspace.config import Greenless

_LOCKED_BY = {
    "uv.lock": "uv lock",
    "poetry.lock": "poetry lock",
    "pdm.lock": "pdm lock",
    "Pipfile.lock": "pipenv lock",
}


def ask_for_extra(lacking: Greenless, extra: str) -> Fix:
    """Safe, but for a lock file that has to follow: what installs from it fails until it is made anew."""
    start = Location(1, 1)
    arguments: dict[str, str | list[str] | bool] = {"requirement": lacking.requirement, "extra": extra}
    return Fix(
        f"Ask for `sqlalchemy[{extra}]` in `{lacking.path}`",
        "unsafe" if lacking.lock else "safe",
        (Repair("ask_for_extra", lacking.path, start, start, arguments),),
        then=_lock_again(lacking.lock) if lacking.lock else "",
    )


def _lock_again(lock: str) -> str:
    command = _LOCKED_BY.get(lock)
    return f"run `{command}`" if command else f"make `{lock}` anew"
