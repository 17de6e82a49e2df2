"""`clean`: remove the cache."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from asyncsqla_lint.cli.output import warn
from asyncsqla_lint.run.store import DIRECTORY, TAG, caches_below
from asyncsqla_lint.workspace.config import ConfigError
from asyncsqla_lint.workspace.config_files import load_config


@click.command(short_help="Remove the cache.")
@click.option("--cache-dir", type=click.Path(path_type=Path), help="The cache to remove.")
def command(cache_dir: Path | None) -> None:
    """Remove every cache below the current directory, and the configured one."""
    for directory in sorted(_caches(cache_dir)):
        if not (directory / TAG).is_file():
            # The one word that stops a wrong `--cache-dir ~` from becoming a disaster.
            warn(f"{directory}: not removed, since it holds no {TAG}")
            continue
        shutil.rmtree(directory, ignore_errors=True)
        click.echo(f"Removed {directory}")


def _caches(given: Path | None) -> set[Path]:
    if given is not None:
        return _at(given)
    found = {Path(cache) for cache in caches_below(_folders())}
    configured = os.environ.get("ASYNCSQLA_LINT_CACHE_DIR") or _configured()
    return found | (_at(Path(configured)) if configured else set())


def _at(directory: Path) -> set[Path]:
    """A cache in a directory that holds something else besides has one of its own there."""
    inner = directory / DIRECTORY
    return {one for one in (inner if inner.is_dir() else directory,) if one.is_dir()}


def _folders() -> list[str]:
    skipped = (".git", ".hg", ".venv", "venv", "node_modules", "site-packages")
    folders = []
    for folder, children, _ in os.walk("."):
        children[:] = [child for child in children if child not in skipped]
        folders.append(folder)
    return folders


def _configured() -> str | None:
    try:
        config = load_config(["."])
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    return os.path.join(config.root, config.cache_dir) if config.cache_dir else None
