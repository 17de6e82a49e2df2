"""The linter for async SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsqla_lint.about import VERSION as __version__

if TYPE_CHECKING:
    from asyncsqla_lint.api import check
    from asyncsqla_lint.findings import Finding
    from asyncsqla_lint.workspace.config import Config, ConfigError

__all__ = ["Config", "ConfigError", "Finding", "__version__", "check"]

_HOMES = {
    "Config": "asyncsqla_lint.workspace.config",
    "ConfigError": "asyncsqla_lint.workspace.config",
    "Finding": "asyncsqla_lint.findings",
    "check": "asyncsqla_lint.api",
}


def __getattr__(name: str) -> object:
    """Imported when first asked for, so that `asyncsqla-lint --version` pays for none of it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
