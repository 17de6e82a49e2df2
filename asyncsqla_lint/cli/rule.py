"""`rule`: list the rules, or explain some."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click
import msgspec

from asyncsqla_lint.about import DOCUMENTATION
from asyncsqla_lint.cli.completion import complete_rules
from asyncsqla_lint.cli.options import CAN_FIX
from asyncsqla_lint.cli.output import wants_color, write
from asyncsqla_lint.rules import catalogue
from asyncsqla_lint.rules.rule import Description, Outcome


class RuleAsJson(msgspec.Struct):
    code: str
    name: str
    group: str
    summary: str
    preview: bool
    fix: str | None
    outcome: dict[str, object]
    explanation: str
    url: str | None


@click.command(short_help="Explain a rule, or list them all.")
@click.argument("codes", metavar="[CODE]...", nargs=-1, shell_complete=complete_rules)
@click.option("--all", "everything", is_flag=True, help="Explain every rule.")
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(codes: tuple[str, ...], everything: bool, output_format: str) -> None:
    """Explain the rules named by CODE (or by name); without one, list all."""
    if codes and everything:
        raise click.UsageError("give rule codes or --all, not both")
    chosen = _chosen(codes)
    if output_format == "json":
        write(_json(chosen, as_list=not codes or len(codes) > 1), None)
    elif codes or everything:
        write(_explained(chosen), None)
    else:
        write(_listed(), None)


def _chosen(codes: Sequence[str]) -> list[Description]:
    if not codes:
        return list(catalogue.describe_all())
    chosen = []
    for code in codes:
        rule = catalogue.find(code)
        if rule is None:
            raise click.ClickException(f"no rule {code!r} (`asyncsqla-lint rule` lists them)")
        chosen.append(rule.describe())
    return chosen


def markdown(rule: Description) -> str:
    """The rule's page: what the terminal shows, and what the documentation holds."""
    text = rule.documentation
    facts = [" · ".join((f"**{rule.code}**", rule.group, *([availability(rule)] if CAN_FIX else [])))]
    if rule.preview:
        facts.append("Off by default: in preview. Select it, or pass `--preview`.")
    parts = [
        ("What it does", text.what),
        ("Why is this bad?", text.why),
        ("Example", text.example),
        ("Use instead", text.instead),
        *text.extra,
    ]
    body = "\n\n".join(f"## {heading}\n\n{content}" for heading, content in parts)
    return f"# {rule.name} ({rule.code})\n\n" + "\n\n".join(facts) + f"\n\n{body}\n"


def availability(rule: Description) -> str:
    if rule.fix is None:
        return "no automatic fix"
    return "fix available" if rule.fix == "safe" else "fix available with `--unsafe-fixes`"


def _explained(rules: Sequence[Description]) -> Iterator[str]:
    pages = [markdown(rule) for rule in rules]
    if not wants_color(sys.stdout):
        yield "\n".join(pages)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(force_terminal=True, highlight=False)
    with console.capture() as capture:
        for page in pages:
            console.print(Markdown(page, code_theme="ansi_dark"))
    yield capture.get()


def _listed() -> Iterator[str]:
    width = max(len(rule.name) for rule in catalogue.describe_all())
    for title, rules in catalogue.groups().items():
        yield f"{title}\n"
        for rule in rules:
            marks = ("preview, " if rule.preview else "") + (
                f"{rule.fix} fix, " if rule.fix and CAN_FIX else ""
            )
            yield f"  {rule.code}  {rule.name:<{width}}  {marks.rstrip(', ')}".rstrip() + "\n"
        yield "\n"


def _json(rules: Sequence[Description], *, as_list: bool) -> Iterator[str]:
    objects = [_as_json(rule) for rule in rules]
    document = msgspec.json.encode(objects if as_list else objects[0])
    yield msgspec.json.format(document, indent=2).decode() + "\n"


def _as_json(rule: Description) -> RuleAsJson:
    return RuleAsJson(
        code=rule.code,
        name=rule.name,
        group=rule.group,
        summary=rule.documentation.summary,
        preview=rule.preview,
        fix=rule.fix,
        outcome=outcome_as_data(rule.outcome),
        explanation=markdown(rule),
        url=f"{DOCUMENTATION}/rules/{rule.name}" if DOCUMENTATION else None,
    )


def outcome_as_data(outcome: Outcome) -> dict[str, object]:
    return {"kind": type(outcome).__name__, **asdict(outcome)}
