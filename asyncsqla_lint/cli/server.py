"""`server`: speak to an editor."""

from __future__ import annotations

import click


@click.command(short_help="Start the language server.")
def command() -> None:
    """Speak the language server protocol on standard input and output, for editors."""
    try:
        from asyncsqla_lint.integrations.language_server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise click.ClickException("the language server needs `pip install 'asyncsqla-lint[lsp]'`") from None
    serve()
