"""`python docs/pages.py [--check]`: one page per rule, from its docstring, and the list of them all."""

from __future__ import annotations

import sys
from pathlib import Path

from asyncsqla_lint.cli.rule import availability, markdown
from asyncsqla_lint.rules import catalogue

HERE = Path(__file__).parent


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    made = {HERE / "rules" / f"{rule.name}.md": markdown(rule) for rule in catalogue.describe_all()}
    lines = ["# Rules", "", "Written by `docs/pages.py` from the rules themselves."]
    for title, rules in catalogue.groups().items():
        lines += ["", f"## {title}", "", "| code | rule | what it reports | |", "| --- | --- | --- | --- |"]
        for rule in rules:
            notes = ["preview"] if rule.preview else []
            notes += [] if rule.fix is None else [availability(rule)]
            # A summary may hold a pipe, which would end the cell.
            summary = rule.documentation.summary.replace("|", "\\|")
            lines.append(
                f"| {rule.code} | [{rule.name}](rules/{rule.name}.md) | {summary} | {', '.join(notes)} |"
            )
    made[HERE / "rules.md"] = "\n".join(lines) + "\n"
    return made


def stale() -> list[Path]:
    """Pages that are not what the rules say, or that no rule has."""
    made = pages()
    found = [path for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    return sorted(found + [path for path in (HERE / "rules").glob("*.md") if path not in made])


def main() -> int:
    wrong = stale()
    if "--check" in sys.argv[1:]:
        for path in wrong:
            print(f"{path.name} is not what the rules say: run `python docs/pages.py`")
        return 1 if wrong else 0
    made = pages()
    (HERE / "rules").mkdir(exist_ok=True)
    for path in wrong:
        if path in made:
            path.write_text(made[path], "utf-8")
        else:
            path.unlink()
        print(path.relative_to(HERE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
