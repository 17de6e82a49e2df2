"""The options of `check`, in ruff's words, and how they become overrides of the configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from msgspec import Struct

from asyncsqla_lint.cli.completion import complete_rules
from asyncsqla_lint.report import FORMATS

# The one switch that promises fixes to users: `[*]` marks, and what `rule` says of a rule's fix.
CAN_FIX = True

Command = TypeVar("Command", bound=Callable[..., object])


class Options(Struct, frozen=True, kw_only=True):
    """What the command line said. None means not given, so that the configuration decides."""

    paths: tuple[str, ...]
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    extend_select: tuple[str, ...]
    extend_ignore: tuple[str, ...]
    preview: bool | None
    fix: bool
    unsafe_fixes: bool | None
    diff: bool
    show_fixes: bool
    fixable: tuple[str, ...]
    unfixable: tuple[str, ...]
    add_noqa: bool
    confidence: str | None
    target_sqlalchemy: str | None
    exclude: tuple[str, ...]
    extend_exclude: tuple[str, ...]
    force_exclude: bool | None
    respect_gitignore: bool | None
    output_format: str | None
    output_file: Path | None
    statistics: bool
    exit_zero: bool
    quiet: bool
    baseline: Path | None
    write_baseline: bool
    jobs: int | None
    cluster: str | None
    cache: bool
    cache_dir: Path | None
    config: tuple[str, ...]
    isolated: bool
    stdin_filename: str | None
    show_files: bool
    show_settings: bool

    def overrides(self) -> dict[str, object]:
        given: dict[str, object] = {
            "select": self.select or None,
            "ignore": self.ignore or None,
            "extend-select": self.extend_select or None,
            "extend-ignore": self.extend_ignore or None,
            "preview": self.preview,
            "unsafe-fixes": self.unsafe_fixes,
            "fixable": self.fixable or None,
            "unfixable": self.unfixable or None,
            "confidence": self.confidence,
            "target-sqlalchemy": self.target_sqlalchemy,
            "exclude": self.exclude or None,
            "extend-exclude": self.extend_exclude or None,
            "force-exclude": self.force_exclude,
            "respect-gitignore": self.respect_gitignore,
            "output-format": self.output_format,
        }
        return {key: value for key, value in given.items() if value is not None}


def _commas(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(item.strip() for value in values for item in value.split(",") if item.strip())


def _selectors(name: str, text: str) -> Callable[[Command], Command]:
    return click.option(
        name, multiple=True, metavar="CODES", callback=_commas, shell_complete=complete_rules, help=text
    )


def _patterns(name: str, text: str) -> Callable[[Command], Command]:
    return click.option(name, multiple=True, metavar="PATTERNS", callback=_commas, help=text)


_OPTIONS: tuple[Callable[[Callable[..., object]], Callable[..., object]], ...] = (
    click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATHS]..."),
    _selectors("--select", "Rules to turn on: codes, prefixes, names or ALL, with commas between."),
    _selectors("--ignore", "Rules to turn off."),
    _selectors("--extend-select", "Rules to turn on besides those selected."),
    _selectors("--extend-ignore", "Rules to turn off besides those ignored."),
    click.option("--fix", is_flag=True, help="Mend what can be mended safely."),
    click.option(
        "--unsafe-fixes/--no-unsafe-fixes",
        default=None,
        help="Count as fixes also those that need a look afterwards.",
    ),
    click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing."),
    click.option("--show-fixes", is_flag=True, help="List the fixes that were made."),
    _selectors("--fixable", "Rules whose findings may be fixed."),
    _selectors("--unfixable", "Rules whose findings may not be fixed."),
    click.option("--add-noqa", is_flag=True, help="Write a suppression for each finding that is left."),
    click.option("--preview/--no-preview", default=None, help="Turn on the rules that are in preview."),
    click.option(
        "--confidence",
        type=click.Choice(["certain", "likely"]),
        help="The least confidence that is reported.",
    ),
    click.option(
        "--target-sqlalchemy",
        type=click.Choice(["auto", "2.0", "2.1"]),
        help="The SQLAlchemy release that the project runs on.",
    ),
    _patterns("--exclude", "Files and directories to leave out, instead of the configured ones."),
    _patterns("--extend-exclude", "Files and directories to leave out besides the configured ones."),
    click.option(
        "--force-exclude/--no-force-exclude", default=None, help="Leave out excluded files even when named."
    ),
    click.option(
        "--respect-gitignore/--no-respect-gitignore", default=None, help="Leave out what git ignores."
    ),
    click.option(
        "--output-format",
        type=click.Choice(list(FORMATS)),
        envvar="ASYNCSQLA_LINT_OUTPUT_FORMAT",
        help="How findings are shown. [default: full on a terminal, else concise]",
    ),
    click.option(
        "--output-file",
        "-o",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="ASYNCSQLA_LINT_OUTPUT_FILE",
        help="Write the report to a file.",
    ),
    click.option("--statistics", is_flag=True, help="Show counts by rule, and how much was decided."),
    click.option("--exit-zero", "-e", is_flag=True, help="Exit with 0 even when there are findings."),
    click.option("--quiet", "-q", is_flag=True, help="Print findings, but no summary."),
    click.option(
        "--baseline",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Do not report the findings that this file knows.",
    ),
    click.option("--write-baseline", is_flag=True, help="Write today's findings to the baseline."),
    click.option(
        "--jobs",
        "-j",
        type=click.IntRange(min=1),
        metavar="N",
        help="How many processes share the work: as many as there are processors.",
    ),
    click.option("--cluster", metavar="ADDRESS", help="The Dask scheduler whose workers do the work."),
    click.option("--cache/--no-cache", default=True, help="Remember what was found out."),
    click.option(
        "--cache-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where to remember it: .asyncsqla_lint_cache in the project's root.",
    ),
    click.option(
        "--config",
        multiple=True,
        metavar="FILE|KEY=VALUE",
        help="A configuration file, or one setting in TOML. May be repeated.",
    ),
    click.option("--isolated", is_flag=True, help="Read no configuration file."),
    click.option("--stdin-filename", metavar="NAME", help="The file that standard input stands for."),
    click.option("--show-files", is_flag=True, help="List the files that would be checked, and end."),
    click.option("--show-settings", is_flag=True, help="Show the settings as they hold, and end."),
)


def check_options(command: Callable[..., object]) -> Callable[..., object]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
