"""The settings of a run, as data. `config_files` reads them."""

from __future__ import annotations

import os
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct

from asyncsqla_lint.findings import Confidence

Target = Literal["auto", "2.0", "2.1"]
Release = Literal["2.0", "2.1"]

# ruff's, so that both tools walk the same tree, and our own cache.
DEFAULT_EXCLUDE = (
    ".asyncsqla_lint_cache",
    ".bzr",
    ".direnv",
    ".eggs",
    ".git",
    ".git-rewrite",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pants.d",
    ".pyenv",
    ".pytest_cache",
    ".pytype",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    ".vscode",
    "__pypackages__",
    "_build",
    "buck-out",
    "dist",
    "node_modules",
    "site-packages",
    "venv",
)

OUTPUT_FORMATS = (
    "full",
    "concise",
    "grouped",
    "json",
    "json-lines",
    "github",
    "gitlab",
    "sarif",
    "junit",
    "azure",
    "rdjson",
    "pylint",
)

# Those of `frameworks.registry`, which is a floor above.
FRAMEWORKS = (
    "advanced-alchemy",
    "aiogram",
    "aiohttp",
    "alembic",
    "arq",
    "dataloaders",
    "dependency-injector",
    "discord",
    "dishka",
    "factories",
    "fastapi",
    "fastapi-pagination",
    "fastapi-users",
    "graphene",
    "jinja",
    "litestar",
    "marshmallow",
    "msgspec",
    "outcomes",
    "pydantic",
    "pytest",
    "python-telegram-bot",
    "quart",
    "sanic",
    "sqlmodel",
    "starlette",
    "strawberry",
)


class ConfigError(Exception):
    """A setting that cannot be used. The message is one line that names the place, the key and the cure."""


class Greenless(Struct, frozen=True):
    """A requirement of SQLAlchemy 2.1 that brings no greenlet."""

    requirement: str
    path: str  # of the file that has it, from the run's root, with slashes
    lock: str  # the name of the lock file that follows it, if there is one


class Config(Struct, frozen=True, kw_only=True):
    """Every setting. Relative paths and patterns start from `root`."""

    root: str = msgspec.field(default_factory=os.getcwd)
    origin: str = ""  # the file the settings were read from; empty for defaults
    nested: bool = False  # whether a configuration file further down rules what is below it
    command_line: tuple[dict[str, object], ...] = ()  # what was laid over any file, in the file's words

    lacks_greenlet: Greenless | None = None  # found by the run, not a setting
    dependencies_end_first: bool = False  # likewise: before FastAPI sends the response

    select: tuple[str, ...] = ("ASQ",)
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_ignore: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = {}
    extend_per_file_ignores: dict[str, tuple[str, ...]] = {}
    fixable: tuple[str, ...] = ("ALL",)
    unfixable: tuple[str, ...] = ()
    unsafe_fixes: bool = False
    preview: bool = False
    confidence: Confidence = "likely"  # the least that is reported

    exclude: tuple[str, ...] = DEFAULT_EXCLUDE
    extend_exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    respect_gitignore: bool = True
    src: tuple[str, ...] = ()  # directories on sys.path; empty: found out from the imports

    target_sqlalchemy: Target = "auto"
    async_drivers: dict[str, str] = {}  # dialect -> driver, for the fix of ASQ102
    framework: tuple[str, ...] = ()  # empty: seen from the imports

    cache_dir: str | None = None
    output_format: str | None = None  # None: "full" on a terminal, else "concise"

    def digest(self) -> str:
        """The same for equal settings, wherever the project stands and however it is shown: part of a key."""
        portable = msgspec.structs.replace(
            self, root="", origin="", command_line=(), nested=False, cache_dir=None, output_format=None
        )
        return blake2b(msgspec.json.encode(portable, order="deterministic"), digest_size=16).hexdigest()

    @property
    def release(self) -> Release:
        """The target release; "auto" that nobody resolved counts as 2.0, the stricter of the two."""
        return "2.1" if self.target_sqlalchemy == "2.1" else "2.0"

    def described_origin(self, key: str) -> str:
        """Where a key's value came from, for messages."""
        if any(key in layer for layer in self.command_line):
            return "command line"
        return self.origin or "configuration"
