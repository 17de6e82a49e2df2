"""The one door for every surface: paths and settings in, findings out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Union

from asyncsqla_lint.findings import Finding
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.config_files import load_config

Path = Union[str, "os.PathLike[str]"]


def check(paths: Path | Iterable[Path], config: Config | None = None) -> list[Finding]:
    """Check files and directories, as `asyncsqla-lint check` does.

    Without a config, the settings are read from the nearest configuration file above the paths; with one,
    no file is read. Raises `ConfigError` for settings that cannot be used, and `OSError` for a path that
    is not there or cannot be read.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    names = [os.fspath(path) for path in given]
    report = run(names, load_config(names) if config is None else config)
    if report.errors:
        raise OSError("; ".join(map(str, report.errors)))
    return list(report.findings)
