"""`check`: the run from arguments to a report and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from asyncsqla_lint.about import DOCUMENTATION, VERSION
from asyncsqla_lint.cli.baseline import Baseline, BaselineError, write_baseline
from asyncsqla_lint.cli.config import shown
from asyncsqla_lint.cli.fixing import Fixing, add_suppressions, editor
from asyncsqla_lint.cli.options import CAN_FIX, Options, check_options
from asyncsqla_lint.cli.output import OutputError, wants_color, warn, write
from asyncsqla_lint.cli.progress import Progress
from asyncsqla_lint.report import FORMATS, statistics
from asyncsqla_lint.report.context import Context, RuleText
from asyncsqla_lint.run.cache import Cache, stored
from asyncsqla_lint.run.outcome import CLEAN, FAILED, FOUND, Report
from asyncsqla_lint.run.pipeline import run as run_pipeline
from asyncsqla_lint.workspace.config import Config, ConfigError
from asyncsqla_lint.workspace.config_files import load_config
from asyncsqla_lint.workspace.discovery import discover

if TYPE_CHECKING:
    from asyncsqla_lint.run.pool import Backend

STDIN = "-"


@click.command(short_help="Check files and directories.")
@check_options
def command(**given: object) -> int:
    """Check PATHS (the current directory by default; `-` reads standard input).

    Exits with 0 when nothing was found, 1 when something was, 2 when something could not be checked.
    """
    options = Options(**given)  # type: ignore[arg-type]  # click's names are the fields'
    try:
        return _check(options)
    except (ConfigError, BaselineError, OutputError) as error:
        raise click.ClickException(str(error)) from None


def _check(options: Options) -> int:
    _refuse_contradictions(options)
    overlay = _standard_input(options)
    paths = list(overlay) or list(options.paths) or ["."]
    for path in paths:
        if path not in overlay and not os.path.exists(path):
            raise click.ClickException(f"{path}: no such file or directory")
    config = load_config(
        paths, config_file=options.config, isolated=options.isolated, overrides=options.overrides()
    )
    if options.show_settings:
        write(shown(config), None)
        return CLEAN
    if options.show_files:
        return _show_files(paths, config)
    cache = stored(config, _absolute(options.cache_dir)) if options.cache else Cache()
    fixing = None
    with _backend(options) as backend:
        with Progress() as progress:
            report = run_pipeline(
                paths, config, overlay=overlay, progress=progress, cache=cache, backend=backend
            )
        if options.fix or options.diff:
            fixing = Fixing(paths, config, overlay, cache, backend, lambda report: _fresh(report, options))
            report = fixing.mended(report)
    if fixing is not None:
        if options.diff:
            return fixing.show_difference()
        written = fixing.save()
        if overlay:
            return report.exit_code
        if not written:
            _conclude(fixing.checked_again(), options, config, cache, fixing)
            return FAILED
    if options.add_noqa:
        return add_suppressions(_fresh(report, options))
    return _conclude(report, options, config, cache, fixing)


def _refuse_contradictions(options: Options) -> None:
    if options.write_baseline and options.baseline is None:
        raise click.UsageError("--write-baseline needs --baseline FILE")
    if STDIN in options.paths and len(options.paths) > 1:
        raise click.UsageError("standard input (`-`) is checked alone, without other paths")
    if options.add_noqa and (options.diff or STDIN in options.paths):
        raise click.UsageError("--add-noqa changes files: it goes with neither --diff nor `-`")
    if options.stdin_filename is not None and STDIN not in options.paths:
        raise click.UsageError("--stdin-filename goes with `-`")
    for path in options.paths:
        if not path:
            raise click.UsageError("a path is empty")


def _standard_input(options: Options) -> dict[str, bytes]:
    """The file that standard input stands for, and its text: what an editor has not saved yet."""
    if STDIN not in options.paths:
        return {}
    return {os.path.abspath(options.stdin_filename or STDIN): sys.stdin.buffer.read()}


@contextmanager
def _backend(options: Options) -> Iterator[Backend | None]:
    if options.cluster is not None:
        from asyncsqla_lint.run.cluster import ClusterError, dask

        try:
            with dask(options.cluster) as cluster:
                yield cluster
        except ClusterError as error:
            raise click.ClickException(str(error)) from None
        return
    from asyncsqla_lint.run.pool import Pool, available

    workers = options.jobs or available()
    yield Pool(workers) if workers > 1 else None


def _absolute(path: Path | None) -> str | None:
    """A path on the command line starts from the working directory; one in a file, from the root."""
    return None if path is None else os.path.abspath(path)


def _show_files(paths: Sequence[str], config: Config) -> int:
    discovery = discover(paths, config)
    write((f"{file.path}\n" for file in discovery.files), None)
    for error in discovery.errors:
        warn(str(error))
    return FAILED if discovery.errors else CLEAN


# --- the end of a run ------------------------------------------------------------------------------


def _fresh(report: Report, options: Options) -> Report:
    """What the baseline does not know."""
    if options.baseline is None or options.write_baseline:
        return report
    fresh = Baseline.read(options.baseline).new(report.findings, options.baseline.parent)
    return msgspec.structs.replace(report, findings=fresh)


def _conclude(report: Report, options: Options, config: Config, cache: Cache, fixing: Fixing | None) -> int:
    for trouble in (*report.errors, *report.notes):
        warn(str(trouble))
    known = 0
    if options.baseline is not None:
        if options.write_baseline:
            count = write_baseline(report.findings, options.baseline)
            click.echo(f"Wrote {_counted(count, 'finding')} to {options.baseline}")
            return FAILED if report.exit_code == FAILED else CLEAN
        before = len(report.findings)
        report = _fresh(report, options)
        known = before - len(report.findings)
    name = options.output_format or config.output_format or default_format()
    context = Context(
        version=VERSION,
        read=report.read,
        rules=rule_texts,
        documentation=DOCUMENTATION,
        can_fix=CAN_FIX,
        unsafe_fixes=config.unsafe_fixes,
        edits=editor(report, cache),
        color=options.output_file is None and wants_color(sys.stdout),
        summary=() if options.quiet else tuple(_summary(report, known, options, config, fixing)),
    )
    write(_rendered(name, report, options, context), options.output_file)
    cache.save()  # what fixes would do
    return CLEAN if options.exit_zero and report.exit_code == FOUND else report.exit_code


def _rendered(name: str, report: Report, options: Options, context: Context) -> Iterator[str]:
    if not options.statistics:
        return FORMATS[name].load()(report.findings, context)
    if FORMATS[name].for_people:
        return statistics.render(report.findings, report.statistics.reach(), context)
    if name == "json":
        return statistics.render_json(report.findings, context)
    raise click.UsageError(f"--statistics has no {name} form: use json, or a format for people")


def default_format() -> str:
    return "full" if sys.stdout.isatty() else "concise"


def _summary(
    report: Report, known: int, options: Options, config: Config, fixing: Fixing | None
) -> Iterator[str]:
    files = report.statistics.files
    if fixing is not None and options.show_fixes:
        yield from fixing.listed()
    left = len(report.findings)
    if fixing is not None and fixing.count:
        yield f"Found {_counted(left + fixing.count, 'error')} ({fixing.count:,} fixed, {left:,} remaining)."
    elif report.findings:
        yield f"Found {_counted(left, 'error')}."
    elif not files:
        yield "No Python files to check."
    elif not report.uses_sqlalchemy:
        yield f"No SQLAlchemy in {_counted(files, 'file')}: nothing to check."
    elif not report.errors:
        yield "All checks passed!"
    if fixing is not None and fixing.refused and not options.show_fixes:
        yield f"{_counted(fixing.refused, 'fix')} could not be made; `--show-fixes` says why."
    yield from _fixable(report, config)
    if known:
        yield f"({_counted(known, 'finding')} in the baseline not shown.)"


def _fixable(report: Report, config: Config) -> Iterator[str]:
    """How many of the findings `--fix` would mend, and how many only `--unsafe-fixes`."""
    fixes = [finding.fix.applicability for finding in report.findings if finding.fix is not None]
    unsafe = fixes.count("unsafe")
    fixable = len(fixes) if config.unsafe_fixes else len(fixes) - unsafe
    hidden = 0 if config.unsafe_fixes else unsafe
    if fixable:
        more = f" ({hidden:,} more with the `--unsafe-fixes` option)" if hidden else ""
        yield f"[*] {fixable:,} fixable with the `--fix` option{more}."
    elif hidden:
        yield f"No fixes available ({hidden:,} with the `--unsafe-fixes` option)."


def _counted(count: int, thing: str) -> str:
    ending = "" if count == 1 else "es" if thing.endswith("x") else "s"
    return f"{count:,} {thing}{ending}"


# --- what formats may ask for ----------------------------------------------------------------------


def rule_texts() -> dict[str, RuleText]:
    from asyncsqla_lint.rules import catalogue

    return {
        rule.code: RuleText(
            code=rule.code,
            name=rule.name,
            summary=rule.documentation.summary,
            why=rule.documentation.why,
            group=rule.group,
            fix=rule.fix,
        )
        for rule in catalogue.describe_all()
    }
