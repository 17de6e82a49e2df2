"""The group of commands, and how a run ends: exit codes, one-line errors, quiet pipes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from asyncsqla_lint.about import NAME, VERSION
from asyncsqla_lint.cli.output import complain, silence_stdout

CLEAN = 0
FOUND = 1
FAILED = 2
INTERRUPTED = 130


class LazyGroup(click.Group):
    """Imports a command's module when the command is wanted: `rule` must not pay for `check`."""

    commands_by_module = ("check", "rule", "config", "clean", "server", "completion")

    def list_commands(self, context: click.Context) -> list[str]:
        return [*self.commands_by_module, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in self.commands_by_module:
            module = import_module(f"asyncsqla_lint.cli.{name}")
            command: click.Command = module.command
            return command
        return super().get_command(context, name)


@click.group(
    cls=LazyGroup,
    name=NAME,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="The linter for async SQLAlchemy.",
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.version_option(VERSION, "-V", "--version", prog_name=NAME, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        context.exit(FAILED)


@cli.command("version", help="Print the version.")
def version() -> None:
    click.echo(f"{NAME} {VERSION}")


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code: 0 clean, 1 findings, 2 trouble."""
    try:
        result = cli.main(args=list(arguments), prog_name=NAME, standalone_mode=False)
    except click.ClickException as error:
        complain(_said(error))
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        silence_stdout()
        return CLEAN
    except Exception as error:
        # Python would end with 1, which says "findings".
        import traceback

        traceback.print_exc()
        complain(
            f"this is a defect of {NAME} {VERSION}: {type(error).__name__}; please report the lines above"
        )
        return FAILED
    return result if isinstance(result, int) else CLEAN


def _said(error: click.ClickException) -> str:
    """Click's message on one line, with where to read more."""
    text = " ".join(error.format_message().split())
    if (
        isinstance(error, click.UsageError)
        and error.ctx is not None
        and not isinstance(error, click.BadParameter)
    ):
        return f"{text.rstrip('.')} (see `{error.ctx.command_path} --help`)"
    return text
