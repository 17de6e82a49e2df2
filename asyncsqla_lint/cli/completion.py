"""`completion SHELL`: print what makes the shell complete commands, options, formats and rules."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from asyncsqla_lint.about import NAME


@click.command(short_help="Print a shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script for SHELL.

    \b
    bash:  eval "$(asyncsqla-lint completion bash)"        in ~/.bashrc
    zsh:   eval "$(asyncsqla-lint completion zsh)"         in ~/.zshrc
    fish:  asyncsqla-lint completion fish | source         in ~/.config/fish/config.fish
    """
    from asyncsqla_lint.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # click has all three of the choices
    variable = f"_{NAME.replace('-', '_').upper()}_COMPLETE"
    click.echo(kind(cli, {}, NAME, variable).source())


def complete_rules(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Codes with their names; after a comma, the next one."""
    from asyncsqla_lint.rules import catalogue

    before, comma, typed = incomplete.rpartition(",")
    return [
        CompletionItem(f"{before}{comma}{rule.code}", help=rule.name)
        for rule in catalogue.rules()
        if rule.code.startswith(typed.upper())
    ]
