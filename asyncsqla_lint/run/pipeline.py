"""From paths to a Report: each step a function of what the step before it made."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from asyncsqla_lint.findings import INTERNAL_ERROR, Finding
from asyncsqla_lint.run.cache import Answer, Cache, Stood
from asyncsqla_lint.run.configurations import Identities, Resolved
from asyncsqla_lint.run.contents import Overlay
from asyncsqla_lint.run.garbage import seldom_collected
from asyncsqla_lint.run.keys import content_hash, digest, key_of
from asyncsqla_lint.run.localising import Shown, merged, named_sources, one_per_cause
from asyncsqla_lint.run.outcome import Report, Statistics
from asyncsqla_lint.run.sources import Looked, Sources, arranged, glances_of, look, pages_of
from asyncsqla_lint.workspace.config import Config
from asyncsqla_lint.workspace.decoding import decode

if TYPE_CHECKING:
    from asyncsqla_lint.program import Program
    from asyncsqla_lint.project.bodies import Consulted
    from asyncsqla_lint.project.facts import Facts
    from asyncsqla_lint.project.pages import Pages
    from asyncsqla_lint.run import work
    from asyncsqla_lint.run.analysis import Analyse, Checked
    from asyncsqla_lint.run.outlook import Outlook
    from asyncsqla_lint.run.pool import Backend
    from asyncsqla_lint.run.ripples import Project
    from asyncsqla_lint.run.selection import Selection

__all__ = ["Overlay", "Report", "run"]

Progress = Callable[[int, int], None]  # steps done, steps in all
# Below these, starting processes costs more than it saves.
_ENOUGH_TEXT = 200_000  # bytes
_ENOUGH_LINES = 1_000


def run(
    paths: Sequence[str],
    config: Config,
    *,
    overlay: Overlay | None = None,
    progress: Progress | None = None,
    cache: Cache | None = None,
    backend: Backend | None = None,
    analyse: Analyse | None = None,
) -> Report:
    """Check what is at and below the paths, in the light of the project that they belong to.

    `overlay` holds unsaved contents by path; a path that is in it need not exist. Without a `backend` all is
    done in this process. `analyse` stands in for the engine.
    """
    with seldom_collected():
        return _Run(config, cache or Cache(), backend, analyse, progress).over(paths, overlay or {})


class _Run:
    def __init__(
        self,
        config: Config,
        cache: Cache,
        backend: Backend | None,
        analyse: Analyse | None,
        progress: Progress | None,
    ) -> None:
        self.config = config
        self.cache = cache
        self.backend = backend
        self.analyse = analyse
        self.progress = progress
        self.seconds: dict[str, float] = {}
        self.identity = Identities(config.root)

    def over(self, paths: Sequence[str], overlay: Overlay) -> Report:
        self.cache.turn()
        root = self.config.root
        with self.timed("workspace"):
            known_files = self.cache.files(root)
            looked = look(paths, self.config, overlay, known_files)
            resolved = Resolved(root, self.identity, overlay, looked.others)
            key = "" if overlay or self.analyse is not None else self.key(looked, resolved)
            pages = pages_of(looked, root, overlay)
        answer = self.cache.answer(key) if key else None
        if answer is not None and not pages.are(answer.pages):
            answer = None
        try:
            if answer is None:
                answer = self.answered(paths, looked, resolved, overlay, pages)
                if key and looked.data.is_steady and not _is_about_us(answer.findings):
                    self.cache.remember_answer(key, answer)
            with self.timed("findings"):
                readable = Shown(root)
                findings = tuple(readable.finding(finding) for finding in answer.findings)
                sources = named_sources(findings, looked.data)
        finally:  # also what an interrupted run has found out
            seen = dict(looked.data.to_remember)
            if root not in map(os.path.abspath, paths):
                seen = {**known_files, **seen}
            if seen != known_files:
                self.cache.remember_files(root, seen)
            notes = self.cache.save()
        self.cache.drafts.update(overlay)
        return Report(
            findings,
            looked.errors,
            Statistics(
                files=len(looked.targets),
                relevant=answer.relevant,
                parsed=answer.parsed,
                lines=answer.lines,
                counters=answer.counters,
                seconds=self.seconds,
            ),
            uses_sqlalchemy=answer.uses_sqlalchemy,
            notes=notes,
            sources=sources,
        )

    def key(self, looked: Looked, resolved: Resolved) -> str:
        """All that the answer depends on."""
        root = self.config.root
        files = [
            (
                key_of(path, root),
                content,
                path in looked.targets,
                resolved.identity(looked.configs[path], os.path.dirname(path)),
            )
            for path, content in looked.data.hashes.items()
        ]
        unread = [key_of(path, root) for path in looked.targets if path not in looked.data]
        try:
            return digest(self.identity(self.config), sorted(files), sorted(unread))
        except UnicodeEncodeError:  # a file's name need not be UTF-8
            return ""

    def answered(
        self, paths: Sequence[str], looked: Looked, resolved: Resolved, overlay: Overlay, pages: Pages
    ) -> Answer:
        root = self.config.root
        with self.timed("workspace"):
            known = self.cache.glances(root)
            glances = glances_of(looked.data, known)
            if looked.data.is_stored and glances != known:
                self.cache.remember_glances(root, glances)
            sources = arranged(looked, self.config, glances, self.cache)
        if sources is None:
            self.check_selectors(looked)
            return Answer((), False, 0, 0, 0, {})
        return _Analysis(self, paths, sources, resolved, overlay, pages).answer()

    # --- configurations --------------------------------------------------------------------------

    def selections(self, looked: Looked) -> dict[str, Selection]:
        """One for each configuration."""
        from asyncsqla_lint.run.selection import Selection

        configs = {self.identity(one): one for one in (self.config, *looked.targets.values())}
        return {key: Selection(config) for key, config in configs.items()}

    def check_selectors(self, looked: Looked) -> None:
        """Nothing will be said, so the rules need not be loaded, unless there are selectors to be checked."""
        if any(_chooses(config) for config in (self.config, *looked.targets.values())):
            self.selections(looked)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


class _Analysis:
    """What a run does when no earlier one has done all of it."""

    def __init__(
        self,
        run: _Run,
        paths: Sequence[str],
        sources: Sources,
        resolved: Resolved,
        overlay: Overlay,
        pages: Pages,
    ) -> None:
        self.run = run
        self.asked = [key_of(os.path.abspath(path), run.config.root) for path in paths]
        self.pages = pages
        self.sources = sources
        self.overlay = overlay
        self.data = sources.looked.data
        self.keys = {path: key_of(path, run.config.root) for path in sources.known}
        self.configs = {
            path: resolved(sources.looked.configs[path], os.path.dirname(path)) for path in sources.checked
        }
        self.facts: dict[str, Facts] = {}
        self.failures: dict[str, Finding] = {}
        self.done = 0
        self.steps = len(sources.known) + len(sources.checked)

    def answer(self) -> Answer:
        from asyncsqla_lint.run.analysis import added

        looked = self.sources.looked
        selections = self.run.selections(looked)
        with self.run.timed("programs"):
            self.lower()
        with self.run.timed("analysis"):
            results = self.results()
        with self.run.timed("findings"):
            found = [finding for result in results for finding in result.findings]
            findings = self.kept([*self.failures.values(), *found], selections)
        return Answer(
            tuple(findings),
            True,
            relevant=sum(path in looked.targets for path in self.sources.known),
            parsed=len(self.facts),
            lines=sum(facts.lines for facts in self.facts.values()),
            counters=added(result.counters for result in results),
            pages={name: state for result in results for name, state in result.pages.items()},
        )

    def progress(self, steps: int) -> None:
        self.done += steps
        if self.run.progress is not None:
            self.run.progress(self.done, self.steps)

    def backend(self, size: int, enough: int) -> Backend:
        """Who does it: others, if there is enough to do that they are worth starting."""
        from asyncsqla_lint.run.pool import Here

        self.run.cache.close()  # a fork must not share the store's connection
        return self.run.backend if self.run.backend is not None and size >= enough else Here()

    # --- texts -----------------------------------------------------------------------------------

    def lower(self) -> None:
        """What is known of each text; those of which nothing is known are parsed."""
        from asyncsqla_lint.run import work

        hashes = self.data.hashes
        facts = self.run.cache.facts((hashes[path] for path in self.sources.known), self.run.config.root)
        for path in self.run.cache.drafts:
            if (
                path in hashes
                and hashes[path] not in facts
                and (found := self.lowered_again(path)) is not None
            ):
                facts[hashes[path]] = found.facts
                self.remember(path, found)
        wanted = [path for path in self.sources.known if hashes[path] not in facts]
        tasks = [work.Source(self.keys[path], self.data[path]) for path in wanted]
        sizes = [len(task.data) for task in tasks]
        backend = self.backend(sum(sizes), _ENOUGH_TEXT)
        function = work.lowered_elsewhere if backend.workers > 1 else work.lowered
        self.progress(len(self.sources.known) - len(tasks))
        if tasks:
            import asyncsqla_lint.syntax  # noqa: F401  # loaded once, before processes are forked

        def arrived(number: int, answer: work.Lowered | Finding | None) -> None:
            self.progress(1)
            path = wanted[number]
            if answer is None:
                answer = work.killed(self.keys[path], "the whole file")
            if isinstance(answer, Finding):
                self.failures[path] = answer
            else:
                facts[hashes[path]] = answer.facts
                self.remember(path, answer)

        backend.map(function, None, tasks, sizes, arrived)
        self.facts = {path: facts[hashes[path]] for path in self.sources.known if path not in self.failures}

    def lowered_again(self, path: str) -> work.Lowered | None:
        from asyncsqla_lint.run import work

        before = self.run.cache.drafts[path]
        program = self.run.cache.program(content_hash(before))
        return None if program is None else work.lowered_again(self.data[path], before, program)

    def remember(self, path: str, found: work.Lowered) -> None:
        lasting = self.data.is_steady and path not in self.overlay
        content = self.data.hashes[path]
        self.run.cache.remember_text(content, found.program, found.facts, found.words, lasting=lasting)

    def program(self, path: str) -> Program:
        from asyncsqla_lint.run import work

        program = self.run.cache.program(self.data.hashes[path])
        if program is None:  # the store has lost it
            found = work.lowered(None, work.Source(self.keys[path], self.data[path]))
            assert isinstance(found, work.Lowered) and not isinstance(found.program, bytes)
            self.remember(path, found)
            program = found.program
        return program

    # --- analysis --------------------------------------------------------------------------------

    def results(self) -> list[Checked]:
        """What each module's analysis says, in the order of the files."""
        from asyncsqla_lint.run.analysis import Checked

        paths = {self.keys[path]: path for path in self.sources.checked if path in self.facts}
        outlook = self.outlook(paths)
        found: dict[str, Checked] = {}
        under: dict[str, str] = {}
        for keys, holds in () if outlook is None else outlook.tries():
            wanted = {path: key for path, key in keys.items() if path not in found}
            known = self.run.cache.results(wanted.values(), self.run.config.root)
            for path, key in wanted.items():
                result = known.get(key)
                if result is not None and holds(path, result):
                    found[path] = Checked(result.findings, result.counters, pages=result.pages)
                    under[path] = key
        if found:
            self.progress(len(found))
        missing = [path for path in paths if path not in found]
        if missing:
            keys = {} if outlook is None else outlook.keys
            self.check([paths[path] for path in missing], keys, found)
        if outlook is not None and self.data.is_steady:
            name, views = outlook.name, outlook.views(under)
            self.run.cache.remember_views(name, views, lasting=not self.overlay)
            if self.data.is_stored and self.sources.looked.targets.keys() >= set(self.sources.known):
                self.run.cache.bundle(self.run.config.root)
        return [found[path] for path in paths]

    def outlook(self, paths: Mapping[str, str]) -> Outlook | None:
        """What is known of these from before."""
        from asyncsqla_lint.run.outlook import Outlook, Shown

        if self.run.analyse is not None:
            return None
        root, identity, names = self.run.config.root, self.run.identity, self.sources.names
        modules = {
            self.keys[path]: Shown(
                names[path].name,
                names[path].is_package,
                key_of(names[path].root, root),
                self.data.hashes[path],
                facts.outline,
                facts.bodies,
                ("*",) if facts.signs is None else facts.signs.words,
            )
            for path, facts in self.facts.items()
        }
        configs = {key: identity(self.configs[path]) for key, path in paths.items()}
        try:
            return Outlook(modules, configs, self.asked, self.run.cache, self.project, self.pages)
        except UnicodeEncodeError:  # a file's name need not be UTF-8
            return None

    def project(self) -> Project:
        """All modules, for who asks how far an edit reaches."""
        from asyncsqla_lint.run.ripples import Project

        paths = {self.keys[path]: path for path in self.facts}
        imported = self.sources.imported()
        return Project(
            words=cache(lambda: self.words(paths)),
            program=lambda key: self.program(paths[key]),
            data=lambda key: self.data[paths[key]],
            classes=cache(self.classes),
            hooks=self.hooks,
            imported={
                key: [self.keys[other] for other in imported[path] if other in self.keys]
                for key, path in paths.items()
            },
        )

    def classes(self) -> set[str]:
        """The names of all."""
        known = (facts.signs for facts in self.facts.values())
        return {name for signs in known if signs is not None for name, _ in signs.classes}

    def hooks(self) -> bool:
        """Does a class do something with those below it?"""
        known = [facts.signs for facts in self.facts.values()]
        return any(signs is None or signs.hooked for signs in known)

    def words(self, paths: Mapping[str, str]) -> dict[str, str]:
        from asyncsqla_lint.project.pieces import words_of

        hashes = self.data.hashes
        known = self.run.cache.words(hashes[path] for path in paths.values())
        return {
            key: known[hashes[path]] if hashes[path] in known else words_of(decode(self.data[path]))
            for key, path in paths.items()
        }

    def check(self, paths: Sequence[str], keys: Mapping[str, str], found: dict[str, Checked]) -> None:
        """`keys` and `found` go by the files' keys."""
        from asyncsqla_lint.run import work
        from asyncsqla_lint.run.analysis import Checked
        from asyncsqla_lint.run.cache import Result

        project = work.Project(map(self.module, self.facts), self.run.analyse, self.pages)
        tasks = [work.Check(self.keys[path], self.configs[path]) for path in paths]
        at = {self.keys[path]: path for path in self.facts}
        sizes = [self.facts[path].lines for path in paths]
        backend = self.backend(sum(sizes), _ENOUGH_LINES)
        with self.run.timed("index"):
            names, _ = project.names, project.analyse  # made now: every worker needs them
            if backend.workers > 1:
                self.run.cache.hold(self.data.hashes[path] for path in self.facts)
                self.run.cache.close()

        def arrived(number: int, answer: Checked | None) -> None:
            self.progress(1)
            key = self.keys[paths[number]]
            if answer is None:
                answer = Checked((work.killed(key, f"`{names[key]}`"),), {})
            found[key] = answer
            if key in keys and self.data.is_steady and not _is_about_us(answer.findings):
                consulted = tuple(self.text(at[one.path], one) for one in answer.consulted)
                result = Result(answer.findings, answer.counters, consulted, answer.asked, dict(answer.pages))
                self.run.cache.remember_result(keys[key], result, lasting=not self.overlay)

        backend.map(work.checked, project, tasks, sizes, arrived)

    def text(self, path: str, consulted: Consulted) -> Stood:
        from asyncsqla_lint.project.bodies import picked

        functions = consulted.functions
        said = b"" if functions is None else picked(functions, self.facts[path].bodies)
        return Stood(consulted.path, self.data.hashes[path], functions, said)

    def module(self, path: str) -> work.ModuleSource:
        from asyncsqla_lint.run.work import ModuleSource

        name = self.sources.names[path]
        root = key_of(name.root, self.run.config.root)
        load = partial(self.program, path)
        signs = self.facts[path].signs
        return ModuleSource(name.name, self.keys[path], name.is_package, root, signs, load)

    # --- findings --------------------------------------------------------------------------------

    def kept(self, findings: Sequence[Finding], selections: Mapping[str, Selection]) -> list[Finding]:
        """What is reported of what was found, in order, each once."""
        from asyncsqla_lint.run.suppressions import Suppressions

        targets = {self.keys[path] for path in self.sources.looked.targets if path in self.keys}
        by_key: dict[str, list[Finding]] = {}
        for finding in one_per_cause(one for one in findings if one.path in targets):
            by_key.setdefault(finding.path, []).append(finding)
        kept: list[Finding] = []
        for path, config in self.sources.looked.targets.items():
            if path not in self.keys:
                continue
            silencing = self.facts[path].silencing if path in self.facts else None
            if silencing is None and self.keys[path] not in by_key:
                continue
            selection = selections[self.run.identity(config)]
            ignored = selection.ignored_in(path)
            of_file = selection.consistent(merged(by_key.get(self.keys[path], ())))
            if silencing is not None:
                suppressions = Suppressions(self.keys[path], silencing)
                failed = any(finding.code == INTERNAL_ERROR for finding in of_file)
                of_file = [finding for finding in of_file if not suppressions.silences(finding)]
                if path in self.configs and not failed:
                    idle = suppressions.unused(selection.enabled - ignored)
                    of_file += [finding for finding in idle if not suppressions.silences(finding)]
            kept += [selection.with_fix(finding) for finding in of_file if selection.keeps(finding, ignored)]
        return sorted(kept, key=lambda finding: finding.sort_key)


def _is_about_us(findings: Sequence[Finding]) -> bool:
    """A failure of ours may have come of this machine's state."""
    return any(finding.code == INTERNAL_ERROR for finding in findings)


def _chooses(config: Config) -> bool:
    default = Config(root=config.root)
    keys = ("select", "extend_select", "ignore", "extend_ignore", "fixable", "unfixable")
    tables = (config.per_file_ignores, config.extend_per_file_ignores)
    return any(tables) or any(getattr(config, key) != getattr(default, key) for key in keys)
