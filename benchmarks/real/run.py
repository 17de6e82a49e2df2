"""Hold the linter against real projects: how many findings are true, how many known defects it tells.

    python benchmarks/real/run.py --clones DIRECTORY

DIRECTORY holds clones with their history, named `owner/name` or `owner+name`; those that are missing are
left out and counted. Nothing is fetched, and no code of a project is run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from clones import Clone, find
from judging import Judged, Told, judge, precision_table, recall_table, told_after, told_before
from linting import Run, lint
from records import History, Project, histories, projects, verdicts

SCRATCH = Path(".asyncsqla_lint_cache/real")


class Tree(msgspec.Struct, frozen=True):
    """How one run over one project went."""

    repository: str
    commit: str
    run: Run


class Options(msgspec.Struct, frozen=True):
    clones: Path
    scratch: Path
    limit: float
    lint: tuple[str, ...]
    only: str

    def wants(self, repository: str) -> bool:
        return self.only in repository

    def run(self, clone: Clone, commit: str) -> Run:
        return lint(clone, commit, self.scratch, self.limit, self.lint)


def main(arguments: Sequence[str]) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--clones", type=Path, required=True, help="the directory of the clones")
    parser.add_argument("--scratch", type=Path, default=SCRATCH, help="where answers are kept")
    parser.add_argument("--output", type=Path, default=Path("."), help="where real.json and real.md go")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one run of the linter")
    parser.add_argument("--only", default="", help="only repositories whose name contains this")
    parser.add_argument("--part", choices=("projects", "histories"), help="one of the two halves")
    parser.add_argument("--lint-option", action="append", default=[], help="one more option for the linter")
    given = parser.parse_args(arguments)
    lint_options = tuple(given.lint_option)
    options = Options(given.clones, given.scratch.resolve(), given.limit, lint_options, given.only)

    trees = [] if given.part == "histories" else run_projects(options)
    told = [] if given.part == "projects" else run_histories(options)
    known = verdicts()
    judged = [one for tree in trees for one in judge(tree.repository, tree.commit, tree.run.found, known)]

    given.output.mkdir(parents=True, exist_ok=True)
    document = {"projects": trees, "findings": judged, "histories": told}
    (given.output / "real.json").write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    page = markdown(trees, judged, told)
    (given.output / "real.md").write_text(page, encoding="utf-8")
    print(page, end="")
    return 1 if any(tree.run.status != "ok" for tree in trees) else 0


def run_projects(options: Options) -> list[Tree]:
    trees: list[Tree] = []
    for project in projects():
        clone = _clone(options, project)
        if clone is not None:
            _say(f"{project.repository} {project.commit[:10]}")
            trees.append(Tree(project.repository, project.commit, options.run(clone, project.commit)))
    return trees


def run_histories(options: Options) -> list[Told]:
    told: list[Told] = []
    for history in histories():
        clone = _clone(options, history)
        if clone is not None:
            _say(f"{history.repository} {history.fix_commit[:10]} {history.rule}")
            told.append(tell(options, clone, history))
    return told


def tell(options: Options, clone: Clone, history: History) -> Told:
    parent = options.run(clone, history.parent_commit)
    fixed = options.run(clone, history.fix_commit)
    moved = clone.moved(
        history.path, history.line, history.end_line, history.parent_commit, history.fix_commit
    )
    return Told(
        history,
        told_before(history, parent.found) if parent.answered else None,
        told_after(history, moved, fixed.found) if fixed.answered else None,
    )


def _clone(options: Options, wanted: Project | History) -> Clone | None:
    if not options.wants(wanted.repository):
        return None
    clone = find(options.clones, wanted.repository)
    commit = wanted.commit if isinstance(wanted, Project) else wanted.fix_commit
    if clone is not None:
        try:
            clone.commit(commit)
        except subprocess.CalledProcessError:
            clone = None
    if clone is None:
        _say(f"left out: no clone of {wanted.repository} with {commit[:10]}")
    return clone


def markdown(trees: Sequence[Tree], judged: Sequence[Judged], told: Sequence[Told]) -> str:
    parts: list[str] = []
    if trees:
        rows = [["project", "commit", "run", "seconds", "MiB", "findings"]]
        for tree in trees:
            numbers = (f"{tree.run.seconds:.1f}", str(tree.run.peak_mib), str(len(tree.run.found)))
            rows.append([tree.repository, tree.commit[:10], tree.run.status, *numbers])
        parts += ["## Projects", _table(rows), "## Precision", _table(precision_table(judged))]
    if told:
        parts += ["## Histories", _table(recall_table(told))]
        wrong = [one for one in told if one.before is not True or one.after is not False]
        rows = [["not yet", "decidable", "before", "after", "place"]]
        for one in wrong:
            history = one.history
            place = f"{history.repository} {history.parent_commit[:10]} {history.path}:{history.line}"
            rows.append([history.rule, history.decidable, _word(one.before), _word(one.after), place])
        parts.append(_table(rows))
    return "\n\n".join(parts) + "\n"


def _word(told: bool | None) -> str:
    return "not run" if told is None else "found" if told else "silent"


def _table(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
