"""`config [KEY]`: what can be set in `[tool.asyncsqla-lint]`, and to what."""

from __future__ import annotations

from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem
from msgspec import Struct

from asyncsqla_lint.cli.output import write
from asyncsqla_lint.workspace.config import FRAMEWORKS, OUTPUT_FORMATS, Config
from asyncsqla_lint.workspace.config_files import KEYS, SECTION, did_you_mean


class Setting(Struct, frozen=True):
    summary: str
    type: str
    example: str
    more: str = ""


_SELECTORS = "list of codes, prefixes, names or ALL"

SETTINGS: dict[str, Setting] = {
    "select": Setting(
        "The rules to turn on.",
        _SELECTORS,
        'select = ["ASQ2", "ASQ301"]',
        "The most specific selector wins. A preview rule needs its full code or name, or `preview`.",
    ),
    "extend-select": Setting(
        "Rules to turn on besides `select`.", _SELECTORS, 'extend-select = ["engine-per-call"]'
    ),
    "ignore": Setting("Rules to turn off.", _SELECTORS, 'ignore = ["ASQ304"]'),
    "extend-ignore": Setting("Rules to turn off besides `ignore`.", _SELECTORS, 'extend-ignore = ["ASQ4"]'),
    "per-file-ignores": Setting(
        "Rules to turn off in the files that match a pattern.",
        "table of pattern to selectors",
        'per-file-ignores = { "tests/**" = ["ASQ105"] }',
    ),
    "extend-per-file-ignores": Setting(
        "The same, besides `per-file-ignores`.",
        "table of pattern to selectors",
        'extend-per-file-ignores = { "scripts/*" = ["ASQ106"] }',
    ),
    "fixable": Setting("Rules whose findings may be fixed.", _SELECTORS, 'fixable = ["ASQ4"]'),
    "unfixable": Setting("Rules whose findings are never fixed.", _SELECTORS, 'unfixable = ["ASQ304"]'),
    "unsafe-fixes": Setting(
        "Whether fixes that need a look are applied too.", "boolean", "unsafe-fixes = true"
    ),
    "preview": Setting("Whether rules in preview are on.", "boolean", "preview = true"),
    "confidence": Setting(
        "The least confidence that is reported.",
        "certain or likely",
        'confidence = "certain"',
        "`certain`: the defect is there on every path that reaches the line. `likely`: on some path,\n"
        "or under an assumption that the message names.",
    ),
    "exclude": Setting(
        "Files and directories to leave out, in gitignore's patterns.",
        "list of patterns",
        'exclude = ["migrations", "*_pb2.py"]',
        "Replaces the default list; `extend-exclude` adds to it.",
    ),
    "extend-exclude": Setting(
        "Files and directories to leave out besides `exclude`.",
        "list of patterns",
        'extend-exclude = ["vendor"]',
    ),
    "force-exclude": Setting(
        "Whether excludes hold for files that are named on the command line, as pre-commit does.",
        "boolean",
        "force-exclude = true",
    ),
    "respect-gitignore": Setting(
        "Whether files that git ignores are left out.", "boolean", "respect-gitignore = false"
    ),
    "src": Setting("Where top-level modules and packages stand.", "list of directories", 'src = ["backend"]'),
    "target-sqlalchemy": Setting(
        "The SQLAlchemy release that the project runs on.",
        "auto, 2.0 or 2.1",
        'target-sqlalchemy = "2.1"',
        "`auto` reads the project's lock and dependency files.",
    ),
    "async-drivers": Setting(
        "The async driver that a fix puts in the place of a sync one.",
        "table of dialect to driver",
        'async-drivers = { postgresql = "psycopg" }',
    ),
    "framework": Setting(
        "The frameworks in use; by default they are seen from the imports.",
        f"list of {', '.join(FRAMEWORKS)}",
        'framework = ["fastapi", "pydantic"]',
    ),
    "cache-dir": Setting("Where the cache stands.", "path", 'cache-dir = ".cache/asyncsqla-lint"'),
    "output-format": Setting(
        "How findings are shown; by default `full` on a terminal, else `concise`.",
        f"one of {', '.join(OUTPUT_FORMATS)}",
        'output-format = "concise"',
    ),
    "extend": Setting(
        "Another configuration file, whose settings hold where this one says nothing.",
        "path",
        'extend = "../pyproject.toml"',
    ),
}


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(key, help=SETTINGS[key].summary) for key in KEYS if key.startswith(incomplete)]


@click.command(short_help="List the settings, or describe one.")
@click.argument("key", required=False, shell_complete=_complete)
def command(key: str | None) -> None:
    """List the settings that `[tool.asyncsqla-lint]` takes, or describe KEY."""
    if key is None:
        write(_listed(), None)
        return
    if key not in SETTINGS:
        raise click.ClickException(f"no setting {key!r}{did_you_mean(key, KEYS)}")
    write(_described(key), None)


def _listed() -> Iterator[str]:
    width = max(map(len, KEYS))
    for key in KEYS:
        yield f"{key:<{width}}  {SETTINGS[key].summary}\n"


def _described(key: str) -> Iterator[str]:
    setting = SETTINGS[key]
    yield f"{key}: {setting.summary}\n\n"
    if setting.more:
        yield f"{setting.more}\n\n"
    yield f"Type: {setting.type}\n"
    if key != "extend":
        yield f"Default: {toml(getattr(Config(), key.replace('-', '_')))}\n"
    yield f"\n[tool.{SECTION}]\n{setting.example}\n"


def shown(config: Config) -> Iterator[str]:
    """`--show-settings`: every setting as it holds, in TOML."""
    yield f"# {config.origin or 'defaults; no configuration file'}\n"
    yield f"# root: {config.root}\n"
    for key in KEYS:
        if key == "extend":
            continue
        value = getattr(config, key.replace("-", "_"))
        yield f"# {key}: not set\n" if value is None else f"{key} = {toml(value)}\n"


def toml(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    import json

    return json.dumps(str(value), ensure_ascii=False)
